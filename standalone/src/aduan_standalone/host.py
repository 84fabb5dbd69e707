"""`aduan up`: all five services in one process, on one port, over one data folder."""

import asyncio
import os
import socket
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import structlog
import uvicorn
from prometheus_client import CollectorRegistry

from aduan.clock import Clock
from aduan.errors import AduanError, Busy
from aduan.levels import Levels
from aduan.messaging.sqlite import SqliteBus
from aduan.observability import logs
from aduan.observability.pipeline import SERVICES
from aduan.observability.process import HostMetrics
from aduan.observability.tracing import tracing
from aduan.service import GaveUp, Service
from aduan.settings import TraceSettings, load
from aduan.web.edge import HttpMetrics
from aduan.web.serving import Server, keep_what_is_there, run
from aduan_standalone import composition, folder, landing, partners
from aduan_standalone.canary.keys import new_keys
from aduan_standalone.canary.process import canaries
from aduan_standalone.cli.instance import announce, withdraw
from aduan_standalone.cli.refusal import FAILED, Refusal
from aduan_standalone.dispatch import Dispatch

TENANT: Final = "33.74"
LOG_KEPT: Final = timedelta(days=30)
_TIDY_SECONDS: Final = 3_600.0


@dataclass(frozen=True, slots=True)
class HostOptions:
    """What `aduan up` was asked for. port 0 takes a free one.

    simulators: start them. partners: the folder of some that run already. One of the two at most.
    canary: send a synthetic complaint every minute, through the port like anybody.
    """

    data: Path
    host: str = "127.0.0.1"
    port: int = 8080
    simulators: bool = False
    clock_start: datetime | None = None
    clock_speed: float = 1.0
    partners: Path | None = None
    canary: bool = False


def outside_of(data: Path) -> Path:
    """Return where simulators of an instance keep their things: beside its folder, not in it."""
    return data.with_name(data.name + "-outside")


def serve(options: HostOptions) -> int:
    """Run until stopped; return the exit code. Raises Refusal, one sentence, when it cannot start."""
    logs.configure("standalone")
    with folder.lock(options.data):
        listening = _listen(options.host, options.port)
        try:
            return run(_serve(options, listening))
        except GaveUp as error:
            sys.stderr.write(f"aduan: {error}\n")
            return FAILED
        except AduanError as error:
            raise Refusal(f"The services cannot start: {error}.", code=FAILED) from error


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise Refusal(f"Port {port} on {host} cannot be used: {error.strerror}.") from None
    return listening


