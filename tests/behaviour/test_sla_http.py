"""What desks and systems may ask sla, and what they are refused."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from aduan_http import client_of
from aduan_sla_world import CaseEvents, Sla

MONDAY = "2026-03-02 09:00"


class Desk:
    """sla with three cases, and a client per key."""

    def __init__(self, sla: Sla, cases: dict[str, CaseEvents]) -> None:
        self.sla = sla
        self.cases = cases
        self.clients: dict[str, httpx.AsyncClient] = {}

    async def get(self, who: str, path: str, **query: Any) -> httpx.Response:
        """Ask with the key of `who`."""
        return await self.clients[who].get(path, params=query)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """Three cases: one in triage, one with DPU, one with DISHUB and answered."""
    sla = Sla(tmp_path, MONDAY)
    keys = {
        "city": sla.key("clocks:read", "policies:read", "ops:read"),
        "dpu": sla.key("clocks:read", opd="DPU"),
        "other": sla.key("clocks:read", "policies:read", tenant="35.73"),
        "portal": sla.key("complaints:write"),
    }
    await sla.build()
    cases = {name: CaseEvents(name, MONDAY) for name in ("triage", "dpu", "dishub")}
    await sla.hears(*(case.created() for case in cases.values()))
    await sla.hears(
        cases["triage"].progressed("2026-03-02 09:10", "triage", opd=None),
        cases["dpu"].assigned("2026-03-02 10:00", "DPU"),
        cases["dishub"].assigned("2026-03-02 10:00", "DISHUB"),
        cases["dishub"].progressed("2026-03-02 11:00", "answered"),
    )
    found = Desk(sla, cases)
    assert sla.service is not None
    async with AsyncExitStack() as stack:
        for name, key in keys.items():
            client = client_of(sla.service.app, authorization=f"Bearer {key}")
            found.clients[name] = await stack.enter_async_context(client)
        found.clients["nobody"] = await stack.enter_async_context(client_of(sla.service.app))
        yield found
    sla.world.close()


async def test_a_case_shows_all_its_clocks_by_id_and_by_ticket(desk: Desk) -> None:
    """Both names give the same answer, with the nearest due date."""
    case = desk.cases["dpu"]
    by_id = await desk.get("city", f"/v1/clocks/{case.id}")
    by_ticket = await desk.get("city", f"/v1/clocks/{case.ticket.lower()}")

    assert 200 == by_id.status_code
    assert by_id.json() == by_ticket.json()
    assert "assigned" == by_id.json()["state"]
    assert "handle" == by_id.json()["nearest"]["name"]
    assert 5 == len(by_id.json()["clocks"])


async def test_what_was_told_stands_beside_the_clocks(desk: Desk) -> None:
    """A breach is shown with its level and whether it was corrected."""
    await desk.sla.at("2026-03-05 10:00")
    answer = await desk.get("city", f"/v1/clocks/{desk.cases['dpu'].id}")

    told = [one for one in answer.json()["notices"] if one["clock"] == "handle"]
    assert [("breach", 0, False)] == [(o["kind"], o["level"], o["corrected"]) for o in told]


async def test_a_listing_goes_by_the_nearest_due_date(desk: Desk) -> None:
    """All cases of the tenant, page by page, none twice and none left out."""
    seen: list[str] = []
    cursor: str | None = None
    while True:
        query = {"limit": 1} | ({"cursor": cursor} if cursor else {})
        page = (await desk.get("city", "/v1/clocks", **query)).json()
        seen += [item["complaint_id"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break

    order = [desk.cases[name].id for name in ("triage", "dpu", "dishub")]
    assert order == seen


# query, the cases it finds
FILTERS: tuple[tuple[dict[str, str], list[str]], ...] = (
    ({"opd": "DPU"}, ["dpu"]),
    ({"state": "answered"}, ["dishub"]),
    ({"opd": "DISHUB", "state": "assigned"}, []),
    ({"due_before": "2026-03-04T00:00:00+07:00"}, ["triage"]),
    ({"due_before": "2026-03-06T00:00:00Z", "opd": "DPU"}, ["dpu"]),
    ({"state": "triage", "due_before": "2026-03-03T02:00:00Z"}, []),
)


@pytest.mark.parametrize(("query", "names"), FILTERS)
async def test_a_listing_can_be_narrowed(
    desk: Desk, query: dict[str, str], names: list[str]
) -> None:
    """By office, state and due date, alone and together."""
    page = (await desk.get("city", "/v1/clocks", **query)).json()

    assert [desk.cases[name].id for name in names] == [
        item["complaint_id"] for item in page["items"]
    ]


async def test_an_office_sees_its_own_cases_only(desk: Desk) -> None:
    """Listing, filter and single case: another unit's case is not there."""
    listed = (await desk.get("dpu", "/v1/clocks")).json()["items"]
    assert [desk.cases["dpu"].id] == [item["complaint_id"] for item in listed]

    asked = await desk.get("dpu", "/v1/clocks", opd="DISHUB")
    assert (403, "not_yours") == (asked.status_code, asked.json()["code"])
    single = await desk.get("dpu", f"/v1/clocks/{desk.cases['dishub'].id}")
    assert 404 == single.status_code


