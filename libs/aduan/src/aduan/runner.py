"""Runs one service in a process of its own: settings, engines, HTTP, workers, a clean end."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from importlib.metadata import version
from typing import Any, TypeVar

import uvicorn
from prometheus_client import CollectorRegistry

from aduan.clock import SystemClock
from aduan.contracts.topics import topics_needed
from aduan.engine import open_bus, open_store
from aduan.errors import AduanError
from aduan.levels import Levels
from aduan.observability import logs
from aduan.observability.process import HostMetrics
from aduan.observability.tracing import tracing
from aduan.service import GaveUp, Service, ServiceSpec
from aduan.settings import ServiceSettings, load
from aduan.storage.watched import watched
from aduan.web.app import App
from aduan.web.serving import Server, keep_what_is_there
from aduan.web.serving import run as run_loop

S = TypeVar("S", bound=ServiceSettings)


class TopicsUnfit(AduanError):
    """The log has not the topics of the table; the sentence names them and what to do."""


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
    registry = CollectorRegistry()
    host = HostMetrics(registry, what.name, (what.name,), version=version("aduan"))
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(tracing(**settings.tracing(), metrics=host.traces))
        store = await stack.enter_async_context(
            open_store(
                settings.store, what.all_collections, clock, driver=settings.mongo_driver,
                watched=partial(watched, service=what.name, metrics=host.store),
            )
        )  # fmt: skip
        bus = await stack.enter_async_context(open_bus(settings.bus, clock, **settings.kafka()))
        # Before anything is taken: what would be published nowhere, or read by half, is not begun.
        if unfit := await bus.unfit(topics_needed(what.name)):
            raise TopicsUnfit("; ".join(unfit))
        options: dict[str, Any] = {
            "spec": what, "store": store, "bus": bus, "clock": clock, "registry": registry,
        }  # fmt: skip
        service = await build(settings, **options)
        assert isinstance(service.app, App), "its /metrics is told by us what to ask first"
        levels = Levels(host, {service.name: service}, clock)
        service.app.before_metrics = levels.refresh
        stack.push_async_callback(levels.close)
        config = uvicorn.Config(
            service.app, host=settings.host, port=settings.port, log_config=None
        )
        server = Server(config)
        server.stop_on_signals()
        parts = await stack.enter_async_context(service.running())
        keep_what_is_there()
        watching = asyncio.create_task(host.process.watch_loop())
        serving = asyncio.create_task(server.serve())
        await asyncio.wait({parts, serving}, return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        await serving
        watching.cancel()
        if parts.done() and (failed := parts.exception()) is not None:
            raise GaveUp("a part of the service failed too often") from failed
