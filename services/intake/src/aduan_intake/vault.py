"""The vault: the only place that can open an identity, and the only one that derives a token.

One vault key; a key of its own is derived from it for each use (HKDF, RFC 5869).
"""

import base64
import hmac
from collections.abc import Mapping
from typing import Any, Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic_core import from_json, to_json

from aduan.privacy.mac import Mac
from aduan.privacy.seal import Sealer

_TOKEN_BYTES: Final = 20
_PSEUDONYM_BYTES: Final = 5
_BASE32: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_PAIRS: Final = tuple(one + two for one in _BASE32 for two in _BASE32)
_LONGEST: Final = 128
_GROUP: Final = 4
# The token's alphabet has no 0, 1 and 8, so whoever types them has misread O, I and B.
_COPIED: Final = str.maketrans({"0": "O", "1": "I", "8": "B"}) | dict.fromkeys(map(ord, " -\t\r\n"))


class Vault:
    """Seals what was received, and derives what is shown once and never stored."""

    def __init__(self, key: bytes) -> None:
        """key: 32 random bytes. Raises ValueError for any other length."""
        if len(key) != 32:
            raise ValueError("a vault key has 32 bytes")
        self._sealer = Sealer(_derived(key, b"seal"))
        self._tokens = Mac(_derived(key, b"reporter-token"))
        self._names = Mac(_derived(key, b"pseudonym"))
        self._prints = Mac(_derived(key, b"fingerprint"))

    def seal(self, content: Mapping[str, Any], complaint_id: str, field: str) -> str:
        """Return `content` sealed for one field of one complaint, as base64."""
        sealed = self._sealer.seal(to_json(content), _about(complaint_id, field))
        return base64.b64encode(sealed).decode()

    def open(self, sealed: str, complaint_id: str, field: str) -> dict[str, Any]:
        """Return what was sealed. Raises CannotOpen for another place, another key, or a change."""
        plain = self._sealer.open(base64.b64decode(sealed), _about(complaint_id, field))
        content: dict[str, Any] = from_json(plain)
        return content

    def reporter_token(self, complaint_id: str, generation: int) -> str:
        """Return the reporter's token: derived, so that a repeat of the POST shows it again."""
        return _letters(self._tokens.digest(f"{complaint_id}:{generation}".encode())[:_TOKEN_BYTES])

    def token_fits(self, token: str, complaint_id: str, generation: int) -> bool:
        """Whether this is the reporter's token, as people copy it; in constant time."""
        expected = self.reporter_token(complaint_id, generation)
        given = token.upper().translate(_COPIED) if len(token) <= _LONGEST else ""
        return hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace"))

    def pseudonym(self, complaint_id: str) -> str:
        """Return the reporter's name in this one case; it links to no other case."""
        return "P-" + _letters(self._names.digest(complaint_id.encode())[:_PSEUDONYM_BYTES])

    def fingerprint(self, body: bytes) -> str:
        """Return what tells one request body from another, useless without the key."""
        return self._prints.digest(body).hex()


def _letters(made: bytes) -> str:
    """Return base32 (RFC 4648) of a multiple of five bytes; the library's own costs ten times more."""
    bits = int.from_bytes(made)
    return "".join([_PAIRS[bits >> at & 1023] for at in range(8 * len(made) - 10, -1, -10)])


def in_groups(token: str) -> str:
    """Return a token as people copy it: groups of four."""
    return " ".join(token[start : start + _GROUP] for start in range(0, len(token), _GROUP))


def _derived(key: bytes, use: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"aduan-intake:" + use).derive(key)


def _about(complaint_id: str, field: str) -> bytes:
    return f"complaints|{complaint_id}|{field}".encode()
