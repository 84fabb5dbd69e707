"""Brings the levels on `/metrics` up to date: when somebody looks, seldom, together, and bounded.

A scrape asks the store a handful of indexed questions for each service, and the log one. What was
read is good for some seconds, so that several scrapers cost what one does. A store or log that is
away makes nobody wait: the answer has what is known, and `aduan_metrics_stale` says what is old.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

import structlog

from aduan.clock import Clock, parse_iso
from aduan.contracts.topics import streams_for, topics_of
from aduan.errors import Busy
from aduan.observability.pipeline import LETTERS, PipelineMetrics
from aduan.observability.process import HostMetrics
from aduan.observability.where import places
from aduan.service import Runtime, Service

# Shorter than any usual interval between scrapes, so that each shows the present.
PIPELINE_SECONDS: Final = 4.0
# A tenant costs some dozens of questions, and what they count changes by the hour.
OWN_SECONDS: Final = 20.0
# Prometheus gives up after ten seconds; a store that takes longer than this is as good as away.
PATIENCE_SECONDS: Final = 2.0

Source = Literal["store", "log", "own"]
Read = Callable[[], Awaitable[None]]


@dataclass(slots=True)
class _Reading:
    """Something that is read now and then. read_at: when it last worked; asked_at: last begun."""

    service: str
    source: Source
    read: Read
    every: float
    read_at: float | None = None
    asked_at: float | None = None
    under_way: bool = False

    @property
    def fresh(self) -> bool:
        """Whether what it was asked last has been answered."""
        return self.read_at is not None and self.read_at == self.asked_at


class Levels:
    """The levels of all services of one process. Call `refresh` before each answer to a scrape."""

    def __init__(
        self,
        metrics: HostMetrics,
        services: Mapping[str, Service],
        clock: Clock,
        *,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        """patience: seconds that a scrape waits for store and log."""
        self._metrics = metrics
        self._clock = clock
        self._patience = patience
        self._services = services
        self._readings: list[_Reading] = []
        self._tasks: set[asyncio.Task[None]] = set()
        for name, service in services.items():
            store = _Store(service.runtime, metrics.pipeline)
            self._readings += [
                _Reading(name, "store", store.read, PIPELINE_SECONDS),
                _Reading(name, "log", store.read_log, PIPELINE_SECONDS),
            ]
            if service.levels is not None:
                self._readings.append(_Reading(name, "own", service.levels, OWN_SECONDS))

    async def refresh(self) -> None:
        """Tell what is known now; asks again what is old, and waits a moment for the answers."""
        now = self._clock.monotonic()
        for reading in self._readings:
            old = reading.asked_at is None or now - reading.asked_at >= reading.every
            if old and not reading.under_way:
                reading.asked_at, reading.under_way = now, True
                task = asyncio.create_task(self._ask(reading))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        if self._tasks:
            # Not cancelled when it takes long: it goes on, and the next scrape shows what it brought.
            await asyncio.wait(self._tasks, timeout=self._patience)
        for name, service in self._services.items():
            _tell_running(name, service.runtime, self._metrics.pipeline)
        self._tell_stale()
        self._tell_ready()

    async def close(self) -> None:
        """Leave nothing under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _ask(self, reading: _Reading) -> None:
        try:
            await reading.read()
            reading.read_at = reading.asked_at
        except Busy:
            pass  # away: said by aduan_metrics_stale, and by readiness
        except Exception as error:  # noqa: BLE001 - a bug here must not hide all other numbers
            structlog.get_logger("aduan.levels").error(
                "levels.failed", service=reading.service, source=reading.source,
                error=type(error).__name__, where=places(error),
            )  # fmt: skip
        finally:
            reading.under_way = False

    def _tell_stale(self) -> None:
        for reading in self._readings:
            self._metrics.process.stale.set(
                float(not reading.fresh), service=reading.service, source=reading.source
            )

    def _tell_ready(self) -> None:
        for reading in self._readings:
            if reading.source == "store":
                hindered = self._services[reading.service].runtime.hindered()
                self._metrics.pipeline.ready.set(
                    float(reading.fresh and not hindered), service=reading.service
                )


def _tell_running(name: str, runtime: Runtime, metrics: PipelineMetrics) -> None:
    """Tell what the parts of a service count by themselves: nobody is asked."""
    relay, consumer = runtime.relay, runtime.consumer
    metrics.producer_up.set(float(relay.up), service=name)
    metrics.relay_failures.reach(relay.failures, service=name)
    metrics.published.reach(relay.published, service=name)
    metrics.paused.set(float(consumer.paused), service=name)
    metrics.lag_seconds.set(consumer.behind_seconds(), service=name)
    metrics.applied.reach(consumer.applied, service=name)
    metrics.busy.reach(consumer.busy, service=name)


class _Store:
    """What one service's store and log say of its pipeline."""

    def __init__(self, runtime: Runtime, metrics: PipelineMetrics) -> None:
        self._runtime = runtime
        self._metrics = metrics
        self._name = runtime.spec.name
        self._topics = [topic.name for topic in topics_of(*streams_for(self._name))]

    async def read(self) -> None:
        """Outbox, held events, letters: counts and the oldest of each. Raises Busy."""
        store, cases = self._runtime.store, self._runtime.spec.collections[0]
        name, metrics = self._name, self._metrics
        metrics.pending.set(await store.pending_count(cases), service=name)
        pending = await store.unpublished(cases, limit=1)
        metrics.pending_age.set(self._age(one.since for one in pending), service=name)
        metrics.held.set(await store.held_count(cases), service=name)
        held = await store.held(cases, limit=1)
        metrics.held_age.set(self._age(one.since for one in held), service=name)
        counts = await self._runtime.letters.counts()
        for kind in LETTERS:
            metrics.letters.set(counts[kind], service=name, kind=kind)
        letters, _ = await self._runtime.letters.listed(limit=1)
        ages = (parse_iso(one.created_at).timestamp() for one in letters)
        metrics.letter_age.set(self._age(ages), service=name)

    async def read_log(self) -> None:
        """How far the group is behind the end of the log. Raises Busy."""
        runtime = self._runtime
        lag = await runtime.bus.lag(runtime.consumer.group, self._topics)
        self._metrics.lag.set(lag, service=self._name)

    def _age(self, since: Iterable[float]) -> float:
        now = self._runtime.clock.wall().timestamp()
        return max(0.0, now - min(since, default=now))
