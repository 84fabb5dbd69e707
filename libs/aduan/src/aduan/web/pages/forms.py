"""Signed values for cookies and forms: what a browser may carry but not change.

A signed value is readable by whoever has it: put nothing secret into it.
"""

import base64
import hmac
import secrets
from datetime import datetime, timedelta
from typing import Final, Literal

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from starlette.responses import Response

_KEY_BYTES: Final = 32
_LONGEST: Final = 4096
CSRF_LIFETIME: Final = timedelta(hours=12)


class Signer:
    """Signs values with an expiry; each purpose is a world of its own."""

    def __init__(self, key: bytes, *, use: str) -> None:
        """key: at least 32 random bytes. use: who signs; another use cannot read it.

        Raises ValueError for a shorter key.
        """
        if len(key) < _KEY_BYTES:
            raise ValueError("a signing key has at least 32 bytes")
        info = b"aduan-forms:" + use.encode()
        self._key = HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=info).derive(key)

    def sign(self, purpose: str, value: str, *, expires_at: datetime) -> str:
        """Return `value`, its expiry and their signature: letters, digits, `-`, `_` and `.`."""
        until = str(int(expires_at.timestamp()))
        packed = base64.urlsafe_b64encode(value.encode()).decode().rstrip("=")
        return f"{packed}.{until}.{self._mark(purpose, packed, until)}"

    def read(self, purpose: str, text: str | None, *, now: datetime) -> str | None:
        """Return the value that was signed for this purpose; None when not ours or expired."""
        if text is None or len(text) > _LONGEST or not text.isascii() or text.count(".") != 2:
            return None
        packed, until, mark = text.split(".")
        if not hmac.compare_digest(self._mark(purpose, packed, until), mark):
            return None
        if int(until) <= now.timestamp():
            return None
        return base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)).decode()

    def csrf(self, session: str, *, now: datetime) -> str:
        """Return the token that a form of this browser session carries, good for twelve hours."""
        return self.sign("csrf", session, expires_at=now + CSRF_LIFETIME)

    def csrf_fits(self, session: str | None, token: str | None, *, now: datetime) -> bool:
        """Whether the token belongs to this session and has not expired; constant time."""
        known = self.read("csrf", token, now=now)
        if known is None or not session:
            return False
        return hmac.compare_digest(known.encode(), session.encode("utf-8", "replace"))

    def _mark(self, purpose: str, packed: str, until: str) -> str:
        made = hmac.digest(self._key, f"{purpose}\n{packed}\n{until}".encode(), "sha256")
        return base64.urlsafe_b64encode(made).decode().rstrip("=")


def new_session() -> str:
    """Return a random session id (128 bits) that says nothing about anybody."""
    return secrets.token_urlsafe(16)


def one_time_key() -> str:
    """Return the hidden key of a form: it becomes the Idempotency-Key, so two clicks are one."""
    return secrets.token_urlsafe(18)


def set_cookie(
    response: Response,
    name: str,
    value: str,
    *,
    max_age: timedelta,
    secure: bool,
    path: str = "/",
    same_site: Literal["lax", "strict"] = "lax",
) -> None:
    """Set a cookie that no script can read. secure: off only where pages are served without TLS."""
    response.set_cookie(
        name,
        value,
        max_age=int(max_age.total_seconds()),
        path=path,
        secure=secure,
        httponly=True,
        samesite=same_site,
    )
