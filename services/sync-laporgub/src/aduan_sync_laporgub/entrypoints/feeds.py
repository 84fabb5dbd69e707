"""Reads a partner's two lists: which tickets changed, and which reports it sends to the city.

A cursor moves only after everything before it was acknowledged or set aside, so a crash repeats
rows and loses none; every effect is idempotent.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

import structlog

from aduan.cases import Cases
from aduan.clock import Clock
from aduan.contracts.envelope import Reaction
from aduan.errors import Busy
from aduan.messaging.partition import Partitions, every_partition, partition_of
from aduan.observability.spans import work
from aduan.storage.port import Body
from aduan_sync_laporgub.breaker import Breaker
from aduan_sync_laporgub.domain import jobs
from aduan_sync_laporgub.domain.case import read
from aduan_sync_laporgub.domain.inbound import case_of, hand_over, parked_id, parked_row
from aduan_sync_laporgub.domain.remote import InboundReport, Rejected
from aduan_sync_laporgub.domain.systems import MirrorSystem
from aduan_sync_laporgub.domain.words import Words
from aduan_sync_laporgub.entrypoints.calling import SERVICE
from aduan_sync_laporgub.metrics import Metrics
from aduan_sync_laporgub.ports import (
    Feed,
    Intake,
    IntakeAway,
    PartnerDown,
    PartnerRefused,
    PartnerUnsure,
)
from aduan_sync_laporgub.shelves import Shelves

PAGE: Final = 100
ListName = Literal["changes", "inbound"]

log = structlog.get_logger("aduan.sync")


@dataclass(frozen=True, slots=True)
class FeedReader:
    """The lists of one partner for one tenant."""

    tenant: str
    system: MirrorSystem
    feed: Feed
    words: Words
    cases: Cases
    shelves: Shelves
    intake: Intake
    clock: Clock
    breaker: Breaker
    metrics: Metrics
    poll_seconds: float
    partitions: Partitions = every_partition

    async def watch_changes(self) -> None:
        """Read the list of changes for ever."""
        await self._forever(self.changes_once)

    async def watch_inbound(self) -> None:
        """Read the list of inbound reports for ever."""
        await self._forever(self.inbound_once)

    async def _forever(self, once: Callable[[], Awaitable[int]]) -> None:
        while True:
            rows = 0
            if self.is_ours() and self.breaker.room:
                try:
                    rows = await once()
                    self.breaker.worked()
                except (PartnerDown, PartnerUnsure, PartnerRefused) as error:
                    self.breaker.failed()
                    log.warning("partner.no_list", system=self.system, reason=str(error))
                except IntakeAway:
                    log.warning("intake.away", system=self.system)
                except Busy:
                    log.warning("store.busy", worker=f"{self.system}.lists")
            if rows < PAGE:
                await asyncio.sleep(self.poll_seconds)

    def is_ours(self) -> bool:
        """Whether this replica reads the lists: one does, by its partitions; two would do no harm."""
        return partition_of(f"{self.system}:{self.tenant}") in self.partitions()

    async def changes_once(self) -> int:
        """Ask for a fresh look at every ticket of ours that changed; return the rows read."""
        cursor = await self.shelves.cursor(self.tenant, f"{self.system}.changes")
        tickets, after = await self.feed.changes(cursor, PAGE)
        for ticket in tickets:
            for case_id in await self._cases_with(ticket):
                await self.cases.command(case_id, self._look_again)
        await self.shelves.move_cursor(self.tenant, f"{self.system}.changes", after)
        return len(tickets)

    async def inbound_once(self) -> int:
        """Hand every new report to intake; return the rows read. Raises IntakeAway."""
        cursor = await self.shelves.cursor(self.tenant, f"{self.system}.inbound")
        rows, after = await self.feed.inbound(cursor, PAGE)
        for row in rows:
            # Here a report from the partner begins; intake's POST goes on in its trace.
            with work("partner.inbound", service=SERVICE, begins=True, peer=self.system) as told:
                outcome = await self._take_in(row)
                told.outcome = outcome
            self.metrics.inbound.add(system=self.system, outcome=outcome)
        await self.shelves.move_cursor(self.tenant, f"{self.system}.inbound", after)
        return len(rows)

    async def _take_in(self, row: InboundReport) -> Literal["handed_in", "came_back", "parked"]:
        known = await self._cases_with(row.ticket)
        ours = case_of(row.ref)
        if not known and ours is not None:
            # We submitted it and may not have recorded its number yet: it is never a new report.
            if not _is_uuid(ours) or await self.cases.get(ours) is None:
                await self._park(row, Rejected("unknown_reference", ("ref",)))
                return "parked"
            known = (ours,)
        for case_id in known:
            await self.cases.command(case_id, self._came_back(row))
        if known:
            return "came_back"
        rejected = await self.intake.hand_in(hand_over(row, self.words))
        if rejected is None:
            return "handed_in"
        await self._park(row, rejected)
        return "parked"

    async def _park(self, row: InboundReport, why: Rejected) -> None:
        log.error("inbound.parked", system=self.system, reason=why.reason, fields=why.fields)
        item = {
            "system": self.system,
            "ticket": row.ticket,
            "reason": why.reason,
            "fields": list(why.fields),
            "row": parked_row(row),
        }
        await self.shelves.park(self.tenant, parked_id(self.system, row.ticket), item)

    async def _cases_with(self, ticket: str) -> tuple[str, ...]:
        page = await self.cases.find(f"remote_{self.system}", equal=(self.tenant, ticket), limit=10)
        return tuple(document.id for document in page.documents)

    def _look_again(self, body: Body | None, _now: datetime) -> Reaction:
        marked = jobs.mark_pull(read(body), self.system) if body is not None else None
        return Reaction(body=marked.body()) if marked is not None else Reaction()

    def _came_back(self, row: InboundReport) -> Callable[[Body | None, datetime], Reaction]:
        def came_back(body: Body | None, now: datetime) -> Reaction:
            step = body and jobs.came_back(
                read(body), self.system, position=row.position, ticket=row.ticket, now=now
            )
            return Reaction(body=step[0].body(), emit=step[1]) if step else Reaction()

        return came_back


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