async def test_another_city_sees_nothing(desk: Desk) -> None:
    """A key of 35.73 finds no case and no policies of 33.74."""
    case = desk.cases["dpu"]

    assert [] == (await desk.get("other", "/v1/clocks")).json()["items"]
    assert 404 == (await desk.get("other", f"/v1/clocks/{case.id}")).status_code
    assert 404 == (await desk.get("other", f"/v1/clocks/{case.ticket}")).status_code
    assert 404 == (await desk.get("other", "/v1/policies")).status_code


async def test_policies_are_shown_with_their_source(desk: Desk) -> None:
    """Also those that no clock follows, and which calendar counts."""
    page = (await desk.get("city", "/v1/policies")).json()

    verify = next(row for row in page["items"] if row["id"] == "sp4n-verify")
    assert (3, "working_days", True, "H") == (
        verify["amount"],
        verify["unit"],
        verify["active"],
        verify["confidence"],
    )
    assert any(not row["active"] for row in page["items"])
    assert [0, 1, 2] == [step["level"] for step in page["escalations"]]
    assert {2026, 2027} <= set(page["joint_leave_years"])
    assert "holidays-" in page["calendar_version"]


# key, path, query, status, code, field
REFUSED: tuple[tuple[str, str, dict[str, str], int, str, str | None], ...] = (
    ("nobody", "/v1/clocks", {}, 401, "credentials_missing", None),
    ("portal", "/v1/clocks", {}, 403, "scope_missing", None),
    ("dpu", "/v1/policies", {}, 403, "scope_missing", None),
    ("city", "/v1/clocks/none", {}, 404, "not_found", None),
    ("city", "/v1/clocks", {"state": "lost"}, 422, "invalid", "state"),
    ("city", "/v1/clocks", {"due_before": "tomorrow"}, 422, "invalid", "due_before"),
    ("city", "/v1/clocks", {"due_before": "2026-03-04T00:00:00"}, 422, "invalid", "due_before"),
    ("city", "/v1/clocks", {"limit": "0"}, 422, "invalid", "limit"),
    ("city", "/v1/clocks", {"cursor": "bm90aGluZw"}, 400, "invalid_cursor", "cursor"),
)


@pytest.mark.parametrize(("who", "path", "query", "status", "code", "where"), REFUSED)
async def test_bad_requests_are_refused_by_name(
    desk: Desk,
    who: str,
    path: str,
    query: dict[str, str],
    status: int,
    code: str,
    where: str | None,
) -> None:
    """A problem with a stable code that names the field."""
    answer = await desk.get(who, path, **query)

    assert (status, code) == (answer.status_code, answer.json()["code"])
    if where is not None:
        assert where in [error["field"].split(".")[-1] for error in answer.json()["errors"]]


async def test_the_status_counts_without_a_scan(desk: Desk) -> None:
    """Clock sets, warned and breached cases, and the states they are in."""
    await desk.sla.at("2026-03-05 10:00")
    facts = (await desk.get("city", "/sla/ops/status")).json()["facts"]

    assert (3, 2) == (facts["clock_sets"], facts["breached"])
    assert {"triage": 1, "assigned": 1, "answered": 1} == facts["states"]
    assert 0 == facts["unsure"]