async def _serve(options: HostOptions, listening: socket.socket) -> int:
    keys = folder.keys_in(options.data)
    clock = folder.clock_in(options.data, options.clock_start, options.clock_speed)
    url = f"http://{options.host}:{listening.getsockname()[1]}"
    registry = CollectorRegistry()
    async with AsyncExitStack() as stack:
        simulated = None
        if options.simulators:
            outside = outside_of(options.data)
            simulated = await stack.enter_async_context(partners.running(outside, clock))
        elif options.partners is not None:
            simulated = partners.found(options.partners, clock)
        plan = composition.Plan(
            data=options.data,
            url=url,
            reference=reference_folder(),
            keys=keys,
            tenant=TENANT,
            fast=options.clock_speed != 1.0,
            partners=simulated,
            canary=new_keys() if options.canary else None,
        )
        metrics = HttpMetrics(registry)
        host = HostMetrics(registry, "standalone", SERVICES, version=version("aduan"))
        traced = load(TraceSettings).tracing()
        await stack.enter_async_context(tracing(**traced, metrics=host.traces))
        services = await composition.build(plan, clock, registry, metrics, stack, host=host)
        levels = Levels(host, services, clock)
        stack.push_async_callback(levels.close)
        own = landing.app_of(
            services, registry, metrics, simulators=simulated is not None, levels=levels
        )
        app = Dispatch({name: service.app for name, service in services.items()}, own)
        server = Server(
            uvicorn.Config(
                app, log_config=None, access_log=False, lifespan="off", timeout_keep_alive=75,
                server_header=False, date_header=False,
            )
        )  # fmt: skip
        server.stop_on_signals()
        parts = [
            await stack.enter_async_context(service.running()) for service in services.values()
        ]
        tidying = asyncio.create_task(_tidy(services, clock))
        watching = asyncio.create_task(host.process.watch_loop())
        serving = asyncio.create_task(server.serve([listening]))
        telling = asyncio.create_task(_tell(server, services, options, url, keys.operator))
        flying = asyncio.create_task(_fly(server, plan, registry))
        try:
            await asyncio.wait({*parts, serving, tidying}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            withdraw(options.data, url=url, pid=os.getpid())
            server.should_exit = True
            for task in (telling, tidying, watching, flying):
                task.cancel()
            await asyncio.gather(
                serving, telling, tidying, watching, flying, return_exceptions=True
            )
        return _verdict(parts)


def _verdict(parts: list["asyncio.Task[None]"]) -> int:
    for part in parts:
        if part.done() and not part.cancelled() and (error := part.exception()) is not None:
            sys.stderr.write(f"aduan: a service gave up: {_innermost(error)}\n")
            return FAILED
    return 0


def _innermost(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error) if isinstance(error, AduanError) else type(error).__name__


async def _tell(
    server: Server,
    services: Mapping[str, Service],
    options: HostOptions,
    url: str,
    token: str,
) -> None:
    """Announce the instance to the other commands; say `ready URL` once every service is.

    Announced first: a service that is not ready may wait for what an operator does by a command.
    """
    while not server.started:  # noqa: ASYNC110 - no event tells
        await asyncio.sleep(0.02)
    announce(options.data, url=url, token=token, pid=os.getpid())
    keep_what_is_there()  # `up` had switched the search for garbage off for the start
    while not await _all_ready(services):  # noqa: ASYNC110 - no event tells
        await asyncio.sleep(0.02)
    sys.stdout.write(f"ready {url}\n")
    sys.stdout.flush()


async def _fly(server: Server, plan: composition.Plan, registry: CollectorRegistry) -> None:
    """Fly canaries, where they were asked for, as long as the instance serves."""
    if plan.canary is None:
        return
    urls = dict.fromkeys(SERVICES, plan.url)
    while not server.started:  # noqa: ASYNC110 - no event tells
        await asyncio.sleep(0.02)
    try:
        async with canaries(urls, plan.canary.portal, plan.canary.reader, registry) as flying:
            await flying.run()
    except Exception as error:  # noqa: BLE001 - a broken watch must not stop what it watches
        # Its silence pages; the services go on.
        structlog.get_logger("aduan.standalone").error("canary.ended", error=type(error).__name__)


async def _all_ready(services: Mapping[str, Service]) -> bool:
    for service in services.values():
        if await service.runtime.ready() or service.runtime.consumer.caught_up_at() is None:
            return False
    return True


async def _tidy(services: Mapping[str, Service], clock: Clock) -> None:
    """Drop records of the log that are old and read by everybody, once an hour."""
    log = structlog.get_logger("aduan.standalone")
    bus: Any = next(iter(services.values())).runtime.bus
    while True:
        await asyncio.sleep(_TIDY_SECONDS)
        if not isinstance(bus, SqliteBus):
            return
        try:
            dropped = await bus.drop_older_than(LOG_KEPT, clock.wall())
        except Busy:
            log.warning("log.tidy_postponed")
            continue
        log.info("log.tidied", dropped=dropped)


def reference_folder() -> Path:
    """Return the folder `reference/`: ADUAN_REFERENCE_DIR, or the one of this checkout.

    Raises Refusal.
    """
    named = os.environ.get("ADUAN_REFERENCE_DIR")
    if named:
        return Path(named)
    for base in (*Path(__file__).resolve().parents, Path.cwd()):
        if (base / "reference" / "tenants").is_dir():
            return base / "reference"
    raise Refusal("There is no folder reference/; name it in ADUAN_REFERENCE_DIR.")
