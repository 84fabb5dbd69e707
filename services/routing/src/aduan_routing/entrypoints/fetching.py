"""The worker that brings confidential content here, on the jobs stored in the cases."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import structlog

from aduan.cases import Cases
from aduan.clock import Clock, iso
from aduan.contracts.envelope import Reaction
from aduan.errors import Busy
from aduan.messaging.partition import Partitions, every_partition
from aduan.observability.spans import work
from aduan.storage.port import Body
from aduan_routing.domain.fetching import fetched, postponed
from aduan_routing.domain.rules import RuleBook
from aduan_routing.metrics import Metrics
from aduan_routing.ports import ContentGone, Intake, IntakeAway

BATCH: Final = 50


class Fetcher:
    """Looks every `tick_seconds` of real time at the jobs that are due."""

    def __init__(
        self,
        *,
        cases: Cases,
        clock: Clock,
        intake: Intake,
        rules: RuleBook,
        metrics: Metrics,
        tick_seconds: float,
        partitions: Partitions = every_partition,
    ) -> None:
        self._cases = cases
        self._clock = clock
        self._intake = intake
        self._rules = rules
        self._metrics = metrics
        self._tick = tick_seconds
        self._partitions = partitions
        self._log = structlog.get_logger("aduan_routing.fetching")

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            try:
                await self.round()
            except Busy:
                self._log.info("fetching.store_busy")
            await asyncio.sleep(self._tick)

    async def round(self) -> int:
        """Do what is due in our partitions; return how many jobs were tried. Raises Busy."""
        tried = 0
        wall = iso(self._clock.wall())
        for partition in await self._cases.partitions_due("jobs", self._partitions(), high=wall):
            page = await self._cases.find("jobs", equal=(partition,), high=wall, limit=BATCH)
            for document in page.documents:
                for job in document.body["jobs"] if document.body is not None else ():
                    if job["next_at"] < wall:
                        with work(
                            "content.fetch",
                            service="routing",
                            cause=job.get("trace"),
                            case_id=document.id,
                        ) as told:
                            told.outcome = await self._try(document.id, document.tenant, job)
                            told.failed = "IntakeAway" if told.outcome == "away" else None
                        tried += 1
        return tried

    async def _try(self, id: str, tenant: str, job: Mapping[str, Any]) -> str:
        content: Mapping[str, Any] | None = None
        try:
            content = await self._intake.content(job["at"])
            result = "fetched"
        except ContentGone:
            result = "gone"
            self._log.warning("content.gone", case_id=id)
        except IntakeAway as error:
            result = "away"
            self._log.info("content.not_yet", case_id=id, reason=str(error))
        self._metrics.fetches.add(result=result)
        wall = self._clock.wall()

        def run(body: Body | None, now: datetime) -> Reaction:
            if body is None:
                return Reaction()
            if result == "away":
                return postponed(body, job["ref"], wall)
            return fetched(body, job["ref"], content, now, self._rules[tenant])

        await self._cases.command(id, run, tenant=tenant)
        return result
