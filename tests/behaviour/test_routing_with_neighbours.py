"""routing between the real intake and the real sla: what they tell each other fits."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from aduan_harness import World, eventually
from aduan_http import client_of
from aduan_intake_world import REFERENCE, a_complaint, intake_in
from aduan_routing_world import ROAD, SEAL_KEY, key_of, photo
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from aduan.clock import ManualClock
from aduan_routing.bootstrap import build as build_routing
from aduan_routing.bootstrap import spec as routing_spec
from aduan_routing.settings import Settings as RoutingSettings
from aduan_sla.bootstrap import build as build_sla
from aduan_sla.bootstrap import spec as sla_spec
from aduan_sla.settings import Settings as SlaSettings

pytestmark = pytest.mark.asyncio
START = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)


async def test_an_answered_complaint_closes_by_itself_and_the_citizen_sees_it(
    tmp_path: Path,
) -> None:
    """Posted at intake, assigned, answered over HTTP, closed by sla's timer, shown by intake."""
    clock = ManualClock(START)
    world = World(tmp_path, clock)
    office, record = key_of(("cases:read", "cases:act"), "DPU")
    settings = RoutingSettings(
        store="sqlite:////unused",
        bus="sqlite:////unused",
        reference_dir=REFERENCE,
        seal_key=SecretStr(SEAL_KEY),
        static_keys=(record,),
    )
    what = routing_spec(settings)
    routing = await build_routing(
        settings,
        spec=what,
        store=world.store(what),
        bus=world.bus,
        clock=clock,
        registry=CollectorRegistry(),
    )
    sla_settings = SlaSettings(
        store="sqlite:////unused",
        bus="sqlite:////unused",
        reference_dir=REFERENCE,
        tick_seconds=0.01,
    )
    clocks = sla_spec(sla_settings)
    sla = await build_sla(
        sla_settings,
        spec=clocks,
        store=world.store(clocks),
        bus=world.bus,
        clock=clock,
        registry=CollectorRegistry(),
    )
    async with (
        intake_in(world) as intake,
        world.running(routing, sla),
        client_of(routing.app, Authorization=f"Bearer {office}") as http,
    ):
        made = (await intake.post(a_complaint(text=ROAD))).json()
        path = f"/v1/cases/{made['ticket']}"

        async def state_is(wanted: str) -> None:
            async def reached() -> bool:
                found: httpx.Response = await http.get(path)
                return found.status_code == 200 and found.json()["state"] == wanted

            await eventually(reached, within=20)

        await state_is("assigned")
        await http.post(f"{path}/accept", json={})
        await http.post(f"{path}/start", json={})
        await world.settled()
        proof = await _proof(http, made["ticket"])
        done = await http.post(f"{path}/answer", json={"text": "Selesai.", "evidence": [proof]})
        assert done.status_code == 200, done.text
        await world.settled()
        clock.advance(timedelta(days=25))
        await state_is("closed")
        await world.settled()
        shown = (await intake.http.get(f"/v1/complaints/{made['ticket']}")).json()

        assert shown["state"] == "closed"
        assert "Selesai." in str(shown)
    world.close()


async def _proof(http: httpx.AsyncClient, ticket: str) -> str:
    files = {"file": ("a.png", photo(), "image/png")}
    answer = await http.post("/v1/evidence", data={"case": ticket}, files=files)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])
