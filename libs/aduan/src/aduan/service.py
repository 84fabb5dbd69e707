"""One service as a thing that can be started: in its own process or beside the others.

`Service` is what a bootstrap returns. `Runtime` owns the parts that every service has: the case
documents, the relay, the consumer loop, the dead letters, the workers; it restarts what ends by a bug.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from starlette.types import ASGIApp

from aduan.cases import Cases, Handlers
from aduan.clock import Clock
from aduan.contracts.topics import streams_for, topics_of
from aduan.errors import AduanError, Busy
from aduan.expiry import Expiry
from aduan.messaging.consumer import ConsumerLoop
from aduan.messaging.dead_letters import DEAD_LETTERS, DeadLetters, group_of
from aduan.messaging.inbox import OPENER
from aduan.messaging.letter_desk import LetterDesk
from aduan.messaging.port import Bus
from aduan.messaging.relay import Relay
from aduan.retention import EXPIRES
from aduan.storage.port import Collection, Store

RESTARTS: Final = 5
RESTART_WINDOW_SECONDS: Final = 600.0
STUCK_AFTER_SECONDS: Final = 60.0

Worker = Callable[[], Awaitable[None]]


class GaveUp(AduanError):
    """A part of a service failed five times in ten minutes: the process must end, non-zero."""


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """What a service is before anything runs. name: as in the topics table.

    collections: all of them, the case collection first. handlers: topic -> Handler.
    opener: None where cases are opened by a command (intake).
    buffers: it serves on while the log is away, because its outbox holds what it takes.
    """

    name: str
    collections: tuple[Collection, ...]
    handlers: Handlers
    opener: str | None = OPENER
    buffers: bool = False

    @property
    def all_collections(self) -> tuple[Collection, ...]:
        """The service's own collections and the one for its dead letters: what a store opens."""
        return (*self.collections, DEAD_LETTERS)


class Runtime:
    """The running parts of one service. Build it in bootstrap, give `cases` to HTTP and workers."""

    def __init__(
        self,
        spec: ServiceSpec,
        *,
        store: Store,
        bus: Bus,
        clock: Clock,
        max_pending: int | None = None,
    ) -> None:
        """max_pending: with so many events unpublished, commands are refused with Busy."""
        self.spec = spec
        self.store = store
        self.bus = bus
        self.clock = clock
        cases_in = spec.collections[0]
        self.letters = DeadLetters(store, clock, spec.name)
        self.relay = Relay(store, bus, cases_in, bound=max_pending)
        self.cases = Cases(
            service=spec.name,
            store=store,
            collection=cases_in,
            relay=self.relay,
            letters=self.letters,
            handlers=spec.handlers,
            opener=spec.opener,
        )
        topics = [topic.name for topic in topics_of(*streams_for(spec.name))]
        self.consumer = ConsumerLoop(
            bus=bus,
            group=group_of(spec.name),
            topics=topics,
            deliver=self.cases.deliver,
            letters=self.letters,
            clock=clock,
        )
        self.desk = LetterDesk(self.cases, self.letters, bus, clock)
        ends = EXPIRES in cases_in.indexes
        mine = self.consumer.partitions
        self.expiry = Expiry(store, cases_in, clock, partitions=mine) if ends else None

    async def sweep_letters(self) -> None:
        """Look after the dead letters every second; ends only by cancellation or a bug."""
        while True:
            try:
                await self.desk.sweep()
            except Busy:
                self.consumer.busy += 1
            await asyncio.sleep(1.0)

    async def ready(self) -> dict[str, str]:
        """Return what is wrong, by check name; empty when the service can do its work."""
        try:
            await self.store.pending_count(self.spec.collections[0])
        except Busy:
            return {"store": "cannot be read", **self.hindered()}
        return self.hindered()

    def hindered(self) -> dict[str, str]:
        """Return what is wrong without asking the store, by check name."""
        wrong: dict[str, str] = {}
        if self.consumer.stopped_by_cap:
            wrong["dead_letters"] = "the cap of open letters is reached; consuming is paused"
        if self.relay.full:
            wrong["outbox"] = "full: the log has been away for long"
        now = self.clock.monotonic()
        if self.spec.buffers:
            return wrong
        if now - self.consumer.last_poll > STUCK_AFTER_SECONDS:
            wrong["consumer"] = "no successful poll for a minute"
        if now - self.consumer.last_heard > STUCK_AFTER_SECONDS:
            wrong["bus"] = "no answer for a minute"
        return wrong

    def progressing(self) -> bool:
        """Whether the consumer has asked for records lately, or waits for a log that is away."""
        silent = self.clock.monotonic() - self.consumer.last_try
        return self.consumer.joining or silent < 2 * STUCK_AFTER_SECONDS


