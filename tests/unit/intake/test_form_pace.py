"""How many forms one address may send; whose address counts as one."""

import pytest

from aduan_intake.adapters.form_pace import FormPace


def test_one_address_is_stopped_at_its_number_and_its_neighbour_is_not() -> None:
    """The third of two is refused; it does not count either, and others go on."""
    pace = FormPace(2)

    assert [pace.take("192.0.2.7") for _ in range(4)] == [True, True, False, False]
    assert pace.take("192.0.2.8")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", True),  # one household
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("/run/socket", "", True),  # no address at all
        ("192.0.2.7", "192.0.2.8", False),
    ],
)
def test_a_household_of_ipv6_is_one_address(one: str, other: str, same: bool) -> None:
    """Whoever has a whole network cannot take a new address for each form."""
    pace = FormPace(1)
    pace.take(one)

    assert pace.take(other) is not same


def test_no_address_is_kept() -> None:
    """What the counter remembers is a place of 65,536, under a key of this process."""
    places = {FormPace(1)._place("192.0.2.7") for _ in range(20)}

    assert all(len(place) == 4 for place in places)
    assert len(places) > 1
