"""The portals that post complaints, and their keys. Kept in memory a moment: each POST asks."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from aduan.clock import Clock, iso, parse_iso
from aduan.storage.port import Change, Document, Store
from aduan.web.keys import KeyRecord, checked, make_key
from aduan.web.problems import Problem
from aduan_intake.domain.complaint import KEYS, PORTALS, Portal

_SECONDS: Final = 5.0


class Portals:
    """One installation's portals: those of the reference data, and those made over HTTP."""

    def __init__(
        self, store: Store, clock: Clock, builtin: Mapping[tuple[str, str], Portal]
    ) -> None:
        """builtin: (tenant, code) -> portal."""
        self._store = store
        self._clock = clock
        self._builtin = builtin
        self._known: dict[tuple[str, str], tuple[float, Portal]] = {}

    async def get(self, tenant: str, code: str) -> Portal:
        """Return a portal. One that nobody described has its code as inlet and no agreed flags."""
        place = (tenant, code)
        if place in self._builtin:
            return self._builtin[place]
        now = self._clock.monotonic()
        known = self._known.get(place)
        if known is not None and known[0] > now:
            return known[1]
        document = await self._store.get(PORTALS, f"{tenant}:{code}")
        portal = _portal(document) or Portal(code, code)
        self._known[place] = (now + _SECONDS, portal)
        return portal

    async def make(self, tenant: str, portal: Portal, name: str) -> None:
        """Store a new portal. Raises the problem already_exists."""
        body = {
            "code": portal.code,
            "name": name,
            "inlet": portal.inlet,
            "anonymous": portal.anonymous,
            "confidential": portal.confidential,
            "created_at": iso(self._clock.wall()),
        }

        def decide(document: Document | None, _: datetime) -> Change | None:
            if document is not None or (tenant, portal.code) in self._builtin:
                raise Problem("already_exists")
            return Change(tenant, body, {})

        await self._store.update(PORTALS, f"{tenant}:{portal.code}", decide)
        self._known.pop((tenant, portal.code), None)

    async def listed(self, tenant: str) -> Sequence[Mapping[str, Any]]:
        """Return the portals that were made over HTTP, by code."""
        page = await self._store.find(PORTALS, "code", equal=(tenant,), limit=500)
        return [dict(document.body or {}) for document in page.documents]

    async def exists(self, tenant: str, code: str) -> bool:
        """Whether a portal is known."""
        if (tenant, code) in self._builtin:
            return True
        return await self._store.get(PORTALS, f"{tenant}:{code}") is not None

    async def mint(
        self, tenant: str, code: str, expires_at: datetime | None
    ) -> tuple[str, KeyRecord]:
        """Return a new key of a portal, to be shown once, and its record. Raises not_found."""
        if not await self.exists(tenant, code):
            raise Problem("not_found")
        text, record = make_key(
            tenant=tenant,
            scopes=("complaints:write", "complaints:read"),
            portal=code,
            expires_at=expires_at,
        )
        body = {
            "portal": code,
            "hash": record.hash,
            "scopes": sorted(record.scopes),
            "expires_at": iso(expires_at) if expires_at is not None else None,
            "created_at": iso(self._clock.wall()),
            "revoked": False,
        }
        await self._store.update(KEYS, record.key_id, lambda _d, _n: Change(tenant, body, {}))
        return text, record

    async def keys_of(self, tenant: str, code: str) -> Sequence[Mapping[str, Any]]:
        """Return a portal's keys without their hashes."""
        page = await self._store.find(KEYS, "portal", equal=(tenant, code), limit=500)
        shown = ("scopes", "expires_at", "created_at", "revoked")
        return [
            {"key_id": document.id, **{name: (document.body or {})[name] for name in shown}}
            for document in page.documents
        ]

    async def revoke(self, tenant: str, code: str, key_id: str) -> None:
        """Make a key invalid. Raises not_found."""

        def decide(document: Document | None, _: datetime) -> Change | None:
            body = document.body if document is not None else None
            if document is None or body is None:
                raise Problem("not_found")
            if (document.tenant, body["portal"]) != (tenant, code):
                raise Problem("not_found")
            return Change(tenant, {**body, "revoked": True}, {})

        await self._store.update(KEYS, key_id, decide)

    async def find_key(self, key_id: str) -> KeyRecord | None:
        """Return the record of a key that is not revoked."""
        document = await self._store.get(KEYS, key_id)
        body = document.body if document is not None else None
        if document is None or body is None or body["revoked"]:
            return None
        expires = body["expires_at"]
        return KeyRecord(
            key_id=key_id,
            hash=body["hash"],
            tenant=document.tenant,
            scopes=checked(body["scopes"]),
            portal=body["portal"],
            expires_at=parse_iso(expires) if expires is not None else None,
        )


def _portal(document: Document | None) -> Portal | None:
    body = document.body if document is not None else None
    if body is None:
        return None
    return Portal(body["code"], body["inlet"], body["anonymous"], body["confidential"])
