"""The page at `/` of a single process: what runs here."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from aduan_harness import World
from aduan_http import client_of
from aduan_intake_world import a_complaint, intake_in
from aduan_pages import Page
from prometheus_client import CollectorRegistry

from aduan.clock import ManualClock
from aduan.levels import Levels
from aduan.observability.process import HostMetrics
from aduan.web.edge import HttpMetrics
from aduan_standalone.landing import app_of


@pytest.mark.parametrize("simulators", [True, False])
async def test_the_first_page_says_what_runs_and_leads_everywhere(
    tmp_path: Path, simulators: bool
) -> None:
    """The live numbers of a service, its documentation, the pages, and whether people are real."""
    world = World(tmp_path, ManualClock(datetime(2026, 12, 1, 2, tzinfo=UTC)))
    registry = CollectorRegistry()
    async with intake_in(world) as intake:
        await intake.post(a_complaint())
        services = {"intake": intake.service}
        host = HostMetrics(registry, "standalone", ("intake",), version="0")
        levels = Levels(host, services, world.clock)
        own = app_of(
            services, registry, HttpMetrics(registry), simulators=simulators, levels=levels
        )
        async with client_of(own) as client:
            answer = await client.get("/")
    world.close()
    page = Page(answer.text)

    assert answer.status_code == 200
    assert "Laporan diterima 1 " in page.said
    assert ("Mode peragaan" in page.said) is simulators
    assert {
        "/lapor",
        "/lacak",
        "/meja",
        "/notify/outbox",
        "/intake/docs",
        "/metrics",
    } <= set(page.values_of("a", "href"))
