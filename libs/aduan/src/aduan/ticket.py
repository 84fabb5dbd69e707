"""The ticket: what a citizen writes down and reads out on the telephone (DESIGN 7).

Three tenant letters, ten random characters and a check character of a 32-letter alphabet without I,
L, O, U: `SMG-7K2M9-QXA3F-Z`. Lower case, spaces, O for 0, I or L for 1 are accepted. The check
character catches every single wrong character and every swap of two of the alphabet.
"""

from typing import Final

from aduan.errors import AduanError
from aduan.privacy.randomness import random_bytes

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LETTERS: Final = 3
RANDOM: Final = 10
_VALUE: Final = {character: number for number, character in enumerate(ALPHABET)}
_ALIKE: Final = str.maketrans({"O": "0", "I": "1", "L": "1"})
_DROPPED: Final = str.maketrans("", "", " -._\u2010\u2011\u2012\u2013\u2014\t\n\r")
_REDUCING: Final = 0b100101  # x^5 + x^2 + 1 over GF(2)
# A tenant's letter counts as it does in the alphabet; the four that are not in it get free numbers.
_LETTER: Final = {"O": 0, "I": 1, "L": 2, "U": 3, **{c: _VALUE[c] for c in ALPHABET[10:]}}


class NotATicket(AduanError):
    """The text has not the shape of a ticket, or its check character is wrong."""


def new_ticket(letters: str) -> str:
    """Return a new random ticket (50 bits) for a tenant's three capital letters."""
    bits = int.from_bytes(random_bytes(7))  # 50 of its 56 bits are used
    body = "".join([ALPHABET[bits >> 5 * place & 31] for place in range(RANDOM)])
    return grouped(letters, body + _check(letters, body))


def read_ticket(text: str) -> str:
    """Return the ticket in its one written form. Raises NotATicket, without any look-up."""
    if len(text) > 64:
        raise NotATicket("too long")
    bare = text.upper().translate(_DROPPED)
    if len(bare) != LETTERS + RANDOM + 1:
        raise NotATicket("wrong length")
    letters, rest = bare[:LETTERS], bare[LETTERS:].translate(_ALIKE)
    if not (letters.isascii() and letters.isalpha()) or any(c not in _VALUE for c in rest):
        raise NotATicket("wrong characters")
    if _check(letters, rest[:-1]) != rest[-1]:
        raise NotATicket("wrong check character")
    return grouped(letters, rest)


def grouped(letters: str, rest: str) -> str:
    """Return the written form: groups that fit one breath."""
    return f"{letters}-{rest[:5]}-{rest[5:10]}-{rest[10:]}"


def _check(letters: str, body: str) -> str:
    # A polynomial over GF(32) at its generator: any one wrong character and any swap of two
    # characters changes the sum, because powers of the generator are distinct and none is zero.
    # The last turn comes after the last character, or it and the check could change places.
    total = 0
    for value in (*(_LETTER[letter] for letter in letters), *(_VALUE[c] for c in body)):
        total = (total ^ value) << 1
        total ^= _REDUCING if total & 32 else 0
    return ALPHABET[total]
