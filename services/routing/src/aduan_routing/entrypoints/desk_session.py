"""Signing in to the officers' pages: a key once, then a signed cookie that no script can read.

The cookie names the key by its public id and never holds its secret. The key is looked up again at
each request, so one that was revoked or has expired ends the session.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

import structlog
from starlette.requests import Request
from starlette.responses import Response

from aduan.clock import Clock
from aduan.web.keys import Authenticator, Find, KeyRecord, Principal
from aduan.web.pages.forms import Signer, new_session, set_cookie
from aduan.web.problems import Problem

COOKIE: Final = "aduan_meja"
STAYS: Final = timedelta(hours=8)
_PURPOSE: Final = "session"

Role = Literal["office", "coordinator"]
audit: Final = structlog.get_logger("aduan.audit")


@dataclass(frozen=True, slots=True)
class Session:
    """One browser at work. csrf: what every form of it carries."""

    who: Principal
    role: Role
    csrf: str


class Sessions:
    """Makes and reads sessions. secure: off only where pages are served without TLS."""

    def __init__(
        self,
        signer: Signer,
        clock: Clock,
        authenticator: Authenticator,
        find_key: Find,
        *,
        secure: bool,
    ) -> None:
        self._signer = signer
        self._clock = clock
        self._authenticator = authenticator
        self._find_key = find_key
        self._secure = secure

    async def begin(self, key: str, response: Response) -> bool:
        """Put a session into `response`; False when the key is not one of a desk. Raises Busy."""
        try:
            who = await self._authenticator.authenticate(key)
        except Problem:
            return False
        if role_of(who) is None:
            return False
        value = self._signer.sign(
            _PURPOSE, f"{who.key_id}:{new_session()}", expires_at=self._clock.wall() + STAYS
        )
        set_cookie(response, COOKIE, value, max_age=STAYS, secure=self._secure, path="/meja")
        audit.info("desk.signed_in", by=who.key_id)
        return True

    async def current(self, request: Request) -> Session | None:
        """Return whose request this is; None where nobody is signed in. Raises Busy."""
        now = self._clock.wall()
        value = self._signer.read(_PURPOSE, request.cookies.get(COOKIE), now=now)
        if value is None:
            return None
        record = await self._find_key(value.partition(":")[0])
        if record is None or (record.expires_at is not None and now >= record.expires_at):
            return None
        who = Principal(record.key_id, record.tenant, record.scopes, record.portal, record.opd)
        role = role_of(who)
        if role is None:
            return None
        return Session(who, role, self._signer.csrf(value, now=now))

    def is_own_form(self, request: Request, token: str | None) -> bool:
        """Whether a form was made for this browser's session."""
        now = self._clock.wall()
        value = self._signer.read(_PURPOSE, request.cookies.get(COOKIE), now=now)
        return self._signer.csrf_fits(value, token, now=now)

    def end(self, response: Response) -> None:
        """Take the session out of the browser."""
        response.delete_cookie(
            COOKIE, path="/meja", secure=self._secure, httponly=True, samesite="lax"
        )


def role_of(who: Principal) -> Role | None:
    """Return which desk a key opens: its unit's, or the coordinator's; None for any other key."""
    if who.portal is not None or "cases:read" not in who.scopes:
        return None
    if who.opd is not None:
        return "office" if "cases:act" in who.scopes else None
    return "coordinator" if "cases:coordinate" in who.scopes else None


def finder_with(static: Iterable[KeyRecord], find: Find) -> Find:
    """Return a look-up of the keys from settings first, then of those that the store knows."""
    known = {record.key_id: record for record in static}

    async def found(key_id: str) -> KeyRecord | None:
        return known.get(key_id) or await find(key_id)

    return found
