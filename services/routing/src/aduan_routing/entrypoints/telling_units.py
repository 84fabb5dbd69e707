"""The worker that fills the connected units' topics, on the marks stored in the cases.

Each unit has a lane of its own, so a topic that fails holds neither another unit nor the relay. The
record goes out, then the mark moves: a crash between the two repeats records, with the same ids.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any, Final

import structlog

from aduan.cases import Cases
from aduan.clock import Clock, iso
from aduan.contracts.envelope import Raw, Reaction
from aduan.errors import Busy
from aduan.messaging.partition import Partitions, every_partition
from aduan.storage.port import FIND_LIMIT, Body, Document
from aduan_routing.connections import Connection, Connections
from aduan_routing.domain.case import CASES
from aduan_routing.domain.pausing import pause
from aduan_routing.domain.unit_records import record_of
from aduan_routing.domain.units import caught_up, dropped, due_units, postponed, sent
from aduan_routing.metrics import Metrics
from aduan_routing.ports import UnitLog

PAGE: Final = 200
# Of one partition in one round: bounds what is held in memory, not what is done.
PAGES: Final = 10

Unit = tuple[str, str]
"""Tenant and code."""


class Teller:
    """Looks every `tick_seconds` of real time at what units are owed."""

    def __init__(
        self,
        *,
        cases: Cases,
        clock: Clock,
        log: UnitLog,
        connections: Connections,
        metrics: Metrics,
        tick_seconds: float,
        partitions: Partitions = every_partition,
    ) -> None:
        self._cases = cases
        self._clock = clock
        self._log = log
        self._connections = connections
        self._metrics = metrics
        self._tick = tick_seconds
        self._partitions = partitions
        self._lanes: dict[Unit, asyncio.Task[None]] = {}
        self._failures: dict[Unit, int] = defaultdict(int)
        self._paused: dict[Unit, datetime] = {}
        self._says = structlog.get_logger("aduan_routing.telling_units")

    async def run(self) -> None:
        """Work until cancelled. A bug in a lane ends this, as a bug anywhere in a worker does."""
        next_look = 0.0
        try:
            while True:
                try:
                    if self._clock.monotonic() >= next_look:
                        await self.look()
                        next_look = self._clock.monotonic() + self._connections.refresh_seconds
                    await self._begin()
                except Busy:
                    self._says.info("units.store_busy")
                await asyncio.sleep(self._tick)
        finally:
            for lane in self._lanes.values():
                lane.cancel()
            await asyncio.gather(*self._lanes.values(), return_exceptions=True)
            self._lanes.clear()  # or the next run would take its own cancellations for a stop

    async def look(self) -> None:
        """Learn which units are connected, and find what a new connection missed. Raises Busy."""
        await self._connections.refresh()
        for one in self._connections.incomplete():
            await self._catch_up(one)
            await self._connections.completed(one)

    async def round(self) -> None:
        """Do all that is due in our partitions, and return when it was tried. Raises Busy."""
        await self._begin()
        await asyncio.gather(*self._lanes.values())

    async def _begin(self) -> None:
        for unit, lane in list(self._lanes.items()):
            if lane.done():
                del self._lanes[unit]
                lane.result()
        for unit, documents in (await self._due()).items():
            if unit not in self._lanes:
                self._lanes[unit] = asyncio.create_task(self._lane(unit, documents))

    async def _due(self) -> Mapping[Unit, Sequence[Document]]:
        wall = iso(self._clock.wall())
        found: dict[Unit, list[Document]] = defaultdict(list)
        for partition in await self._cases.partitions_due("tells", self._partitions(), high=wall):
            after = None
            for _ in range(PAGES):
                page = await self._cases.find(
                    "tells", equal=(partition,), high=wall, after=after, limit=PAGE
                )
                for document in page.documents:
                    for code in due_units(document.body or {}, wall):
                        found[document.tenant, code].append(document)
                after = page.after
                if after is None:
                    break
        return found

    async def _lane(self, unit: Unit, documents: Sequence[Document]) -> None:
        with suppress(Busy):  # our own store: the marks are as they were
            connection = await self._connections.fresh(*unit)
            for start in range(0, len(documents), PAGE):
                await self._some(unit, connection, documents[start : start + PAGE])

    async def _some(
        self, unit: Unit, connection: Connection | None, documents: Sequence[Document]
    ) -> None:
        code = unit[1]
        theirs = []
        for each in documents:
            # read again: what was found may have waited behind others of its lane
            now = await self._cases.store.get(CASES, each.id)
            mark = _mark(now, code)
            if now is None or mark is None or not mark["owed"]:
                continue
            if connection is not None and mark["since"] == connection.since:
                theirs.append(now)
            else:
                await self._move(now, partial(dropped, code=code, since=mark["since"]))
        if connection is None or not theirs:
            return
        if self._paused.get(unit, self._clock.wall()) > self._clock.wall():
            await self._later(theirs, connection)
            return
        owed = [await self._records(each, code) for each in theirs]
        through = await self._publish(connection, owed)
        late = []
        for each, records, last in zip(theirs, owed, through, strict=True):
            if last:
                moved = partial(sent, code=code, since=connection.since, through=last)
                await self._move(each, moved)
            if last < records[-1][0]:
                late.append(each)
        self._note(unit, failed=bool(late))
        await self._later(late, connection)

    async def _records(self, document: Document, code: str) -> Sequence[tuple[int, Raw | None]]:
        """Return the owed records by seq; None where the event is kept no longer.

        As many as one look at the events shows: the rest is still owed afterwards.
        """
        assert document.body is not None, "what is found has a body"
        owed = document.body["units"][code]["owed"]
        stored = await self._cases.store.events(
            CASES, document.id, owed[0][0] - 1, limit=FIND_LIMIT
        )
        if len(stored) == FIND_LIMIT:
            owed = [one for one in owed if one[0] <= stored[-1].seq]
        raws = {one.seq: one.raw for one in stored}
        return [
            (seq, record_of(raws[seq], kind, code, document.id, document.body))
            if seq in raws
            else (seq, None)
            for seq, kind in owed
        ]

    async def _publish(
        self, connection: Connection, owed: Sequence[Sequence[tuple[int, Raw | None]]]
    ) -> Sequence[int]:
        """Return for each case the seq through which everything went out; 0: nothing did."""
        records = [raw for case in owed for _, raw in case if raw is not None]
        try:
            acked = iter(await self._log.publish(connection.topic, records) if records else ())
        except Busy:
            acked = iter([False] * len(records))
        through = []
        for case in owed:
            last, whole = 0, True
            for seq, raw in case:
                whole = (raw is None or next(acked)) and whole
                last = seq if whole else last
            through.append(last)
        went = sum(seq <= last for case, last in zip(owed, through, strict=True) for seq, _ in case)
        self._metrics.unit_records.add(went, result="sent")
        return through

    def _note(self, unit: Unit, *, failed: bool) -> None:
        if not failed:
            self._failures.pop(unit, None)
            self._paused.pop(unit, None)
            return
        self._paused[unit] = self._clock.wall() + pause(self._failures[unit])
        self._failures[unit] += 1
        self._metrics.unit_records.add(result="refused")
        self._says.warning(
            "unit.topic_failed",
            tenant=unit[0],
            opd=unit[1],
            hint="topic or access list missing (aduan opd connect)?",
        )

    async def _later(self, documents: Sequence[Document], connection: Connection) -> None:
        later = partial(
            postponed, code=connection.code, since=connection.since, wall=self._clock.wall()
        )
        for each in documents:
            await self._move(each, later)

    async def _catch_up(self, one: Connection) -> None:
        """Walk all cases of the tenant once: copies have no index, and a connection is rare."""
        missed = partial(
            caught_up, code=one.code, since=one.since, connected_at=one.connected_at
        )  # fmt: skip
        after = None
        while True:
            page = await self._cases.find("due", equal=(one.tenant,), after=after, limit=PAGE)
            for each in page.documents:
                if each.body is not None and missed(each.body) is not None:
                    await self._move(each, missed)
            after = page.after
            if after is None:
                return

    async def _move(self, document: Document, change: Callable[[Body], Body | None]) -> None:
        def run(body: Body | None, _: datetime) -> Reaction:
            return Reaction() if body is None else Reaction(change(body))

        await self._cases.command(document.id, run, tenant=document.tenant)


def _mark(document: Document | None, code: str) -> Mapping[str, Any] | None:
    body = document.body if document is not None else None
    return body.get("units", {}).get(code) if body is not None else None
