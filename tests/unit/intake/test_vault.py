"""What is derived from the vault key, and what opens."""

import base64

import pytest

from aduan.privacy.seal import CannotOpen
from aduan_intake.vault import Vault, in_groups

ONE = "019ad3f0-0000-7000-8000-000000000001"
TWO = "019ad3f0-0000-7000-8000-000000000002"


@pytest.fixture
def vault() -> Vault:
    """A vault with a key that is not a secret."""
    return Vault(b"v" * 32)


def test_a_token_is_the_same_each_time_and_differs_by_complaint_and_generation(
    vault: Vault,
) -> None:
    """So it need not be stored, and can be made invalid by a new generation."""
    tokens = {vault.reporter_token(id, generation) for id in (ONE, TWO) for generation in (1, 2)}

    assert vault.reporter_token(ONE, 1) == Vault(b"v" * 32).reporter_token(ONE, 1)
    assert 4 == len(tokens)
    assert all(20 == len(base64.b32decode(token)) for token in tokens)


@pytest.mark.parametrize(
    "copied",
    [
        lambda t: t,
        str.lower,
        in_groups,
        lambda t: f"  {in_groups(t).replace(' ', '-')}\n",
        lambda t: t.replace("O", "0").replace("I", "1").replace("B", "8"),
    ],
)
def test_a_token_fits_as_people_copy_it(vault: Vault, copied: object) -> None:
    """In groups, in small letters, with the digits that look alike."""
    for number in range(50):
        id = f"019ad3f0-0000-7000-8000-{number:012d}"
        token = vault.reporter_token(id, 1)

        assert vault.token_fits(copied(token), id, 1)  # type: ignore[operator]  # a function
        assert not vault.token_fits(copied(token), TWO, 2)  # type: ignore[operator]  # the same


@pytest.mark.parametrize("token", ["", " ", "A" * 32, "ß" * 32, "A" * 100_000, "\ud800"])
def test_nothing_else_fits(vault: Vault, token: str) -> None:
    """However long or odd."""
    assert not vault.token_fits(token, ONE, 1)


def test_a_pseudonym_links_to_no_other_case(vault: Vault) -> None:
    """Two complaints of one person have two."""
    assert vault.pseudonym(ONE) == vault.pseudonym(ONE) != vault.pseudonym(TWO)
    assert 10 == len(vault.pseudonym(ONE))


def test_what_is_sealed_opens_only_in_its_own_place(vault: Vault) -> None:
    """Another complaint, another field, another key: nothing."""
    sealed = vault.seal({"name": "Contoh"}, ONE, "received")

    assert {"name": "Contoh"} == vault.open(sealed, ONE, "received")
    for other, id, field in ((vault, TWO, "received"), (vault, ONE, "x"), (Vault(b"w" * 32), ONE, "received")):  # fmt: skip
        with pytest.raises(CannotOpen):
            other.open(sealed, id, field)


def test_a_vault_key_has_32_bytes() -> None:
    """Anything else is refused at the start."""
    with pytest.raises(ValueError, match="32 bytes"):
        Vault(b"v" * 16)
