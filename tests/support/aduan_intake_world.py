"""intake alone on the embedded engine, spoken to over HTTP."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from aduan_harness import World
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from aduan.service import Service
from aduan.web.keys import SCOPES, KeyRecord, make_key
from aduan_intake.bootstrap import build, spec
from aduan_intake.settings import Settings

REFERENCE = Path(__file__).parents[2] / "reference"
VAULT_KEY = base64.b64encode(b"v" * 32).decode()


class Intake:
    """A running intake, with a portal's key and an operator's."""

    def __init__(self, service: Service, http: httpx.AsyncClient, portal: str, admin: str) -> None:
        self.service = service
        self.http = http
        self.portal_key = portal
        self.admin_key = admin

    async def post(self, body: dict[str, Any], **headers: str) -> httpx.Response:
        """Post a complaint as the portal."""
        given = {"Authorization": f"Bearer {self.portal_key}", **headers}
        return await self.http.post("/v1/complaints", json=body, headers=given)

    async def documents(self) -> int:
        """How many complaints are stored, tests among them."""
        return await self.service.runtime.store.total(self.service.runtime.spec.collections[0])


def a_complaint(**changes: Any) -> dict[str, Any]:
    """A body that is accepted."""
    return {
        "external_id": "ext-1",
        "text": "Lampu jalan di depan balai RW padam sejak tiga malam.",
        "anonymous": False,
        "confidential": False,
        **changes,
    }


@asynccontextmanager
async def intake_in(
    world: World, *, others: tuple[KeyRecord, ...] = (), **settings: Any
) -> AsyncIterator[Intake]:
    """Build and run intake in a world. others: further keys; settings: what differs from the usual."""
    portal_text, portal = make_key(
        tenant="33.74", scopes=("complaints:write", "complaints:read"), portal="web"
    )
    admin_text, admin = make_key(tenant="33.74", scopes=sorted(SCOPES))  # type: ignore[arg-type]  # all of the closed set
    keys: tuple[KeyRecord, ...] = (portal, admin, *others)
    given = Settings(
        store="sqlite:///unused",
        bus="sqlite:///unused",
        vault_key=SecretStr(VAULT_KEY),
        reference_dir=REFERENCE,
        static_keys=keys,
        **settings,
    )
    what = spec(given)
    service = await build(
        given,
        spec=what,
        store=world.store(what),
        bus=world.bus,
        clock=world.clock,
        registry=CollectorRegistry(),
    )
    transport = httpx.ASGITransport(service.app)
    async with (
        httpx.AsyncClient(transport=transport, base_url="http://intake") as http,
        world.running(service),
    ):
        yield Intake(service, http, portal_text, admin_text)
