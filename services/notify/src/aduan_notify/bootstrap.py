"""The one composition root of notify."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any, Final

import httpx
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
from aduan.web.pages import environment
from aduan_notify.adapters.contacts import IntakeContacts
from aduan_notify.adapters.directory import Directory, load_directory
from aduan_notify.adapters.echo import EchoMailer
from aduan_notify.adapters.smtp import Account, SmtpMailer
from aduan_notify.domain.case import CASES
from aduan_notify.domain.subscription import SUBSCRIPTIONS
from aduan_notify.entrypoints import http, outbox, subscriptions
from aduan_notify.entrypoints.pace import Pace
from aduan_notify.entrypoints.postman import Postman
from aduan_notify.entrypoints.recipients import Recipients
from aduan_notify.entrypoints.status import facts_of
from aduan_notify.handlers import table
from aduan_notify.metrics import Metrics
from aduan_notify.owing import Rules
from aduan_notify.settings import Settings

COLLECTIONS: Final = (CASES, SUBSCRIPTIONS)


def load_directories(settings: Settings) -> Mapping[str, Directory]:
    """Return what reference data says of every tenant. Raises BadReference, one sentence."""
    return {tenant: load_directory(settings.reference_dir, tenant) for tenant in settings.tenants}


def spec(settings: Settings) -> ServiceSpec:
    """Return what notify is before anything runs. Raises BadReference."""
    directories = load_directories(settings)
    rules = Rules(
        oversight_units={tenant: one.oversight_unit for tenant, one in directories.items()},
        history_before=settings.history_before,
    )
    return ServiceSpec(name="notify", collections=COLLECTIONS, handlers=table(rules))


async def build(
    settings: Settings,
    *,
    spec: ServiceSpec,
    store: Store,
    bus: Bus,
    clock: Clock,
    registry: CollectorRegistry,
    http_metrics: HttpMetrics | None = None,
    intake: httpx.AsyncBaseTransport | None = None,
) -> Service:
    """Return the service, ready to run. spec: as `spec(settings)` gave it.

    http_metrics: the process's own where it hosts several services. intake: how to reach intake,
    where it is not by the network. Raises BadReference.
    """
    directories = load_directories(settings)
    runtime = Runtime(spec, store=store, bus=bus, clock=clock)
    tenants = counted(settings.tenants)
    metrics = Metrics(registry, tenants)
    mailer = SmtpMailer(_account(settings), wall=clock.wall, monotonic=clock.monotonic)
    client = httpx.AsyncClient(
        base_url=settings.intake_url,
        headers={"Authorization": f"Bearer {settings.intake_token.get_secret_value()}"},
        timeout=settings.smtp_timeout_seconds,
        transport=intake,
    )
    postman = Postman(
        cases=runtime.cases,
        clock=clock,
        directories=directories,
        recipients=Recipients(IntakeContacts(client), store, directories),
        mailer=mailer,
        metrics=metrics,
        pace=_pace(settings),
        public_url=settings.public_url,
        partitions=runtime.consumer.partitions,
        echo=EchoMailer(),
    )
    facts = _facts(runtime, settings.tenants)
    authenticator = Authenticator(clock, static=settings.static_keys)
    app = new_app(
        "Aduan: notify",
        service="notify",
        description="Who was told what about a complaint, and who was not and why.",
        http_metrics=http_metrics or HttpMetrics(registry),
        authenticator=authenticator,
        live=runtime.progressing,
        ready=runtime.ready,
        registry=registry,
    )
    app.include_router(http.router(runtime.cases))
    app.include_router(subscriptions.router(store, directories))
    app.include_router(ops_router(runtime, facts))
    app.include_router(
        outbox.router(
            outbox.Outbox(
                cases=runtime.cases,
                clock=clock,
                authenticator=authenticator,
                directories=directories,
                pages=environment("aduan_notify"),
                counts=facts,
                public_url=settings.public_url,
                secure_cookies=settings.secure_cookies,
                open_to=tenants[0] if settings.outbox_open else None,
            )
        )
    )

    async def levels() -> None:
        for tenant in tenants:
            waiting = await store.count(CASES, "pending_n", equal=(tenant,))
            metrics.pending.set(waiting, tenant=tenant)

    async def close() -> None:
        await mailer.close()
        await client.aclose()

    return Service(
        runtime, app, workers={"postman": postman.run}, status=facts, close=close, levels=levels
    )


def _account(settings: Settings) -> Account:
    password = settings.smtp_password
    return Account(
        host=settings.smtp_host,
        port=settings.smtp_port,
        timeout_seconds=settings.smtp_timeout_seconds,
        tls=settings.smtp_tls,
        start_tls=settings.smtp_start_tls,
        user=settings.smtp_user,
        password=password.get_secret_value() if password is not None else None,
    )


def _pace(settings: Settings) -> Pace:
    return Pace(
        poll=timedelta(seconds=settings.poll_seconds),
        lease=timedelta(seconds=settings.lease_seconds),
        retry_first=timedelta(seconds=settings.retry_first_seconds),
        retry_longest=timedelta(seconds=settings.retry_longest_seconds),
        give_up_after=timedelta(hours=settings.give_up_after_hours),
        concurrency=settings.concurrency,
    )


def _facts(
    runtime: Runtime, tenants: tuple[str, ...]
) -> Callable[[], Awaitable[Mapping[str, Any]]]:
    async def facts() -> Mapping[str, Any]:
        return await facts_of(runtime.store, tenants)

    return facts
