"""HMAC-SHA256 (RFC 2104) with a key that is prepared once.

The one-shot function of the standard library gives up the interpreter lock at each call and waits
to get it back; two prepared halves hash a short message in a microsecond.
"""

import hashlib
from typing import Final

_BLOCK: Final = 64


class Mac:
    """Derives 32 bytes from a message, which nobody can do without the key."""

    def __init__(self, key: bytes) -> None:
        """key: 32 random bytes. Raises ValueError for a key longer than a block of the hash."""
        if len(key) > _BLOCK:
            raise ValueError("a key has at most 64 bytes")
        padded = key.ljust(_BLOCK, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in padded))

    def digest(self, message: bytes) -> bytes:
        """Return the 32 bytes for this message."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(message)
        outer.update(inner.digest())
        return outer.digest()
