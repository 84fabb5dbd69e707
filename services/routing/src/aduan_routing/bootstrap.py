"""The one composition root of routing."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any, Final

import httpx
from prometheus_client import CollectorRegistry

from aduan.clock import Clock
from aduan.messaging.port import Bus
from aduan.privacy.seal import Sealer
from aduan.service import Runtime, Service, ServiceSpec, Worker
from aduan.storage.port import Store
from aduan.web.app import new_app
from aduan.web.edge import HttpMetrics
from aduan.web.keys import Authenticator
from aduan.web.ops import router as ops_router
from aduan.web.pages import environment
from aduan.web.pages.forms import Signer
from aduan_routing.adapters.intake import IntakeOverHttp
from aduan_routing.adapters.reference import load_rules
from aduan_routing.adapters.unit_logs import unit_log
from aduan_routing.connections import Connections
from aduan_routing.desk import Desk
from aduan_routing.domain.case import CASES, CONNECTIONS, EVIDENCE, OFFICE_KEYS
from aduan_routing.domain.rules import RuleBook
from aduan_routing.entrypoints import connections_http, evidence_http, http, offices, pages
from aduan_routing.entrypoints.desk_render import ANSWER_SUFFIX, Pages
from aduan_routing.entrypoints.desk_session import Sessions, finder_with
from aduan_routing.entrypoints.fetching import Fetcher
from aduan_routing.entrypoints.status import facts_of, tell_conflicts
from aduan_routing.entrypoints.telling_units import Teller
from aduan_routing.entrypoints.workbench import Workbench
from aduan_routing.evidence import EvidenceShelf
from aduan_routing.handlers import table
from aduan_routing.images import BYTES_LIMIT
from aduan_routing.metrics import Metrics
from aduan_routing.settings import Settings

_MULTIPART_ROOM: Final = 64 * 1024
COLLECTIONS: Final = (CASES, OFFICE_KEYS, EVIDENCE, CONNECTIONS)


def load_book(settings: Settings) -> RuleBook:
    """Return the rules of every tenant. Raises BadReference, one sentence for the operator."""
    vault = Sealer(settings.seal_bytes())
    return {code: load_rules(settings.reference_dir, code, vault) for code in settings.tenants}


def spec(settings: Settings) -> ServiceSpec:
    """Return what routing is before anything runs. Raises BadReference."""
    return ServiceSpec(
        name="routing",
        collections=COLLECTIONS,
        handlers=table(load_book(settings)),
    )


async def build(
    settings: Settings,
    *,
    spec: ServiceSpec,
    store: Store,
    bus: Bus,
    clock: Clock,
    registry: CollectorRegistry,
    http_metrics: HttpMetrics | None = None,
    intake_transport: httpx.AsyncBaseTransport | None = None,
) -> Service:
    """Return the service, ready to run. spec: as `spec(settings)` gave it.

    http_metrics: the process's own where it hosts several services. intake_transport: how calls to
    intake travel, instead of the network. Raises BadReference, Busy.
    """
    connections = Connections(
        store, clock, settings.tenants, refresh_seconds=settings.connections_refresh_seconds
    )
    await connections.refresh()
    book = {
        code: replace(rules, connected=connections.of(code))
        for code, rules in load_book(settings).items()
    }
    # the handlers as spec has them, but with the units that are connected now
    spec = replace(spec, handlers=table(book))
    runtime = Runtime(spec, store=store, bus=bus, clock=clock)
    metrics = Metrics(registry)
    desk = Desk(cases=runtime.cases, clock=clock, rules=book, metrics=metrics)
    shelf = EvidenceShelf(desk)
    authenticator = Authenticator(clock, find=offices.finder(store), static=settings.static_keys)

    async def facts() -> Mapping[str, Any]:
        return await facts_of(store, tuple(book), metrics)

    async def levels() -> None:
        await tell_conflicts(store, tuple(book), metrics)

    app = new_app(
        "Aduan: routing",
        service="routing",
        description="Which office has a case, what may happen next, and what was answered.",
        http_metrics=http_metrics or HttpMetrics(registry),
        authenticator=authenticator,
        live=runtime.progressing,
        ready=runtime.ready,
        registry=registry,
        body_limits=(
            ("/v1/evidence", BYTES_LIMIT + _MULTIPART_ROOM),
            (ANSWER_SUFFIX, pages.BODY_BYTES),
        ),
    )
    app.include_router(http.router(desk))
    app.include_router(offices.router(desk, authenticator))
    app.include_router(connections_http.router(desk, connections))
    app.include_router(evidence_http.router(shelf))
    app.include_router(ops_router(runtime, facts))
    sessions = Sessions(
        Signer(settings.cookie_bytes(), use="routing-meja"),
        clock,
        authenticator,
        finder_with(settings.static_keys, offices.finder(store)),
        secure=settings.secure_cookies,
    )
    workbench = Workbench(desk, shelf, store, waiting_shown_seconds=settings.waiting_shown_seconds)
    app.include_router(pages.router(Pages(workbench, sessions, environment("aduan_routing"))))

    log = unit_log(settings, bus, clock)
    teller = Teller(
        cases=runtime.cases,
        clock=clock,
        log=log,
        connections=connections,
        metrics=metrics,
        tick_seconds=settings.tick_seconds,
        partitions=runtime.consumer.partitions,
    )
    workers: dict[str, Worker] = {"units": teller.run}
    closing = AsyncExitStack()
    closing.push_async_callback(log.close)
    if settings.intake_url is not None and settings.intake_content_key is not None:
        intake = IntakeOverHttp(
            settings.intake_url,
            settings.intake_content_key.get_secret_value(),
            timeout_seconds=settings.call_timeout_seconds,
            transport=intake_transport,
        )
        fetcher = Fetcher(
            cases=runtime.cases,
            clock=clock,
            intake=intake,
            rules=book,
            metrics=metrics,
            tick_seconds=settings.tick_seconds,
            partitions=runtime.consumer.partitions,
        )
        workers["content"] = fetcher.run
        closing.push_async_callback(intake.close)
    return Service(runtime, app, workers=workers, status=facts, close=closing.aclose, levels=levels)
