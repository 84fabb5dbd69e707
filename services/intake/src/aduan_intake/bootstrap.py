"""The one composition root of intake."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
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
from aduan_intake.adapters.form_pace import FormPace
from aduan_intake.adapters.reference import Tenant, load_tenant
from aduan_intake.domain.complaint import ATTACHMENTS, COMPLAINTS, KEYS, PORTALS
from aduan_intake.domain.images import BYTES_LIMIT
from aduan_intake.entrypoints import (
    http,
    internal,
    pages,
    portals_http,
    reply_page,
    report_page,
)
from aduan_intake.entrypoints.create import PATH, creator
from aduan_intake.entrypoints.forms import FORM_LIMIT
from aduan_intake.entrypoints.hot import HotPath
from aduan_intake.handlers import table
from aduan_intake.metrics import Metrics
from aduan_intake.portals import Portals
from aduan_intake.ports import Desk
from aduan_intake.settings import Settings
from aduan_intake.vault import Vault

_MULTIPART_ROOM: Final = 64 * 1024
_PICTURES_AT_A_TIME: Final = 2
COLLECTIONS: Final = (COMPLAINTS, PORTALS, KEYS, ATTACHMENTS)


def tenants_of(settings: Settings) -> dict[str, Tenant]:
    """Return what is known of each tenant. Raises BadReference."""
    return {code: load_tenant(settings.reference_dir, code) for code in settings.tenants}


def spec(settings: Settings) -> ServiceSpec:
    """Return what intake is before anything runs. Raises BadReference."""
    names: dict[str, str] = {}
    for tenant in tenants_of(settings).values():
        names.update(tenant.offices)
    return ServiceSpec(
        name="intake",
        collections=COLLECTIONS,
        handlers=table(names),
        opener=None,
        buffers=True,
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
) -> Service:
    """Return the service, ready to run. spec: as `spec(settings)` gave it.

    http_metrics: the process's own where it hosts several services. Raises BadReference.
    """
    tenants = tenants_of(settings)
    runtime = Runtime(spec, store=store, bus=bus, clock=clock, max_pending=settings.max_pending)
    builtin = {
        (code, name): portal
        for code, tenant in tenants.items()
        for name, portal in tenant.portals.items()
    }
    portals = Portals(store, clock, builtin)
    authenticator = Authenticator(
        clock, find=portals.find_key, static=settings.static_keys, tenants=tenants.keys()
    )
    desk = Desk(
        cases=runtime.cases,
        store=store,
        clock=clock,
        vault=Vault(settings.vault_bytes()),
        tenants=tenants,
        portals=portals,
        metrics=Metrics(registry),
        decoding=asyncio.Semaphore(_PICTURES_AT_A_TIME),
    )
    facts = _facts(store, counted(tenants))
    requests = http_metrics or HttpMetrics(registry)
    app = new_app(
        "Aduan: intake",
        service="intake",
        description="Takes complaints and shows how they go on.",
        http_metrics=requests,
        authenticator=authenticator,
        live=runtime.progressing,
        ready=runtime.ready,
        registry=registry,
        body_limits=(
            ("/attachments", BYTES_LIMIT + _MULTIPART_ROOM),
            (report_page.PATH, FORM_LIMIT),
            (reply_page.REPLY, FORM_LIMIT),
        ),
    )
    create = creator(desk, authenticator)
    app.include_router(http.router(desk, authenticator, create))
    app.shortcut(partial(HotPath, create=create))
    requests.may_fail("intake", "POST", PATH)
    app.include_router(portals_http.router(desk, authenticator))
    app.include_router(internal.router(desk))
    app.include_router(ops_router(runtime, facts))
    front = tenants[counted(settings.tenants)[0]]
    pages.install(app, desk, front, FormPace(settings.form_posts_per_hour))
    return Service(runtime, app, status=facts)


def _facts(store: Store, tenants: tuple[str, ...]) -> Callable[[], Awaitable[Mapping[str, Any]]]:
    async def facts() -> Mapping[str, Any]:
        counts = [await store.count(COMPLAINTS, "received", equal=(code,)) for code in tenants]
        return {"received": sum(counts)}

    return facts
