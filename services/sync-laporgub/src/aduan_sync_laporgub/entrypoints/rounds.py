"""The worker of one partner: finds what is due by index, and does it, a few cases at a time."""

import asyncio
from dataclasses import dataclass
from typing import Final

import structlog

from aduan.cases import Cases
from aduan.clock import Clock, iso
from aduan.errors import Busy
from aduan.messaging.partition import Partitions, every_partition
from aduan.storage.port import Document
from aduan_sync_laporgub.breaker import Breaker
from aduan_sync_laporgub.domain.case import read
from aduan_sync_laporgub.entrypoints.calling import Caller
from aduan_sync_laporgub.entrypoints.pulling import Puller
from aduan_sync_laporgub.metrics import Metrics

BUSY_SECONDS: Final = 1.0

log = structlog.get_logger("aduan.sync")


@dataclass(frozen=True, slots=True)
class Rounds:
    """Runs for ever, until cancelled or a bug. tick_seconds: rest when nothing was due."""

    caller: Caller
    puller: Puller
    cases: Cases
    clock: Clock
    breaker: Breaker
    metrics: Metrics
    tick_seconds: float
    partitions: Partitions = every_partition

    async def run(self) -> None:
        """Do rounds without end."""
        while True:
            self.metrics.show_breaker(self.caller.partner.system, self.breaker)
            try:
                done = await self.once()
            except Busy:
                log.warning("store.busy", worker=self.caller.partner.system)
                await asyncio.sleep(BUSY_SECONDS)
                continue
            if not done:
                await asyncio.sleep(self.tick_seconds)

    async def once(self) -> int:
        """Do what is due now in our partitions; return how many cases that were. Raises Busy."""
        done = 0
        index = f"due_{self.caller.partner.system}"
        due = await self.cases.partitions_due(index, self.partitions(), high=iso(self.clock.wall()))
        for partition in due:
            done += await self._partition(index, partition)
        return done

    async def _partition(self, index: str, partition: int) -> int:
        room = self.breaker.room
        if room == 0:
            return 0
        page = await self.cases.find(
            index, equal=(partition,), high=iso(self.clock.wall()), limit=room
        )
        async with asyncio.TaskGroup() as tasks:
            for document in page.documents:
                tasks.create_task(self._one(document))
        return len(page.documents)

    async def _one(self, document: Document) -> None:
        if document.body is None:
            return
        system = self.caller.partner.system
        job = read(document.body).head(system)
        if job is not None and job.next_at <= iso(self.clock.wall()):
            await self.caller.do(document.id)
        else:
            await self.puller.do(document.id)
