"""Opens the engines that ADUAN_STORE and ADUAN_BUS name. Handlers cannot tell which they got."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aduan.clock import Clock
from aduan.errors import AduanError
from aduan.messaging.port import Bus
from aduan.messaging.sqlite import SqliteBus
from aduan.storage.port import Collection, Store
from aduan.storage.sqlite import SqliteStore

_SQLITE = "sqlite:///"
_MONGO = ("mongodb://", "mongodb+srv://")
_KAFKA = "kafka://"


class UnknownEngine(AduanError):
    """An address names an engine that this build does not have."""


def _path(url: str) -> Path:
    path = Path(url.removeprefix(_SQLITE))
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _unknown(url: str, known: str) -> UnknownEngine:
    return UnknownEngine(f"{url.split(':', 1)[0]}: only {known} is known here")


def _as_it_is(store: Store) -> Store:
    return store


@asynccontextmanager
async def open_store(
    url: str,
    collections: Sequence[Collection],
    clock: Clock,
    *,
    driver: str | None = None,
    watched: Callable[[Store], Store] = _as_it_is,
) -> AsyncIterator[Store]:
    """Open `sqlite:///PATH`, or `mongodb://.../DATABASE`.

    driver: motor or pymongo; without one, the default of ADR 4. watched: what is given instead of
    the engine itself, whichever that is (aduan.storage.watched).
    Raises UnknownEngine, BadAddress, Busy; SchemaMissing where `aduan migrate` has not been run.
    """
    if url.startswith(_MONGO):
        # The distributed engines' clients are heavy; an embedded instance never loads them.
        from aduan.storage.mongo import open_mongo

        async with open_mongo(url, collections, clock, driver=driver) as mongo:
            yield watched(mongo)
        return
    if not url.startswith(_SQLITE):
        raise _unknown(url, "sqlite:///PATH or mongodb://HOST/DATABASE")
    store = SqliteStore(_path(url), collections, clock)
    try:
        yield watched(store)
    finally:
        store.close()


@asynccontextmanager
async def open_bus(url: str, clock: Clock, **kafka: Any) -> AsyncIterator[Bus]:
    """Open `sqlite:///PATH`, or `kafka://HOST:PORT,...`.

    kafka: who we are to the brokers, see aduan.messaging.kafka.Connection.
    Raises UnknownEngine, BadAddress, Busy.
    """
    if url.startswith(_KAFKA):
        from aduan.messaging.kafka import Connection, KafkaBus

        bus = KafkaBus(Connection.of(url, **kafka), clock)
        try:
            yield bus
        finally:
            await bus.close()
        return
    if not url.startswith(_SQLITE):
        raise _unknown(url, "sqlite:///PATH or kafka://HOST:PORT,...")
    log = SqliteBus(_path(url), clock)
    try:
        yield log
    finally:
        log.close()
