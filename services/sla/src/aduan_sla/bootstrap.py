"""The one composition root of sla."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any, Final

from prometheus_client import CollectorRegistry

from aduan.clock import Clock
from aduan.contracts.values import counted
from aduan.messaging.port import Bus
from aduan.service import Runtime, Service, ServiceSpec
from aduan.storage.port import Store
from aduan.web.app import new_app
from aduan.web.edge import HttpMetrics
from aduan.web.keys import Authenticator
from aduan.web.ops import router as ops_router
from aduan_sla.adapters.dimensions import load_labels
from aduan_sla.adapters.figures_file import open_figures
from aduan_sla.adapters.reference import load_rulebook
from aduan_sla.domain.case import CASES
from aduan_sla.domain.statistics.labels import Labels
from aduan_sla.entrypoints.http import router
from aduan_sla.entrypoints.levels import OwnLevels
from aduan_sla.entrypoints.revisit import Revisit
from aduan_sla.entrypoints.statistics_reader import StatisticsReader
from aduan_sla.entrypoints.status import facts_of
from aduan_sla.entrypoints.ticker import Ticker
from aduan_sla.handlers import Rulebooks, table
from aduan_sla.metrics import Metrics
from aduan_sla.settings import Settings

COLLECTIONS: Final = (CASES,)


def load_books(settings: Settings) -> Rulebooks:
    """Return the rules of every tenant. Raises PolicyError, one sentence for the operator."""
    return {tenant: load_rulebook(settings.reference_dir, tenant) for tenant in settings.tenants}


def load_dimensions(settings: Settings) -> Mapping[str, Labels]:
    """Return by what figures are cut, of every tenant that counts. Raises BadDimensions."""
    tenants = counted(settings.tenants)
    return {tenant: load_labels(settings.reference_dir, tenant) for tenant in tenants}


def spec(settings: Settings) -> ServiceSpec:
    """Return what sla is before anything runs. Raises PolicyError."""
    return ServiceSpec(name="sla", collections=COLLECTIONS, handlers=table(load_books(settings)))


async def build(
    settings: Settings,
    *,
    spec: ServiceSpec,
    store: Store,
    bus: Bus,
    clock: Clock,
    registry: CollectorRegistry,
    http_metrics: HttpMetrics | None = None,
) -> Service:
    """Return the service, ready to run. spec: as `spec(settings)` gave it.

    http_metrics: the process's own where it hosts several services. Raises PolicyError, BadDimensions.
    """
    books = load_books(settings)
    runtime = Runtime(spec, store=store, bus=bus, clock=clock)
    dimensions = load_dimensions(settings)
    metrics = Metrics(registry, {tenant: one.opd for tenant, one in dimensions.items()})
    facts = _facts(runtime, books)
    app = new_app(
        "Aduan: sla",
        service="sla",
        description="Clocks, policies and calendars: every deadline of a case.",
        http_metrics=http_metrics or HttpMetrics(registry),
        authenticator=Authenticator(clock, static=settings.static_keys),
        live=runtime.progressing,
        ready=runtime.ready,
        registry=registry,
    )
    app.include_router(router(runtime.cases, books))
    app.include_router(ops_router(runtime, facts))
    ticker = Ticker(
        cases=runtime.cases,
        clock=clock,
        books=books,
        caught_up=runtime.consumer.caught_up_at,
        metrics=metrics,
        every_seconds=settings.tick_seconds,
        partitions=runtime.consumer.partitions,
    )
    revisit = Revisit(cases=runtime.cases, books=books, metrics=metrics)
    workers = {"tick": ticker.run, "revisit": revisit.run}
    levels = OwnLevels(store=store, clock=clock, books=books, metrics=metrics)
    opened = AsyncExitStack()
    if settings.statistics_file is not None:
        kept = await open_figures(opened, settings.statistics_file, clock)
        reader = StatisticsReader(
            bus=bus, store=kept, labels=dimensions, registry=registry, clock=clock
        )
        workers["statistics"] = reader.run
    return Service(
        runtime, app, workers=workers, status=facts, levels=levels.read, close=opened.aclose
    )


def _facts(runtime: Runtime, books: Rulebooks) -> Callable[[], Awaitable[Mapping[str, Any]]]:
    async def facts() -> Mapping[str, Any]:
        return await facts_of(runtime.store, tuple(books))

    return facts
