"""The ticket: read aloud, typed on a telephone, mistyped."""

from itertools import combinations

import pytest

from aduan.ticket import ALPHABET, NotATicket, new_ticket, read_ticket

GIVEN = "SMG-7K2M9-QXA3F-Z"


@pytest.mark.parametrize(
    "typed",
    [
        GIVEN,
        GIVEN.lower(),
        "smg 7k2m9 qxa3f z",
        "SMG7K2M9QXA3FZ",
        " smg.7k2m9_qxa3f–z\n",
        "S M G 7 K 2 M 9 Q X A 3 F Z",
    ],
)
def test_a_ticket_is_read_in_every_spelling(typed: str) -> None:
    """Case and groups do not matter."""
    assert GIVEN == read_ticket(typed)


def test_letters_that_look_like_digits_are_read_as_such() -> None:
    """O for 0, I and L for 1, in lower case too; the tenant's letters stay letters."""
    for _ in range(200):
        ticket = new_ticket("LOI")
        rest = ticket[3:].translate(str.maketrans("01", "OI"))

        assert ticket == read_ticket(ticket[:3] + rest)
        assert ticket == read_ticket((ticket[:3] + rest.replace("I", "l")).lower())


def test_a_new_ticket_has_letters_ten_random_characters_and_a_check() -> None:
    """None of the four letters that people confuse stands in the random part."""
    made = {new_ticket("SMG") for _ in range(500)}

    assert 500 == len(made)
    assert all(ticket == read_ticket(ticket) and len(ticket) == len(GIVEN) for ticket in made)
    assert set(ALPHABET) == {sign for ticket in made for sign in ticket[4:].replace("-", "")}


def test_every_single_wrong_character_is_noticed() -> None:
    """In any place, the check character and the tenant's letters included."""
    for ticket in (new_ticket("SMG").replace("-", "") for _ in range(30)):
        for place, right in enumerate(ticket):
            for sign in "ABCDEFGHJKMNPQRSTVWXYZ" if place < 3 else ALPHABET:
                if sign != right:
                    with pytest.raises(NotATicket):
                        read_ticket(ticket[:place] + sign + ticket[place + 1 :])


def test_every_swap_of_two_characters_is_noticed() -> None:
    """Neighbours and others; also the last one with the check character."""
    for ticket in (new_ticket("SMG").replace("-", "") for _ in range(100)):
        for one, two in combinations(range(len(ticket)), 2):
            if ticket[one] != ticket[two]:
                signs = list(ticket)
                signs[one], signs[two] = signs[two], signs[one]
                with pytest.raises(NotATicket):
                    read_ticket("".join(signs))


@pytest.mark.parametrize("typed", ["", "SMG", GIVEN[:-1], GIVEN + "A", "123-7K2M9-QXA3F-Z", "U" * 14,
                                   "SMG-7K2M9-QXA3U-Z", "ẞ" * 7, "x" * 10_000, "SMĞ-7K2M9-QXA3F-Z"])  # fmt: skip
def test_what_is_no_ticket_is_refused(typed: str) -> None:
    """By its shape alone."""
    with pytest.raises(NotATicket):
        read_ticket(typed)
