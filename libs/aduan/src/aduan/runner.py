"""Runs one service in a process of its own: settings, engines, HTTP, workers, a clean end."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any, TypeVar

import uvicorn
from prometheus_client import CollectorRegistry

from aduan.clock import SystemClock
from aduan.engine import open_bus, open_store
from aduan.errors import AduanError
from aduan.observability import logs
from aduan.service import GaveUp, Service, ServiceSpec
from aduan.settings import ServiceSettings, load
from aduan.web.serving import Server, keep_what_is_there
from aduan.web.serving import run as run_loop

S = TypeVar("S", bound=ServiceSettings)


def run(
    name: str,
    kind: type[S],
    *,
    spec: Callable[[S], ServiceSpec],
    build: Callable[..., Awaitable[Service]],
) -> None:
    """Serve until stopped. Ends the process with one sentence where it cannot start.

    spec, build: the service's bootstrap.
    """
    settings = load(kind)
    logs.configure(name, level=settings.log_level)
    try:
        run_loop(_serve(settings, spec, build))
    except GaveUp as error:
        sys.exit(f"{name} ends: {error}")
    except AduanError as error:
        sys.exit(f"{name} cannot start: {error}")


async def _serve(
    settings: S, spec: Callable[[S], ServiceSpec], build: Callable[..., Awaitable[Service]]
) -> None:
    clock = SystemClock()
    what = spec(settings)
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(
            open_store(settings.store, what.all_collections, clock, driver=settings.mongo_driver)
        )
        bus = await stack.enter_async_context(open_bus(settings.bus, clock, **settings.kafka()))
        registry = CollectorRegistry()
        options: dict[str, Any] = {
            "spec": what, "store": store, "bus": bus, "clock": clock, "registry": registry,
        }  # fmt: skip
        service = await build(settings, **options)
        config = uvicorn.Config(
            service.app, host=settings.host, port=settings.port, log_config=None
        )
        server = Server(config)
        server.stop_on_signals()
        parts = await stack.enter_async_context(service.running())
        keep_what_is_there()
        serving = asyncio.create_task(server.serve())
        await asyncio.wait({parts, serving}, return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        await serving
        if parts.done() and (failed := parts.exception()) is not None:
            raise GaveUp("a part of the service failed too often") from failed
