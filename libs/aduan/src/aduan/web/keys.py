"""Who asks: an API key is checked on each call and becomes a principal with its scopes.

The comparison is constant-time. A key belongs to one tenant and may be bound to one portal or one
OPD. Revoking works within `cache_seconds` in every replica.
"""

import hmac
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from fastapi import Request, Security
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from aduan.clock import Clock
from aduan.web.key_records import (
    SCOPES,
    KeyRecord,
    Scope,
    checked,
    hash_of,
    make_key,
    record_of,
    split,
)
from aduan.web.problems import Problem

__all__ = [
    "SCOPES",
    "Authenticator",
    "Find",
    "KeyRecord",
    "Principal",
    "Scope",
    "checked",
    "hash_of",
    "key_in",
    "make_key",
    "record_of",
    "require",
]

_REALM: Final = 'Bearer realm="aduan"'


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: a key of one tenant, with its scopes and bindings. Never a person."""

    key_id: str
    tenant: str
    scopes: frozenset[str]
    portal: str | None = None
    opd: str | None = None

    def need(self, scope: Scope) -> None:
        """Raise the 403 problem unless this key has `scope`."""
        if scope not in self.scopes:
            raise Problem(
                "scope_missing",
                extra={"scope": scope},
                headers={
                    "WWW-Authenticate": f'{_REALM}, error="insufficient_scope", scope="{scope}"'
                },
            )


Find = Callable[[str], Awaitable[KeyRecord | None]]
"""Look a record up by its key id, through the service's own store. May raise Busy."""


class Authenticator:
    """Turns a key into a principal. One per service, shared by all its requests."""

    def __init__(
        self,
        clock: Clock,
        *,
        find: Find | None = None,
        static: Iterable[KeyRecord] = (),
        tenants: Collection[str] | None = None,
        cache_seconds: float = 5.0,
        cache_size: int = 1024,
    ) -> None:
        """Key ids of `static` (from settings) win over those that `find` knows.

        tenants: whose keys are taken, where not everybody's.
        """
        self._clock = clock
        self._tenants = tenants
        self._find = find
        self._static = {record.key_id: record for record in static}
        self._cache: OrderedDict[str, tuple[float, KeyRecord]] = OrderedDict()
        self._cache_seconds = cache_seconds
        self._cache_size = cache_size

    async def authenticate(self, key: str | None) -> Principal:
        """Return who owns `key`.

        Raises the 401 problem; not_yours for a key of no tenant of ours; Busy when the store is away.
        """
        if not key:
            raise _unauthenticated("credentials_missing", _REALM)
        parts = split(key)
        record = None if parts is None else await self._record(parts[0])
        # An unknown key costs the same comparison, so its answer does not come sooner.
        known = record.hash if record is not None else hash_of("")
        same = hmac.compare_digest(known, hash_of(parts[1] if parts else "-"))
        if record is None or not same:
            raise _unauthenticated("credentials_invalid", f'{_REALM}, error="invalid_token"')
        if record.expires_at is not None and self._clock.wall() >= record.expires_at:
            raise _unauthenticated("credentials_expired", f'{_REALM}, error="invalid_token"')
        if self._tenants is not None and record.tenant not in self._tenants:
            raise Problem("not_yours", "The key belongs to a tenant that is not served here.")
        return Principal(record.key_id, record.tenant, record.scopes, record.portal, record.opd)

    async def check(self, headers: Mapping[str, str], scope: Scope) -> Principal:
        """For a bare Starlette route: authenticate `request.headers` and require `scope`."""
        principal = await self.authenticate(key_in(headers))
        principal.need(scope)
        return principal

    def forget(self, key_id: str) -> None:
        """Drop a key from this process's cache at once, after it was revoked or changed here."""
        self._cache.pop(key_id, None)

    async def _record(self, key_id: str) -> KeyRecord | None:
        if (record := self._static.get(key_id)) is not None:
            return record
        now = self._clock.monotonic()
        cached = self._cache.get(key_id)
        if cached is not None and now < cached[0]:
            return cached[1]
        record = None if self._find is None else await self._find(key_id)
        if record is None:  # not remembered: guessing must not push real keys out of the cache
            self._cache.pop(key_id, None)
            return None
        self._cache[key_id] = (now + self._cache_seconds, record)
        self._cache.move_to_end(key_id)
        if len(self._cache) > self._cache_size:
            self._cache.popitem(last=False)
        return record


def _unauthenticated(
    code: Literal["credentials_missing", "credentials_invalid", "credentials_expired"],
    challenge: str,
) -> Problem:
    return Problem(code, headers={"WWW-Authenticate": challenge})


def key_in(headers: Mapping[str, str]) -> str | None:
    """Return the key of `Authorization: Bearer` or `X-API-Key`; header names in lower case."""
    authorization = headers.get("authorization")
    if authorization is not None:
        scheme, _, text = authorization.partition(" ")
        return text.strip() if scheme.lower() == "bearer" else None
    return headers.get("x-api-key")


_bearer = HTTPBearer(auto_error=False, description="`aduan_<keyid>_<secret>`")
_header = APIKeyHeader(name="X-API-Key", auto_error=False, description="The same key, bare.")


def require(scope: Scope) -> Callable[..., Awaitable[Principal]]:
    """Return the FastAPI dependency that yields the principal (`Depends(require("cases:read"))`).

    The app was made by `new_app(..., authenticator=...)`. Both ways to send a key are documented.
    """

    async def dependency(
        request: Request,
        _in_authorization: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
        _in_header: Annotated[str | None, Security(_header)],
    ) -> Principal:
        authenticator: Authenticator = request.app.state.authenticator
        return await authenticator.check(request.headers, scope)

    return dependency
