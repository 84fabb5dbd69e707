"""Sealing: envelope encryption of one field, so that a copied file tells nothing.

AES-256-GCM. Each sealed field has a data key of its own, wrapped by the service's key; deleting the
field shreds it. `about` binds a sealed field to its place (collection, id, field): moved elsewhere,
it does not open.
"""

import base64
import hashlib
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from aduan.errors import AduanError
from aduan.privacy.randomness import random_bytes

KEY_BYTES: Final = 32
_VERSION: Final = b"\x01"
_NONCE: Final = 12
_TAG: Final = 16
_ID: Final = 4
_WRAPPED: Final = KEY_BYTES + _TAG
_HEAD: Final = len(_VERSION) + _ID + _NONCE + _WRAPPED + _NONCE


class CannotOpen(AduanError):
    """The sealed field was changed, moved, or sealed with another key."""


class Sealer:
    """Seals and opens with one service's key."""

    def __init__(self, key: bytes) -> None:
        """key: 32 random bytes. Raises ValueError for any other length."""
        if len(key) != KEY_BYTES:
            raise ValueError("a sealing key has 32 bytes")
        self._wrap = AESGCM(key)
        self.key_id: Final = hashlib.sha256(b"aduan-key-id:" + key).digest()[:_ID]

    def seal(self, plain: bytes, about: bytes) -> bytes:
        """Return the sealed bytes; sealing the same text again gives other bytes."""
        fresh = random_bytes(KEY_BYTES + 2 * _NONCE)
        data_key, outer, inner = fresh[:KEY_BYTES], fresh[KEY_BYTES:-_NONCE], fresh[-_NONCE:]
        bound = self.key_id + about
        wrapped = self._wrap.encrypt(outer, data_key, bound)
        head = _VERSION + self.key_id + outer + wrapped + inner
        return head + AESGCM(data_key).encrypt(inner, plain, bound)

    def open(self, sealed: bytes, about: bytes) -> bytes:
        """Return what was sealed about exactly this. Raises CannotOpen."""
        if len(sealed) < _HEAD + _TAG or sealed[:1] != _VERSION:
            raise CannotOpen("not a sealed field")
        key_id = sealed[1 : 1 + _ID]
        if key_id != self.key_id:
            raise CannotOpen("sealed with another key")
        outer_at = 1 + _ID
        wrapped_at = outer_at + _NONCE
        inner_at = wrapped_at + _WRAPPED
        bound = key_id + about
        try:
            data_key = self._wrap.decrypt(
                sealed[outer_at:wrapped_at], sealed[wrapped_at:inner_at], bound
            )
            return AESGCM(data_key).decrypt(sealed[inner_at:_HEAD], sealed[_HEAD:], bound)
        except InvalidTag:
            raise CannotOpen("changed or moved") from None

    def seal_text(self, plain: str, about: str) -> str:
        """Return a text sealed as base64."""
        return base64.b64encode(self.seal(plain.encode(), about.encode())).decode()

    def open_text(self, sealed: str, about: str) -> str:
        """Undo `seal_text`. Raises CannotOpen."""
        try:
            raw = base64.b64decode(sealed, validate=True)
        except ValueError:
            raise CannotOpen("not a sealed field") from None
        return self.open(raw, about.encode()).decode()
