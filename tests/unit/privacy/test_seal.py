"""Sealed fields: only the right key, in the right place, unchanged."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aduan.privacy.seal import CannotOpen, Sealer

KEY = bytes(range(32))


@given(st.binary(max_size=2000), st.binary(max_size=60))
def test_what_was_sealed_opens_again(plain: bytes, about: bytes) -> None:
    """For any content and any place."""
    sealer = Sealer(KEY)

    assert plain == sealer.open(sealer.seal(plain, about), about)


def test_the_same_text_is_sealed_differently_each_time() -> None:
    """Nobody can tell that two complaints say the same."""
    sealer = Sealer(KEY)

    assert 50 == len({sealer.seal(b"x", b"a") for _ in range(50)})


def test_every_changed_byte_is_noticed() -> None:
    """Head, wrapped key, nonce and content are all covered."""
    sealer = Sealer(KEY)
    sealed = sealer.seal(b"isi laporan", b"complaints|1|received")

    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises(CannotOpen):
            sealer.open(bytes(changed), b"complaints|1|received")


@pytest.mark.parametrize("cut", [0, 1, 40, -1])
def test_a_part_does_not_open(cut: int) -> None:
    """Nor does nothing at all."""
    sealer = Sealer(KEY)

    with pytest.raises(CannotOpen):
        sealer.open(sealer.seal(b"x", b"a")[:cut], b"a")


def test_another_place_does_not_open() -> None:
    """A sealed field that is copied into another complaint stays shut."""
    sealer = Sealer(KEY)
    sealed = sealer.seal(b"x", b"complaints|1|received")

    with pytest.raises(CannotOpen, match="moved"):
        sealer.open(sealed, b"complaints|2|received")


def test_another_key_does_not_open_and_says_so() -> None:
    """Told apart from damage, because the remedy is another one."""
    sealed = Sealer(KEY).seal(b"x", b"a")

    with pytest.raises(CannotOpen, match="another key"):
        Sealer(os.urandom(32)).open(sealed, b"a")


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_key_of_another_length_is_refused(length: int) -> None:
    """A short key would be weaker than it looks."""
    with pytest.raises(ValueError, match="32 bytes"):
        Sealer(b"k" * length)


def test_a_text_is_sealed_as_a_text() -> None:
    """For bodies that are JSON; what is no base64 does not open."""
    sealer = Sealer(KEY)
    sealed = sealer.seal_text("rahasia: ü", "cases|1|answer")

    assert "rahasia" not in sealed
    assert "rahasia: ü" == sealer.open_text(sealed, "cases|1|answer")
    with pytest.raises(CannotOpen):
        sealer.open_text("not base64!", "cases|1|answer")
