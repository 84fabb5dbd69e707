"""Runs services on the embedded adapters inside one test: real files, real relay, real consumers."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from aduan.clock import Clock
from aduan.contracts.topics import streams_for, topics_of
from aduan.messaging.sqlite import SqliteBus
from aduan.service import Runtime, Service, ServiceSpec
from aduan.storage.sqlite import SqliteStore


class World:
    """A folder with one log and one store per service, and the services that run in it."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.folder = folder
        self.clock = clock
        self.bus = SqliteBus(folder / "log.db", clock)
        self.services: list[Service] = []
        self._stores: list[SqliteStore] = []

    def store(self, spec: ServiceSpec) -> SqliteStore:
        """Open the store of one service."""
        store = SqliteStore(self.folder / f"{spec.name}.db", spec.all_collections, self.clock)
        self._stores.append(store)
        return store

    def runtime(self, spec: ServiceSpec) -> Runtime:
        """Build a service's runtime on this world's log, with a store of its own."""
        return Runtime(spec, store=self.store(spec), bus=self.bus, clock=self.clock)

    @asynccontextmanager
    async def running(self, *services: Service) -> AsyncIterator["World"]:
        """Run these services until the block is left."""
        self.services.extend(services)
        async with AsyncExitStack() as stack:
            for service in services:
                await stack.enter_async_context(service.running())
            yield self

    async def settled(self, *, within: float = 20.0) -> None:
        """Wait until every event is published, consumed and committed."""

        async def quiet() -> bool:
            for service in self.services:
                runtime = service.runtime
                topics = [topic.name for topic in topics_of(*streams_for(service.name))]
                if (
                    await runtime.store.pending_count(runtime.spec.collections[0])
                    or runtime.relay.queued
                    or runtime.consumer.in_flight
                    or await self.bus.lag(f"aduan.{service.name}", topics)
                ):
                    return False
            return True

        await eventually(quiet, within=within)
        await eventually(quiet, within=within)

    def close(self) -> None:
        """Close all files."""
        for store in self._stores:
            store.close()
        self.bus.close()


async def eventually(
    check: Callable[[], Awaitable[bool]], *, within: float = 10.0, every: float = 0.01
) -> None:
    """Wait until `check` holds; fail with its name after `within` real seconds."""
    deadline = time.monotonic() + within
    while not await check():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within} s: {check.__name__}")
        await asyncio.sleep(every)


def records_of(bus: SqliteBus, topic: str) -> Sequence[bytes]:
    """Return the values of all records of a topic in the order they were written."""
    rows = bus.file.read("SELECT value FROM log WHERE topic = ? ORDER BY number", (topic,))
    return [row[0] for row in rows]
