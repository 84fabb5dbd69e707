"""Statistics in sla's own process: one more reader of the embedded log, who takes little of the loop.

Rows are kept in a file of their own, written together every few seconds, and the offsets after them:
what a crash makes it read again changes nothing, because facts merge. A file that is lost is filled
anew from the log, and by `aduan re-emit` with what the log no longer has.
"""

import asyncio
import time
from collections.abc import Mapping
from functools import partial
from typing import Final

import structlog
from prometheus_client import CollectorRegistry

from aduan.clock import Clock
from aduan.contracts.topics import PARTITIONS, STATISTICS
from aduan.errors import Busy
from aduan.messaging.dead_letters import group_of
from aduan.messaging.port import Bus, Consumer, Record, TopicPartition
from aduan.observability.where import places
from aduan.storage.port import Change, Document, Store
from aduan_sla.domain.statistics.facts import FACTS, CaseFacts, as_body, learn, merge, of_body
from aduan_sla.domain.statistics.figures import Sums
from aduan_sla.domain.statistics.labels import Labels
from aduan_sla.statistics.board import Board
from aduan_sla.statistics.hearing import NAME, Unreadable, hear, letter_of
from aduan_sla.statistics.metrics import StatisticsMetrics

GROUP: Final = group_of(NAME)
BATCH: Final = 50
PAGE: Final = 200
# It works one part in twenty-five of the time at most: complaints come first.
REST: Final = 24.0
SAVE_SECONDS: Final = 5.0
MOST_UNSAVED: Final = 1_000
FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 60.0

log = structlog.get_logger("aduan_sla.statistics")


class StatisticsReader:
    """Reads, counts, keeps. `run` ends only by cancellation."""

    def __init__(
        self,
        *,
        bus: Bus,
        store: Store,
        labels: Mapping[str, Labels],
        registry: CollectorRegistry,
        clock: Clock,
        save_seconds: float = SAVE_SECONDS,
    ) -> None:
        """store: of the collection FACTS. labels: by tenant, of those that are counted."""
        self._bus = bus
        self._store = store
        self._clock = clock
        self._save_seconds = save_seconds
        self._board = Board(labels)
        self._metrics = StatisticsMetrics(registry, labels, self.sums, clock.now)
        self._rebuilt = False
        self._unsaved: dict[str, CaseFacts] = {}
        self._read: dict[TopicPartition, int] = {}
        self._save_at = 0.0

    def sums(self) -> Sums | None:
        """Return the figures; None while they are rebuilt."""
        if not self._rebuilt:
            return None
        self._metrics.tell_states(self._board.states())
        return self._board.sums()

    async def run(self) -> None:
        """Read until cancelled. What goes wrong here is tried anew and never ends the service."""
        pause = FIRST_PAUSE
        while True:
            try:
                await self._rebuild()
                if await self._store.total(FACTS) == 0:
                    await self._from_the_start()
                self._rebuilt = True
                async with self._bus.consumer(GROUP, STATISTICS.topics) as consumer:
                    self._metrics.blocked.set(0)
                    pause = FIRST_PAUSE
                    await self._follow(consumer)
            except Exception as error:  # noqa: BLE001 - dashboards must not end the taking of complaints
                failed = log.bind(error=type(error).__name__, places=places(error))
                failed.error("statistics.blocked")
                self._metrics.blocked.set(1)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _rebuild(self) -> None:
        """Forget what was not kept, and count what is. Raises Busy."""
        self._rebuilt = False
        self._unsaved, self._read = {}, {}
        self._board.forget()
        began = time.perf_counter()
        for partition in range(PARTITIONS):
            after: tuple[str | int, ...] | None = None
            while True:
                at = time.perf_counter()
                page = await self._store.find(
                    FACTS, "partition", equal=(partition,), after=after, limit=PAGE
                )
                for document in page.documents:
                    if document.body is not None:
                        self._count(document.id, None, of_body(document.body))
                await _rest(at)
                after = page.after
                if after is None:
                    break
        self._metrics.recovery_seconds.set(time.perf_counter() - began)

    async def _from_the_start(self) -> None:
        async with self._bus.consumer(GROUP, STATISTICS.topics) as consumer:
            await consumer.commit(dict.fromkeys(consumer.assignment(), 0))

    async def _follow(self, consumer: Consumer) -> None:
        try:
            while True:
                records = await consumer.poll(max_records=BATCH, timeout=0.5)
                began = time.perf_counter()
                for record in records:
                    await self._record(record)
                    self._read[record.at] = record.offset + 1
                if began >= self._save_at or len(self._unsaved) >= MOST_UNSAVED:
                    await self._save(consumer)
                    self._board.turn(self._clock.now())
                    self._save_at = time.perf_counter() + self._save_seconds
                if records:
                    await _rest(began)
        except asyncio.CancelledError:
            await self._save(consumer)
            raise

    async def _record(self, record: Record) -> None:
        try:
            heard = hear(record.raw, self._board.tenants)
        except Unreadable as error:
            await self._keep_letter(record, error)
            return
        if heard is None:
            self._metrics.events.add(outcome="other_tenant")
            return
        before = await self._facts(heard.case_id)
        after = learn(before, heard.facts)
        self._metrics.events.add(outcome="repeated" if before == after else "counted")
        if before != after:
            self._unsaved[heard.case_id] = after
            self._count(heard.case_id, before, after)

    async def _facts(self, case_id: str) -> CaseFacts | None:
        known = self._unsaved.get(case_id)
        if known is not None:
            return known
        document = await self._store.get(FACTS, case_id)
        if document is None or document.body is None:
            return None
        return of_body(document.body)

    async def _keep_letter(self, record: Record, error: Unreadable) -> None:
        where = f"{record.at.topic}:{record.at.partition}:{record.offset}"
        log.error("statistics.dead_letter", at=where, kind=error.kind, reason=error.reason)
        if not all(await self._bus.publish([letter_of(record.raw, where, error)])):
            raise Busy("the letter may not be in the log")
        self._metrics.events.add(outcome="dead_letter")

    async def _save(self, consumer: Consumer) -> None:
        """Keep the rows, then the place in the log. Raises Busy."""
        if self._unsaved:
            await asyncio.gather(
                *(
                    self._store.update(FACTS, case_id, partial(_kept, facts=facts))
                    for case_id, facts in self._unsaved.items()
                )
            )
            self._unsaved = {}
        if self._read:
            await consumer.commit(self._read)
            self._read = {}
        self._metrics.lag.set(await self._bus.lag(GROUP, STATISTICS.topics))

    def _count(self, case_id: str, before: CaseFacts | None, after: CaseFacts) -> None:
        self._board.change(case_id, before, after, self._clock.now())


def _kept(document: Document | None, _: object, *, facts: CaseFacts) -> Change:
    if document is not None and document.body is not None:
        facts = merge(of_body(document.body), facts)
    return Change(facts.tenant, as_body(facts), {})


async def _rest(began: float) -> None:
    await asyncio.sleep((time.perf_counter() - began) * REST)
