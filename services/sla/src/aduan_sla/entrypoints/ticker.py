"""Tells what is due. It reads the index (partition, next_at), so a round costs what is due.

A case fires when its time has come on the domain clock, nothing of it waits or lies in a letter,
and sla has heard everything up to there. If that last part takes too long, it fires as provisional.
"""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

import structlog

from aduan import failpoints
from aduan.cases import Cases, NotQuiet
from aduan.clock import Clock, iso, parse_iso
from aduan.errors import Busy
from aduan.messaging.partition import Partitions, every_partition
from aduan.storage.port import Document
from aduan_sla.domain.calendar import CalendarMissing
from aduan_sla.domain.case import from_body
from aduan_sla.domain.policy import UnknownTenant
from aduan_sla.handlers import Rulebooks, on_tick
from aduan_sla.metrics import REASONS, Metrics
from aduan_sla.ports import CaughtUp

PROVISIONAL_AFTER_SECONDS: Final = 15 * 60.0
PAGE: Final = 200
AT_ONCE: Final = 32
Seen = dict[tuple[str, str], tuple[float, datetime]]
"""By case and due moment: since when (monotonic) it waits, and the domain time at first sight."""
_MOMENT: Final = timedelta(microseconds=1)
LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)

log = structlog.get_logger("aduan_sla.ticker")


class Ticker:
    """Fires what is due. `run` ends only by cancellation or a bug; `round` is one pass."""

    def __init__(
        self,
        *,
        cases: Cases,
        clock: Clock,
        books: Rulebooks,
        caught_up: CaughtUp,
        metrics: Metrics,
        every_seconds: float = 1.0,
        partitions: Partitions = every_partition,
    ) -> None:
        """every_seconds: real seconds between two rounds. partitions: whose cases it fires."""
        self._cases = cases
        self._clock = clock
        self._books = books
        self._caught_up = caught_up
        self._metrics = metrics
        self._every = every_seconds
        self._partitions = partitions
        self._first_seen: Seen = {}

    async def run(self) -> None:
        """Go round for ever. A store that is away is asked again in the next round."""
        while True:
            try:
                await self.round()
            except Busy:
                log.warning("tick.busy")
            await asyncio.sleep(self._every)

    async def round(self) -> int:
        """Fire all that is due now; return how many cases told something. Raises Busy."""
        now = self._clock.now()
        known = self._caught_up()
        known = LONG_AGO if known is None else min(known, now)
        seen: Seen = {}
        waiting: Counter[str] = Counter()
        fired = 0
        oldest = now
        high = iso(now + _MOMENT)
        for partition in await self._cases.partitions_due("next", self._partitions(), high=high):
            after: tuple[str | int, ...] | None = None
            while True:
                page = await self._cases.find(
                    "next", equal=(partition,), high=high, after=after, limit=PAGE
                )
                found = list(page.documents)
                if after is None and found and found[0].body is not None:
                    oldest = min(oldest, parse_iso(str(found[0].body["next_at"])))
                for start in range(0, len(found), AT_ONCE):
                    some = found[start : start + AT_ONCE]
                    fired += sum(
                        await asyncio.gather(
                            *(self._fire(document, known, now, seen, waiting) for document in some)
                        )
                    )
                after = page.after
                if after is None:
                    break
        self._first_seen = seen
        self._metrics.due_late.set((now - oldest).total_seconds())
        for reason in REASONS:
            self._metrics.waiting.set(waiting[reason], reason=reason)
        return fired

    async def _fire(
        self,
        document: Document,
        known: datetime,
        now: datetime,
        seen: Seen,
        waiting: Counter[str],
    ) -> bool:
        if document.body is None:
            return False
        due = str(document.body["next_at"])
        through, provisional = known, False
        if parse_iso(due) > known:
            mark = (document.id, due)
            since, then = self._first_seen.get(mark, (self._clock.monotonic(), now))
            if self._clock.monotonic() - since < PROVISIONAL_AFTER_SECONDS:
                seen[mark] = since, then
                waiting["not_caught_up"] += 1
                return False
            through, provisional = then, True  # all that was due when we first saw it
        run = partial(
            on_tick,
            case_id=document.id,
            through=through,
            provisional=provisional,
            books=self._books,
        )
        try:
            outcome = await self._cases.command(
                document.id,
                run,
                quiet=True,
                before_write=partial(failpoints.hit, "tick.after_decide"),
            )
        except NotQuiet:
            waiting["not_quiet"] += 1
            return False
        except (UnknownTenant, CalendarMissing):
            waiting["no_rules"] += 1
            log.error("tick.no_rules", case_id=document.id)  # noqa: TRY400 - words say it all
            return False
        if outcome.changed:
            failpoints.hit("tick.after_commit")
            self._count(document, outcome.document)
        return outcome.changed

    def _count(self, before: Document, after: Document | None) -> None:
        if before.body is None or after is None or after.body is None:
            return
        known = len(before.body["told"])
        for told in from_body(after.body).told[known:]:
            kind = "escalation" if told.level else told.kind
            self._metrics.told.add(kind=kind)
            if told.provisional:
                self._metrics.provisional.add()