@dataclass(frozen=True, slots=True)
class Service:
    """A built service. app: its HTTP side, paths as they are behind an ingress.

    workers: named loops of its own; each ends only by cancellation or a bug.
    status: facts of its own for `/<service>/ops/status`, merged into what every service tells.
    levels: brings its own gauges up to date from its store; asked before a scrape. Raises Busy.
    close: releases what bootstrap opened beside store and bus.
    """

    runtime: Runtime
    app: ASGIApp
    workers: Mapping[str, Worker] = field(default_factory=dict)
    status: Callable[[], Awaitable[Mapping[str, Any]]] | None = None
    close: Callable[[], Awaitable[None]] | None = None
    levels: Callable[[], Awaitable[None]] | None = None

    @property
    def name(self) -> str:
        """The service's name in the topics table."""
        return self.runtime.spec.name

    @asynccontextmanager
    async def running(self) -> AsyncIterator["asyncio.Task[None]"]:
        """Run relay, consumer, letter sweeper and workers until the block is left.

        The task that it gives fails with GaveUp when a part failed too often.
        """
        parts: dict[str, Worker] = {
            "relay": self.runtime.relay.run,
            "consumer": self.runtime.consumer.run,
            "letters": self.runtime.sweep_letters,
            **self.workers,
        }
        if self.runtime.expiry is not None:
            parts["expiry"] = self.runtime.expiry.run
        leaving = asyncio.Event()
        task = asyncio.create_task(self._supervise(parts, leaving), name=self.name)
        try:
            yield task
        finally:
            leaving.set()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            if self.close is not None:
                await self.close()

    async def _supervise(self, parts: Mapping[str, Worker], leaving: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as tasks:
            for name, part in parts.items():
                tasks.create_task(self._restart(name, part, leaving))

    async def _restart(self, name: str, part: Worker, leaving: asyncio.Event) -> None:
        log = structlog.get_logger("aduan.service")
        clock = self.runtime.clock
        failures: deque[float] = deque(maxlen=RESTARTS)
        while True:
            try:
                await part()
                log.error("part.ended", service=self.name, part=name)
            except Exception as error:  # noqa: BLE001 - a bug outside a handler ends the part
                # Not log.exception: its words could quote what a person wrote.
                failed = log.bind(service=self.name, part=name, error=type(error).__name__)
                failed.error("part.failed", where=_where(error))
                # An error on the way out takes the place of the cancellation. The task's own count of
                # cancellations does not tell: in Python 3.11 a failed TaskGroup leaves it raised.
                if leaving.is_set():
                    return
            except asyncio.CancelledError:
                if leaving.is_set():
                    raise
                # Of something inside the part, not of the part: unseen, it would rest for good.
                log.error("part.failed", service=self.name, part=name, error="CancelledError")  # noqa: TRY400
            failures.append(clock.monotonic())
            if len(failures) == RESTARTS and failures[-1] - failures[0] < RESTART_WINDOW_SECONDS:
                leaving.set()
                raise GaveUp(f"{self.name}: {name} failed {RESTARTS} times in ten minutes")
            await asyncio.sleep(0.5)


def _where(error: BaseException) -> Sequence[str]:
    """Return file:line of the innermost frames; never values, which may hold personal data."""
    found: list[str] = []
    inner: BaseException = error
    while isinstance(inner, BaseExceptionGroup) and inner.exceptions:
        inner = inner.exceptions[0]
    trace = inner.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        found.append(f"{code.co_filename.rsplit('/', 2)[-1]}:{trace.tb_lineno}:{code.co_name}")
        trace = trace.tb_next
    return [type(inner).__name__, *found[-4:]]
