"""Opens the engines that ADUAN_STORE and ADUAN_BUS name. Handlers cannot tell which they got."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from aduan.clock import Clock
from aduan.errors import AduanError
from aduan.messaging.port import Bus
from aduan.messaging.sqlite import SqliteBus
from aduan.storage.port import Collection, Store
from aduan.storage.sqlite import SqliteStore

_SQLITE = "sqlite:///"


class UnknownEngine(AduanError):
    """An address names an engine that this build does not have."""


def _path(url: str) -> Path:
    if not url.startswith(_SQLITE):
        raise UnknownEngine(f"{url.split(':', 1)[0]}: only sqlite:///PATH is known here")
    path = Path(url.removeprefix(_SQLITE))
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


@asynccontextmanager
async def open_store(
    url: str, collections: Sequence[Collection], clock: Clock
) -> AsyncIterator[Store]:
    """Open `sqlite:///PATH`. Raises UnknownEngine, Busy."""
    store = SqliteStore(_path(url), collections, clock)
    try:
        yield store
    finally:
        store.close()


@asynccontextmanager
async def open_bus(url: str, clock: Clock) -> AsyncIterator[Bus]:
    """Open `sqlite:///PATH`. Raises UnknownEngine, Busy."""
    bus = SqliteBus(_path(url), clock)
    try:
        yield bus
    finally:
        bus.close()
