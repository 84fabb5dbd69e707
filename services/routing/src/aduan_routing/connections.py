"""Which units have a system of their own: documents, and what this process knows of them.

A process that has not heard yet of a new connection gives its cases no mark; `Teller` makes good for
that once every process must have heard (see `settled_after`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import uuid4

import structlog

from aduan.clock import Clock, iso, parse_iso
from aduan.contracts.opd import unit_group, unit_topic
from aduan.storage.port import Body, Change, Document, KeyTaken, Store
from aduan.web.problems import Problem
from aduan_routing.domain.case import CONNECTIONS
from aduan_routing.domain.units import NOBODY, Connected

PAGE: Final = 500

audit: Final = structlog.get_logger("aduan.audit")


@dataclass(frozen=True, slots=True)
class Connection:
    """One connected unit. since: greater for a later connection of the same unit.

    connected_at: domain time. known_from: real time. complete: whether cases that other processes
    moved before they knew of it have been looked through.
    """

    tenant: str
    code: str
    topic: str
    since: str
    connected_at: str
    known_from: datetime
    complete: bool

    @property
    def group(self) -> str:
        """The group in which the unit reads."""
        return unit_group(self.tenant, self.code)


class Connections:
    """Keeps the documents, and a copy of them that is at most `refresh_seconds` old."""

    def __init__(
        self, store: Store, clock: Clock, tenants: Sequence[str], *, refresh_seconds: float
    ) -> None:
        self._store = store
        self._clock = clock
        self._tenants = tuple(tenants)
        self._known: dict[str, dict[str, Connection]] = {}
        self.refresh_seconds = refresh_seconds

    @property
    def settled_after(self) -> timedelta:
        """How long after a change every process has heard of it."""
        return timedelta(seconds=2 * self.refresh_seconds + 1)

    def of(self, tenant: str) -> Callable[[], Connected]:
        """Return what gives a tenant's connected units, as known at the moment of asking."""

        def now() -> Connected:
            units = self._known.get(tenant)
            return {code: one.since for code, one in units.items()} if units else NOBODY

        return now

    async def refresh(self) -> None:
        """Read all documents. Raises Busy."""
        self._known = {tenant: await self._read(tenant) for tenant in self._tenants}

    async def listed(self, tenant: str) -> Sequence[Connection]:
        """Return a tenant's connections, by code."""
        found = await self._read(tenant)
        return [found[code] for code in sorted(found)]

    async def fresh(self, tenant: str, code: str) -> Connection | None:
        """Return a connection as the store has it now."""
        document = await self._store.get(CONNECTIONS, _id(tenant, code))
        found = _connection(document) if document is not None else None
        units = self._known.setdefault(tenant, {})
        if found is None:
            units.pop(code, None)
        else:
            units[code] = found
        return found

    async def connect(self, tenant: str, code: str, *, by: str) -> Connection:
        """Connect a unit; one that is connected stays as it is. Raises the problem conflict."""
        wall = self._clock.wall()
        body: Mapping[str, Any] = {
            "office": code,
            "topic": unit_topic(tenant, code),
            "since": f"{iso(wall)}/{uuid4()}",
            "connected_at": iso(self._clock.now()),
            "known_from": iso(wall),
            "complete": False,
        }

        def decide(document: Document | None, _: datetime) -> Change | None:
            there = document is not None and document.body is not None
            return None if there else Change(tenant, body, {})

        try:
            outcome = await self._store.update(CONNECTIONS, _id(tenant, code), decide)
        except KeyTaken:
            raise Problem("conflict", "Another unit's topic has that name.") from None
        if outcome.changed:
            audit.info("opd.connected", tenant=tenant, opd=code, by=by)
        found = await self.fresh(tenant, code)
        assert found is not None, "it was just written"
        return found

    async def disconnect(self, tenant: str, code: str, *, by: str) -> bool:
        """End a connection; whether there was one. What was owed is dropped by the workers."""
        there = await self.fresh(tenant, code)
        if there is None:
            return False
        await self._store.delete(CONNECTIONS, _id(tenant, code))
        await self.fresh(tenant, code)
        audit.info("opd.disconnected", tenant=tenant, opd=code, by=by)
        return True

    def incomplete(self) -> Sequence[Connection]:
        """Return connections of which every process has heard by now, and not all cases yet."""
        wall = self._clock.wall()
        return [
            one
            for units in self._known.values()
            for one in units.values()
            if not one.complete and one.known_from + self.settled_after <= wall
        ]

    async def completed(self, one: Connection) -> None:
        """Note that the cases were looked through."""

        def decide(document: Document | None, _: datetime) -> Change | None:
            body = document.body if document is not None else None
            if body is None or body["since"] != one.since:
                return None
            return Change(one.tenant, {**body, "complete": True}, {})

        await self._store.update(CONNECTIONS, _id(one.tenant, one.code), decide)
        await self.fresh(one.tenant, one.code)

    async def _read(self, tenant: str) -> dict[str, Connection]:
        found: dict[str, Connection] = {}
        after = None
        while True:
            page = await self._store.find(
                CONNECTIONS, "tenant", equal=(tenant,), after=after, limit=PAGE
            )
            for document in page.documents:
                one = _connection(document)
                if one is not None:
                    found[one.code] = one
            after = page.after
            if after is None:
                return found


def _id(tenant: str, code: str) -> str:
    return f"{tenant}:{code}"


def _connection(document: Document) -> Connection | None:
    body: Body | None = document.body
    if body is None:
        return None
    return Connection(
        tenant=document.tenant,
        code=body["office"],
        topic=body["topic"],
        since=body["since"],
        connected_at=body["connected_at"],
        known_from=parse_iso(body["known_from"]),
        complete=body["complete"],
    )
