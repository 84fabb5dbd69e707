"""Keys as they are made and stored: `aduan_<keyid>_<secret>`, of which only a hash is kept.

The secret is 32 random bytes, so a plain SHA-256 is enough: there is nothing to guess. Scopes are a
closed set.
"""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, get_args

Scope = Literal[
    "complaints:write",
    "complaints:read",
    "portals:manage",
    "contacts:resolve",
    "content:read",
    "cases:read",
    "cases:act",
    "cases:coordinate",
    "offices:read",
    "offices:manage",
    "clocks:read",
    "policies:read",
    "policies:manage",
    "mirrors:read",
    "mirrors:manage",
    "deliveries:read",
    "subscriptions:manage",
    "ops:read",
    "ops:act",
]
SCOPES: Final[frozenset[str]] = frozenset(get_args(Scope))
_PREFIX: Final = "aduan"


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A key as it is stored. hash: hex SHA-256 of the secret. expires_at: aware UTC, or never."""

    key_id: str
    hash: str
    tenant: str
    scopes: frozenset[str]
    portal: str | None = None
    opd: str | None = None
    expires_at: datetime | None = None


def make_key(
    *,
    tenant: str,
    scopes: Iterable[Scope],
    portal: str | None = None,
    opd: str | None = None,
    expires_at: datetime | None = None,
) -> tuple[str, KeyRecord]:
    """Return a new key: the text to show once, and the record to store.

    Raises ValueError for an unknown scope.
    """
    key_id, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    record = KeyRecord(
        key_id=key_id,
        hash=hash_of(secret),
        tenant=tenant,
        scopes=checked(scopes),
        portal=portal,
        opd=opd,
        expires_at=expires_at,
    )
    return f"{_PREFIX}_{key_id}_{secret}", record


def record_of(
    text: str, *, tenant: str, scopes: Iterable[Scope], opd: str | None = None
) -> KeyRecord:
    """Return the record of a key that came from settings (a token between services).

    Raises ValueError when the text is not of the form `aduan_<keyid>_<secret>`.
    """
    parts = split(text)
    if parts is None:
        raise ValueError("not an Aduan key")
    key_id, secret = parts
    return KeyRecord(key_id, hash_of(secret), tenant, checked(scopes), opd=opd)


def hash_of(secret: str) -> str:
    """Return the hex SHA-256 that is stored instead of the secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def checked(scopes: Iterable[str]) -> frozenset[str]:
    """Return the scopes as a set. Raises ValueError for one that is not in the closed list."""
    found = frozenset(scopes)
    if unknown := found - SCOPES:
        raise ValueError(f"unknown scopes: {sorted(unknown)}")
    return found


def split(text: str) -> tuple[str, str] | None:
    """Return key id and secret; None for a text that is no key of ours."""
    prefix, _, rest = text.partition("_")
    key_id, _, secret = rest.partition("_")
    if prefix != _PREFIX or len(secret) < 32 or not 1 <= len(key_id) <= 32 or len(text) > 200:
        return None
    return (key_id, secret) if text.isascii() and key_id.isalnum() else None
