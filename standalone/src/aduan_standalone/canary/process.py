"""`aduan canary`: the canary in a process of its own, with its own /metrics and health."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Final

import httpx
import uvicorn
from prometheus_client import CollectorRegistry

from aduan.clock import SystemClock
from aduan.observability import logs
from aduan.observability.process import ProcessMetrics
from aduan.web.app import new_app
from aduan.web.edge import HttpMetrics
from aduan.web.serving import Server, run
from aduan_standalone.canary.asking import OverHttp
from aduan_standalone.canary.flight import Flight, Result
from aduan_standalone.canary.metrics import Metrics
from aduan_standalone.canary.running import EVERY_SECONDS, WITHIN_SECONDS, Canaries

# One answer, not a step: a service that hangs is asked again within the bound.
CALL_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Options:
    """urls: service -> base address. port: of /metrics; 0 takes a free one. All times are real."""

    urls: Mapping[str, str]
    portal_key: str
    read_key: str
    every_seconds: float
    within_seconds: float
    host: str = "127.0.0.1"
    port: int = 0


@asynccontextmanager
async def canaries(
    urls: Mapping[str, str],
    portal_key: str,
    read_key: str,
    registry: CollectorRegistry,
    *,
    every_seconds: float = EVERY_SECONDS,
    within_seconds: float = WITHIN_SECONDS,
) -> AsyncIterator[Canaries]:
    """Give what flies canaries over the network, counted on `registry`."""
    clock = SystemClock()
    async with httpx.AsyncClient(timeout=CALL_SECONDS) as client:
        services = OverHttp(client, urls, portal_key, read_key)
        flight = Flight(services, clock, within_seconds=within_seconds)
        yield Canaries(flight, clock, Metrics(registry), every_seconds=every_seconds)


def fly_once(options: Options) -> Result:
    """Fly one canary now and return how it went."""

    async def once() -> Result:
        async with _flying(options, CollectorRegistry()) as canary:
            return await canary.once()

    return run(once())


def serve(options: Options) -> None:
    """Fly canaries until stopped."""
    logs.configure("canary")
    run(_serve(options))


async def _serve(options: Options) -> None:
    registry = CollectorRegistry()
    process = ProcessMetrics(registry, "canary", (), version=version("aduan"))
    app = new_app(
        "Aduan: canary", service="canary", http_metrics=HttpMetrics(registry), registry=registry
    )
    config = uvicorn.Config(
        app, host=options.host, port=options.port, log_config=None, access_log=False, lifespan="off"
    )
    server = Server(config)
    server.stop_on_signals()
    async with _flying(options, registry) as canary:
        flying = asyncio.create_task(canary.run())
        watching = asyncio.create_task(process.watch_loop())
        serving = asyncio.create_task(server.serve())
        await asyncio.wait({flying, serving}, return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        await serving
        if flying.done():
            flying.result()  # only a bug ends it by itself: out with it
        flying.cancel()
        watching.cancel()
        await asyncio.gather(flying, watching, return_exceptions=True)


def _flying(options: Options, registry: CollectorRegistry) -> AbstractAsyncContextManager[Canaries]:
    return canaries(
        options.urls,
        options.portal_key,
        options.read_key,
        registry,
        every_seconds=options.every_seconds,
        within_seconds=options.within_seconds,
    )
