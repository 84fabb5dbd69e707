"""Who no longer sees a case that turns out to be about oversight, and what stands first on a desk."""

from datetime import timedelta
from pathlib import Path

import pytest
from aduan_routing_world import CaseEvents, routing_in

from aduan.contracts.events import SlaScheduled
from aduan.contracts.values import ClockView, Nearest

pytestmark = pytest.mark.asyncio


async def test_an_office_loses_sight_of_a_case_that_is_marked_as_oversight(tmp_path: Path) -> None:
    """It may be about that very office: from then on only the inspectorate's key finds it."""
    async with routing_in(tmp_path) as routing:
        case = CaseEvents("accused")
        await routing.hears(case.created())
        marked = {"class": "pengaduan_berkadar_pengawasan"}
        await routing.done(case, "reclassify", "coordinator", marked)
        seen = await routing.call("GET", f"/v1/cases/{case.id}", "DPU")
        listed = await routing.call("GET", "/v1/cases", "DPU")
        acted = await routing.act(case, "accept", "DPU")
        await routing.done(case, "assign", "coordinator", {"opd": "INSPEKTORAT"})
        body = await routing.body(case)

    assert (seen.status_code, acted.status_code, listed.json()["items"]) == (404, 404, [])
    assert (body["opd"], body["withheld"]) == ("INSPEKTORAT", False)


async def test_an_overdue_case_stands_before_those_whose_deadline_lies_ahead(
    tmp_path: Path,
) -> None:
    """sla's nearest deadline leaves a missed one out; the desk must not."""
    async with routing_in(tmp_path) as routing:
        cases = [CaseEvents("ahead", 1), CaseEvents("missed", 2)]
        for case, late in zip(cases, (False, True), strict=True):
            await routing.hears(case.created())
            now = routing.later(hours=0)
            clock = ClockView(
                name="handle",
                instance=1,
                policy="semarang-handle",
                policy_version="1",
                scope="33.74",
                unit="hours",
                state="breached" if late else "running",
                started_at=now - timedelta(days=4),
                due_at=now - timedelta(days=1) if late else now + timedelta(days=1),
            )
            far = now + timedelta(days=9 if late else 1)
            nearest = Nearest(name="complete", due_at=far)
            await routing.hears(
                case.write(SlaScheduled(clocks=(clock,), nearest=nearest, cause="test"))
            )
        listed = (await routing.call("GET", "/v1/cases", "DPU")).json()["items"]

    assert [item["id"] for item in listed] == [cases[1].id, cases[0].id]


async def test_a_coordinator_closes_what_the_reporter_calls_settled(tmp_path: Path) -> None:
    """Only an answered case, with a reason that the citizen reads."""
    async with routing_in(tmp_path) as routing:
        case = CaseEvents("counter")
        await routing.hears(case.created())
        reason = {"reason": "Pelapor menyatakan selesai lewat telepon."}
        early = await routing.act(case, "close", "coordinator", reason)
        proof = await routing.proof(case)
        await routing.done(case, "answer", "DPU", {"text": "Sudah ditambal.", "evidence": [proof]})
        closed = await routing.done(case, "close", "coordinator", reason)

    assert early.status_code == 409
    assert (closed["state"], closed["entries"][-1]["citizen_text"]) == (
        "closed",
        f"Laporan Bapak/Ibu kami nyatakan selesai. Alasan: {reason['reason']}",
    )
