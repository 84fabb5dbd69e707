"""Reckons open cases anew when policies or calendar have changed (DOMAIN 8).

An amendment moves open deadlines; a clock keeps its policy row, and a breach of the past stays. The
sla.scheduled that this tells, with the new data's version as its cause, is the audit entry.
"""

import asyncio
from functools import partial
from typing import Final

import structlog

from aduan.cases import Cases
from aduan.errors import Busy
from aduan_sla.domain.calendar import CalendarMissing
from aduan_sla.entrypoints.ticker import LONG_AGO
from aduan_sla.handlers import Rulebooks, on_tick
from aduan_sla.metrics import Metrics

EVERY_SECONDS: Final = 600.0  # a replica of the last release may still write with the old data
PAGE: Final = 200

log = structlog.get_logger("aduan_sla.revisit")


class Revisit:
    """Walks the index (tenant, data_version). `run` ends only by cancellation or a bug."""

    def __init__(self, *, cases: Cases, books: Rulebooks, metrics: Metrics) -> None:
        self._cases = cases
        self._books = books
        self._metrics = metrics

    async def run(self) -> None:
        """Look now, and then every ten minutes. A store that is away is asked again."""
        while True:
            try:
                await self.round()
            except Busy:
                log.warning("revisit.busy")
            await asyncio.sleep(EVERY_SECONDS)

    async def round(self) -> int:
        """Reckon every open case that holds other data's dates; return how many. Raises Busy."""
        done = 0
        unsure = 0
        for tenant, rules in self._books.items():
            mine = rules.data_version
            ranges: tuple[tuple[str | None, str | None], ...] = ((None, mine), (mine + "\0", None))
            for low, high in ranges:
                done += await self._walk(tenant, low, high)
            unsure += await self._cases.store.count(
                self._cases.collection, "unsure", equal=(tenant, 1)
            )
        self._metrics.unsure.set(unsure)
        if done:
            log.info("revisit.done", cases=done)
        return done

    async def _walk(self, tenant: str, low: str | None, high: str | None) -> int:
        done = 0
        after: tuple[str | int, ...] | None = None
        while True:
            page = await self._cases.find(
                "reckoned", equal=(tenant,), low=low, high=high, after=after, limit=PAGE
            )
            for document in page.documents:
                run = partial(
                    on_tick,
                    case_id=document.id,
                    through=LONG_AGO,
                    provisional=False,
                    books=self._books,
                )
                try:
                    outcome = await self._cases.command(document.id, run)
                except CalendarMissing:
                    log.error("revisit.calendar_missing", case_id=document.id)  # noqa: TRY400
                    continue
                done += outcome.changed
                self._metrics.revisited.add(int(outcome.changed))
            after = page.after
            if after is None:
                return done
