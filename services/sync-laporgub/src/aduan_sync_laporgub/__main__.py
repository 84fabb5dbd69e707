"""Run sync-laporgub in a process of its own: python -m aduan_sync_laporgub."""

import asyncio
import sys
from contextlib import AsyncExitStack

import uvicorn
from prometheus_client import CollectorRegistry

from aduan.clock import SystemClock
from aduan.engine import UnknownEngine, open_bus, open_store
from aduan.errors import Busy
from aduan.observability import logs
from aduan.service import GaveUp
from aduan.settings import load
from aduan_sync_laporgub.bootstrap import build, spec
from aduan_sync_laporgub.domain.words import WordsUnreadable
from aduan_sync_laporgub.settings import Settings


async def serve(settings: Settings) -> None:
    """Open the engines, build the service, and serve until stopped or a part gave up."""
    clock = SystemClock()
    registry = CollectorRegistry()
    what = spec(settings)
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(
            open_store(settings.store, what.all_collections, clock)
        )
        bus = await stack.enter_async_context(open_bus(settings.bus, clock))
        service = await build(
            settings, spec=what, store=store, bus=bus, clock=clock, registry=registry
        )
        config = uvicorn.Config(
            service.app, host=settings.host, port=settings.port, log_config=None
        )
        server = uvicorn.Server(config)
        parts = await stack.enter_async_context(service.running())
        serving = asyncio.create_task(server.serve())
        await asyncio.wait({parts, serving}, return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        await serving
        if parts.done() and (failed := parts.exception()) is not None:
            raise GaveUp("a part of the service failed too often") from failed


def main() -> None:
    """Read the settings and serve; end with one sentence where it cannot start."""
    settings = load(Settings)
    logs.configure("sync-laporgub", level=settings.log_level)
    try:
        asyncio.run(serve(settings))
    except (WordsUnreadable, UnknownEngine, Busy) as error:
        sys.exit(f"sync-laporgub cannot start: {error}")
    except GaveUp as error:
        sys.exit(f"sync-laporgub ends: {error}")


if __name__ == "__main__":
    main()
