"""The one composition root of sync-laporgub."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import httpx
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from aduan.clock import Clock
from aduan.contracts.values import CANARY_TENANT
from aduan.messaging.port import Bus
from aduan.privacy.seal import Sealer
from aduan.service import Runtime, Service, ServiceSpec, Worker
from aduan.storage.port import Store
from aduan.web.app import new_app
from aduan.web.edge import HttpMetrics
from aduan.web.keys import Authenticator
from aduan.web.ops import router as ops_router
from aduan_sync_laporgub.adapters.echo import Echo
from aduan_sync_laporgub.adapters.intake import IntakeOverHttp
from aduan_sync_laporgub.adapters.laporgub import LaporGub
from aduan_sync_laporgub.adapters.reference import load_partners
from aduan_sync_laporgub.adapters.sp4n import Sp4n
from aduan_sync_laporgub.breaker import Breaker
from aduan_sync_laporgub.domain.collection import CASES
from aduan_sync_laporgub.domain.partners import Partners
from aduan_sync_laporgub.domain.systems import ECHO, MirrorSystem
from aduan_sync_laporgub.entrypoints.calling import Caller, Timing
from aduan_sync_laporgub.entrypoints.feeds import FeedReader
from aduan_sync_laporgub.entrypoints.http import router
from aduan_sync_laporgub.entrypoints.lateness import Lateness
from aduan_sync_laporgub.entrypoints.pulling import Puller
from aduan_sync_laporgub.entrypoints.rounds import Rounds
from aduan_sync_laporgub.entrypoints.status import facts_of, tell_levels
from aduan_sync_laporgub.handlers import table
from aduan_sync_laporgub.metrics import Metrics
from aduan_sync_laporgub.ports import Intake, Partner
from aduan_sync_laporgub.settings import Settings, key_bytes
from aduan_sync_laporgub.shelves import CURSORS, PARKED, Shelves

# A job makes at most three calls one after the other: look, content, call.
CALLS_PER_JOB: Final = 3
LEASE_MARGIN_SECONDS: Final = 2.0

Transports = Mapping[str, httpx.AsyncBaseTransport]
"""For tests: "laporgub", "sp4n", "intake" -> how its calls travel, instead of the network."""

COLLECTIONS: Final = (CASES, CURSORS, PARKED)


@dataclass(frozen=True, slots=True)
class _Parts:
    settings: Settings
    runtime: Runtime
    clock: Clock
    metrics: Metrics
    partners: Partners
    intake: Intake
    sealer: Sealer | None


def connected(settings: Settings) -> tuple[MirrorSystem, ...]:
    """Return the partners that have an address, and the echo where canaries are taken."""
    addresses: tuple[tuple[MirrorSystem, str | None], ...] = (
        ("laporgub", settings.laporgub_url),
        ("sp4n", settings.sp4n_url),
    )
    echo = (ECHO,) if CANARY_TENANT in settings.tenants else ()
    return (*(system for system, address in addresses if address), *echo)


def load(settings: Settings) -> Partners:
    """Return the vocabularies of the connected partners. Raises WordsUnreadable."""
    return load_partners(settings.reference_dir, settings.tenants, connected(settings))


def spec(settings: Settings) -> ServiceSpec:
    """Return what sync-laporgub is before anything runs. Raises WordsUnreadable."""
    return ServiceSpec(
        name="sync-laporgub",
        collections=COLLECTIONS,
        handlers=table(load(settings)),
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
    transports: Transports | None = None,
) -> Service:
    """Return the service, ready to run. spec: as `spec(settings)` gave it.

    http_metrics: the process's own where it hosts several services. Raises WordsUnreadable.
    """
    runtime = Runtime(spec, store=store, bus=bus, clock=clock)
    travel = transports or {}
    intake = IntakeOverHttp(
        settings.intake_url or "http://127.0.0.1",
        _open(settings.intake_portal_key) or "",
        _open(settings.intake_content_key),
        timeout_seconds=settings.call_timeout_seconds,
        transport=travel.get("intake"),
    )
    key = _open(settings.seal_key)
    parts = _Parts(
        settings=settings,
        runtime=runtime,
        clock=clock,
        metrics=Metrics(registry),
        partners=load(settings),
        intake=intake,
        sealer=Sealer(key_bytes(key)) if key is not None else None,
    )

    async def facts() -> Mapping[str, Any]:
        return await facts_of(store, settings.tenants)

    lateness = Lateness(store, clock)

    async def levels() -> None:
        await tell_levels(store, settings.tenants, lateness, parts.metrics)

    app = new_app(
        "Aduan: sync-laporgub",
        service="sync-laporgub",
        description="Mirrors cases with LaporGub and SP4N-LAPOR!, both ways.",
        http_metrics=http_metrics or HttpMetrics(registry),
        authenticator=Authenticator(clock, static=settings.static_keys),
        live=runtime.progressing,
        ready=runtime.ready,
        registry=registry,
    )
    app.include_router(router(runtime.cases, store, parts.sealer))
    app.include_router(ops_router(runtime, facts))

    workers: dict[str, Worker] = {}
    opened: list[Partner | Intake] = [intake]
    if settings.laporgub_url is not None:
        laporgub = LaporGub(
            settings.laporgub_url,
            _open(settings.laporgub_token) or "",
            parts.partners.words["laporgub"],
            timeout_seconds=settings.call_timeout_seconds,
            transport=travel.get("laporgub"),
        )
        opened.append(laporgub)
        workers |= _laporgub_workers(parts, laporgub)
    if settings.sp4n_url is not None:
        sp4n = Sp4n(
            settings.sp4n_url,
            _open(settings.sp4n_bearer) or "",
            _open(settings.sp4n_token) or "",
            parts.partners.words["sp4n"],
            timeout_seconds=settings.call_timeout_seconds,
            transport=travel.get("sp4n"),
        )
        opened.append(sp4n)
        recheck = timedelta(seconds=settings.sp4n_recheck_seconds)
        workers["sp4n"] = _rounds(parts, sp4n, Breaker(clock), recheck).run
    if ECHO in parts.partners.words:
        workers[ECHO] = _rounds(parts, Echo(), Breaker(clock), None).run

    async def close() -> None:
        for thing in opened:
            await thing.close()

    return Service(runtime, app, workers=workers, status=facts, close=close, levels=levels)


def _laporgub_workers(parts: _Parts, partner: LaporGub) -> dict[str, Worker]:
    breaker = Breaker(parts.clock)
    workers: dict[str, Worker] = {"laporgub": _rounds(parts, partner, breaker, None).run}
    words = parts.partners.words[partner.system]
    for tenant in sorted(set(parts.settings.tenants) & words.tenants.keys()):
        reader = FeedReader(
            tenant=tenant,
            system=partner.system,
            feed=partner,
            words=words,
            cases=parts.runtime.cases,
            shelves=Shelves(parts.runtime.store),
            intake=parts.intake,
            clock=parts.clock,
            breaker=breaker,
            metrics=parts.metrics,
            poll_seconds=parts.settings.laporgub_poll_seconds,
            partitions=parts.runtime.consumer.partitions,
        )
        workers[f"laporgub.changes.{tenant}"] = reader.watch_changes
        workers[f"laporgub.inbound.{tenant}"] = reader.watch_inbound
    return workers


def _rounds(parts: _Parts, partner: Partner, breaker: Breaker, recheck: timedelta | None) -> Rounds:
    longest = CALLS_PER_JOB * parts.settings.call_timeout_seconds + LEASE_MARGIN_SECONDS
    doubt = parts.settings.doubt_seconds
    timing = Timing(
        lease=timedelta(seconds=max(longest, doubt)),
        doubt=timedelta(seconds=doubt),
        recheck=recheck,
    )
    words = parts.partners.words[partner.system]
    assert parts.sealer is not None, "settings refuse a partner without a seal key"
    caller = Caller(
        partner=partner,
        words=words,
        cases=parts.runtime.cases,
        intake=parts.intake,
        clock=parts.clock,
        breaker=breaker,
        metrics=parts.metrics,
        timing=timing,
    )
    puller = Puller(
        partner=partner,
        words=words,
        cases=parts.runtime.cases,
        clock=parts.clock,
        breaker=breaker,
        metrics=parts.metrics,
        timing=timing,
        seal=parts.sealer.seal_text,
    )
    return Rounds(
        caller=caller,
        puller=puller,
        cases=parts.runtime.cases,
        clock=parts.clock,
        breaker=breaker,
        metrics=parts.metrics,
        tick_seconds=parts.settings.tick_seconds,
        partitions=parts.runtime.consumer.partitions,
    )


def _open(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret is not None else None
