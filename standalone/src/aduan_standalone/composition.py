"""The settings of the five services when they run together, and how they are built."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from prometheus_client import CollectorRegistry

import aduan_intake.settings
import aduan_notify.settings
import aduan_routing.settings
import aduan_sla.settings
import aduan_sync_laporgub.settings
from aduan.clock import Clock
from aduan.contracts.values import CANARY_TENANT
from aduan.engine import open_bus, open_store
from aduan.observability.process import HostMetrics
from aduan.service import Service
from aduan.settings import ServiceSettings
from aduan.storage.watched import watched
from aduan.web.edge import HttpMetrics
from aduan.web.keys import KeyRecord, Scope, make_key
from aduan_standalone.canary.keys import CanaryKeys
from aduan_standalone.folder import Keys, operator_record
from aduan_standalone.partners import TOKEN, Partners
from aduan_standalone.services import BOOTSTRAPS

FAST_TICK_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Plan:
    """What the settings follow from. partners: None where no simulator runs. canary: None without."""

    data: Path
    url: str
    reference: Path
    keys: Keys
    tenant: str
    fast: bool
    partners: Partners | None
    canary: CanaryKeys | None = None


def settings_of(plan: Plan) -> dict[str, ServiceSettings]:
    """Return each service's settings. Tokens between services are made anew at each start."""
    keys, tenant = plan.keys, plan.tenant
    known = plan.canary.records if plan.canary is not None else {}
    operator = operator_record(keys, tenant)
    contacts, contacts_key = _token(tenant, "contacts:resolve")
    content, content_key = _token(tenant, "content:read")
    portal, portal_key = _token(tenant, "complaints:write", portal="laporgub")
    common: dict[str, Any] = {
        "bus": _sqlite(plan.data / "log.db"),
        "reference_dir": plan.reference,
        "tenants": (tenant, *_canary_tenant(plan)),
    }

    def given(name: str, *more: KeyRecord) -> dict[str, Any]:
        return {
            **common,
            "store": _sqlite(plan.data / f"{name}.db"),
            "static_keys": (operator, *more, *known.get(name, ())),
        }

    partners = plan.partners
    tick: dict[str, Any] = {"tick_seconds": FAST_TICK_SECONDS} if plan.fast else {}
    mirrored: dict[str, Any] = {}
    mail: dict[str, Any] = {"smtp_host": "127.0.0.1", "smtp_port": 25}
    if partners is not None:
        mirrored = {
            "laporgub_url": partners.laporgub_url,
            "laporgub_token": TOKEN,
            "laporgub_poll_seconds": 0.5,
            "sp4n_url": partners.sp4n_url,
            "sp4n_bearer": TOKEN,
            "sp4n_token": TOKEN,
            "sp4n_recheck_seconds": 0.5,
            "doubt_seconds": 2.0,
            "call_timeout_seconds": 2.0,
            "tick_seconds": FAST_TICK_SECONDS,
        }
        mail |= {
            "smtp_port": partners.smtp_port,
            "outbox_open": True,
            "smtp_timeout_seconds": 1.0,
            "lease_seconds": 5.0,
        }
    pages: dict[str, Any] = {"secure_cookies": False}
    intake: dict[str, Any] = {"vault_key": keys.vault}
    routing: dict[str, Any] = {
        "intake_url": plan.url,
        "intake_content_key": content,
        "seal_key": keys.routing,
        "cookie_key": keys.cookie,
    }
    sync: dict[str, Any] = {
        "intake_url": plan.url,
        "intake_portal_key": portal,
        "intake_content_key": content,
        "seal_key": keys.sync,
    }
    notify: dict[str, Any] = {
        "public_url": plan.url,
        "intake_url": plan.url,
        "intake_token": contacts,
    }
    own_keys = (contacts_key, content_key, portal_key)
    return {
        "intake": aduan_intake.settings.Settings(**given("intake", *own_keys), **intake, **pages),
        "routing": aduan_routing.settings.Settings(**given("routing"), **routing, **pages),
        "sla": aduan_sla.settings.Settings(
            **given("sla"), **tick, statistics_file=(plan.data / "statistics.db").resolve()
        ),
        "sync-laporgub": aduan_sync_laporgub.settings.Settings(
            **given("sync-laporgub"), **mirrored, **sync
        ),
        "notify": aduan_notify.settings.Settings(**given("notify"), **mail, **notify, **pages),
    }


def _canary_tenant(plan: Plan) -> tuple[str, ...]:
    """Return the canary's tenant where its data is, also where no canary flies.

    The last one of an earlier start may still be on its way: without its tenant it would become a
    dead letter.
    """
    there = (plan.reference / "tenants" / CANARY_TENANT).is_dir()
    return (CANARY_TENANT,) if there or plan.canary is not None else ()


def _sqlite(path: Path) -> str:
    return f"sqlite:///{path.resolve()}"


def _token(tenant: str, scope: Scope, portal: str | None = None) -> tuple[str, KeyRecord]:
    return make_key(tenant=tenant, scopes=(scope,), portal=portal)


async def build(
    plan: Plan,
    clock: Clock,
    registry: CollectorRegistry,
    metrics: HttpMetrics,
    stack: AsyncExitStack,
    *,
    host: HostMetrics,
) -> Mapping[str, Service]:
    """Open the engines on `stack` and build the five services. Raises AduanError, one sentence."""
    bus = await stack.enter_async_context(open_bus(_sqlite(plan.data / "log.db"), clock))
    services: dict[str, Service] = {}
    for name, settings in settings_of(plan).items():
        module = BOOTSTRAPS[name]
        spec = module.spec(settings)
        store = await stack.enter_async_context(
            open_store(
                settings.store, spec.all_collections, clock,
                watched=partial(watched, service=name, metrics=host.store),
            )
        )  # fmt: skip
        services[name] = await module.build(
            settings,
            spec=spec,
            store=store,
            bus=bus,
            clock=clock,
            registry=registry,
            http_metrics=metrics,
        )
    return services
