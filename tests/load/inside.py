"""(c) what a tick costs, (d) how fast a backlog drains: services in this process, on real files."""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from uuid import uuid4

from prometheus_client import CollectorRegistry
from tests.load.processes import ROOT

from aduan.clock import SystemClock
from aduan.contracts.envelope import Cause, Emit, Raw, encode
from aduan.contracts.events import ComplaintCreated
from aduan.contracts.topics import streams_for, topics_of
from aduan.ids import uuid7
from aduan.messaging.sqlite import SqliteBus
from aduan.observability.process import StoreMetrics
from aduan.service import Service
from aduan.storage.sqlite import SqliteStore
from aduan.storage.watched import watched
from aduan_sla.bootstrap import build, load_books, spec
from aduan_sla.domain.case import CASES
from aduan_sla.entrypoints.ticker import Ticker
from aduan_sla.metrics import Metrics
from aduan_sla.settings import Settings

DUE = 10
_CAUSE = Cause("bench", "bench", "00-" + "1" * 32 + "-" + "2" * 16 + "-00")


def created(received_at: datetime, number: int) -> tuple[str, Raw]:
    """One complaint.created as intake tells it; (case id, event)."""
    id = uuid7(received_at)
    data = ComplaintCreated.model_validate(
        {
            "ticket": f"SMG-{number:010d}",
            "portal": "web",
            "inlet": "web",
            "received_at": received_at,
            "anonymous": False,
            "confidential": False,
            "flags_complete": True,
            "reporter": {"pseudonym": "P-AAAAAAAA"},
            "text": "Lampu jalan di depan balai RW padam sejak tiga malam.",
        }
    )
    emit = Emit("complaint.created", data)
    raw = encode(
        emit, service="intake", tenant="33.74", case_id=id, seq=1, now=received_at, cause=_CAUSE
    )
    return id, raw


class Sla:
    """sla on files of its own in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(
            store="sqlite:////unused", bus="sqlite:////unused", reference_dir=ROOT / "reference"
        )
        self.clock = SystemClock()
        self.spec = spec(self.settings)
        self.store = SqliteStore(folder / "sla.db", self.spec.all_collections, self.clock)
        self.bus = SqliteBus(folder / "log.db", self.clock)

    async def build(self) -> Service:
        """Return the service; it runs only when asked to."""
        registry = CollectorRegistry()
        return await build(
            self.settings,
            spec=self.spec,
            store=watched(self.store, "sla", StoreMetrics(registry, ("sla",))),
            bus=self.bus,
            clock=self.clock,
            registry=registry,
        )

    async def fill(self, service: Service, clocks: int) -> None:
        """Make cases until so many clocks are open, through the handlers and the store."""
        open_clocks, number = 0, 0
        while open_clocks < clocks:
            now = self.clock.now()
            events = [created(now, number + n) for n in range(min(500, clocks))]
            await asyncio.gather(*(service.runtime.cases.deliver(id, [raw]) for id, raw in events))
            number += len(events)
            body = await service.runtime.cases.get(events[0][0])
            assert body is not None
            open_clocks += len(events) * len(body["clocks"])

    def close(self) -> None:
        """Close both files."""
        self.store.close()
        self.bus.close()


@asynccontextmanager
async def sla() -> AsyncIterator[tuple[Sla, Service]]:
    """A fresh sla in a folder that goes away."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        made = Sla(Path(folder))
        try:
            yield made, await made.build()
        finally:
            made.close()


@dataclass(frozen=True, slots=True)
class Ticks:
    """Medians in milliseconds of a round that fires ten, at few and at many open clocks."""

    few: int
    many: int
    few_ms: float
    many_ms: float
    few_cpu: float
    many_cpu: float
    ratio: float


async def ticks(few: int, many: int, rounds: int) -> Ticks:
    """Fire ten due cases per round, in turn beside few and beside many open clocks."""
    async with sla() as small, sla() as large:
        for (made, service), clocks in ((small, few), (large, many)):
            await made.fill(service, clocks)
        times: dict[int, list[tuple[float, float]]] = {few: [], many: []}
        # The first round of each warms caches and is not counted.
        for number in range(rounds + 1):
            for (made, service), clocks in ((small, few), (large, many)):
                taken = await _fire(made, service)
                if number:
                    times[clocks].append(taken)
        ratios = [many_[0] / few_[0] for few_, many_ in zip(times[few], times[many], strict=True)]
        return Ticks(
            few,
            many,
            median(t[0] for t in times[few]),
            median(t[0] for t in times[many]),
            median(t[1] for t in times[few]),
            median(t[1] for t in times[many]),
            median(ratios),
        )


async def _fire(made: Sla, service: Service) -> tuple[float, float]:
    ticker = Ticker(
        cases=service.runtime.cases,
        clock=made.clock,
        books=load_books(made.settings),
        caught_up=made.clock.now,
        metrics=Metrics(CollectorRegistry()),
    )
    late = made.clock.now() - timedelta(days=1, hours=1)
    for id, raw in (created(late, int(uuid4()) % 10**9) for _ in range(DUE)):
        await service.runtime.cases.deliver(id, [raw])
    began, cpu = time.perf_counter(), time.process_time()
    fired = await ticker.round()
    taken = (time.perf_counter() - began) * 1000, (time.process_time() - cpu) * 1000
    if fired != DUE:
        raise SystemExit(f"{fired} of {DUE} cases told something")
    return taken


@dataclass(frozen=True, slots=True)
class Drained:
    """How fast a group that was away works off its backlog."""

    events: int
    rate: float
    cpu_ms: float


async def drain(events: int) -> Drained:
    """Fill the log, start the group, wait until the last offset is committed."""
    async with sla() as (made, service):
        now = made.clock.now()
        for start in range(0, events, 500):
            await made.bus.publish([created(now, start + n)[1] for n in range(500)])
        topics = [topic.name for topic in topics_of(*streams_for("sla"))]
        deadline = time.monotonic() + 300
        began, cpu = time.perf_counter(), time.process_time()
        async with service.running():
            while await made.bus.lag("aduan.sla", topics):
                if time.monotonic() > deadline:
                    raise SystemExit("the backlog does not drain")
                await asyncio.sleep(0.02)
            seconds = time.perf_counter() - began
        total = await made.store.total(CASES)
        if total != events:
            raise SystemExit(f"{total} cases of {events} events")
        return Drained(events, events / seconds, (time.process_time() - cpu) / events * 1000)
