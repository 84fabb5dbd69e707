"""The vault: the only place that can open an identity, and the only one that derives a token.

One vault key; a key of its own is derived from it for each use (HKDF, RFC 5869).
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic_core import from_json, to_json

from aduan.privacy.seal import Sealer

_TOKEN_BYTES: Final = 20
_PSEUDONYM_LETTERS: Final = 8
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
        self._tokens = _derived(key, b"reporter-token")
        self._names = _derived(key, b"pseudonym")
        self._prints = _derived(key, b"fingerprint")

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
        made = hmac.digest(self._tokens, f"{complaint_id}:{generation}".encode(), "sha256")
        return base64.b32encode(made[:_TOKEN_BYTES]).decode()

    def token_fits(self, token: str, complaint_id: str, generation: int) -> bool:
        """Whether this is the reporter's token, as people copy it; in constant time."""
        expected = self.reporter_token(complaint_id, generation)
        given = token.upper().translate(_COPIED) if len(token) <= _LONGEST else ""
        return hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace"))

    def pseudonym(self, complaint_id: str) -> str:
        """Return the reporter's name in this one case; it links to no other case."""
        made = hmac.digest(self._names, complaint_id.encode(), "sha256")
        return "P-" + base64.b32encode(made).decode()[:_PSEUDONYM_LETTERS]

    def fingerprint(self, body: bytes) -> str:
        """Return what tells one request body from another, useless without the key."""
        return hmac.new(self._prints, body, hashlib.sha256).hexdigest()


def in_groups(token: str) -> str:
    """Return a token as people copy it: groups of four."""
    return " ".join(token[start : start + _GROUP] for start in range(0, len(token), _GROUP))


def _derived(key: bytes, use: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"aduan-intake:" + use).derive(key)


def _about(complaint_id: str, field: str) -> bytes:
    return f"complaints|{complaint_id}|{field}".encode()
