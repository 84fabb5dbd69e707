"""The simulated SP4N-LAPOR! has the shapes and traps of generation 2, over HTTP."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from aduan_http import client_of

from aduan.clock import ManualClock
from aduan_simulators.sp4n import Behaviour, create_app

START = datetime(2026, 12, 1, 2, tzinfo=UTC)
HEADERS = {"Authorization": "Bearer b", "token": "t"}


@pytest.fixture
def clock() -> ManualClock:
    """A clock that the test moves."""
    return ManualClock(START)


@pytest.fixture
async def partner(tmp_path: Path, clock: ManualClock) -> AsyncIterator[httpx.AsyncClient]:
    """A client with both headers."""
    behaviour = Behaviour(
        process_after=timedelta(hours=1),
        answer_after=timedelta(hours=2),
        close_after=timedelta(hours=3),
    )
    app = create_app(tmp_path, bearer="b", token="t", clock=clock, behaviour=behaviour)
    async with client_of(app, **HEADERS) as client:
        yield client


def a_complaint(**changes: Any) -> dict[str, Any]:
    """Return a body that is accepted."""
    return {
        "title": "Jalan nasional rusak",
        "content": "Jalan nasional berlubang.",
        "channel": "API",
        "user_id": 1,
        "classification_id": 3,
        "tags_raw": "aduan:1",
        "is_anonymous": 0,
        "is_secret": 0,
        "attachments": "[]",
        **changes,
    }


def id_of(answer: dict[str, Any]) -> int:
    """Return the id, wherever this version put it."""
    data = answer.get("data", {})
    nested = data.get("results", {}).get("complaint", {}).get("id")
    return int(answer.get("complaint_id") or data.get("complaint_id") or nested)


async def created(partner: httpx.AsyncClient, **changes: Any) -> int:
    """Create and return the id."""
    answer = await partner.post("/complaints/complaint-lmw", json=a_complaint(**changes))
    assert 200 == answer.status_code, answer.text
    return id_of(answer.json())


@pytest.mark.parametrize("header", ["Authorization", "token"])
async def test_both_headers_are_needed(tmp_path: Path, header: str) -> None:
    """One of them alone is a stranger."""
    app = create_app(tmp_path, bearer="b", token="t")
    async with client_of(app, **{header: HEADERS[header]}) as client:
        answer = await client.get("/masters/templates")

    assert 401 == answer.status_code


async def test_a_repeated_submission_creates_a_duplicate(partner: httpx.AsyncClient) -> None:
    """The harsh case: only the list shows that there are two."""
    first, second = await created(partner), await created(partner)

    rows = (await partner.get("/complaints")).json()["results"]["data"]
    figures = (await partner.get("/_sim/tickets")).json()

    assert first != second
    assert [second, first] == [row["id"] for row in rows]
    assert 1 == figures["repeated_refs"]


async def test_the_id_moves_between_answers(partner: httpx.AsyncClient) -> None:
    """Three shapes have been seen; a client must read all of them."""
    shapes = set()
    for _ in range(3):
        answer = await partner.post("/complaints/complaint-lmw", json=a_complaint())
        body = answer.json()
        shapes.add("top" if "complaint_id" in body else ",".join(body["data"]))

    assert {"top", "complaint_id", "results"} == shapes


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"attachments": []}, "attachments"),
        ({"attachments": "x"}, "attachments"),
        ({"is_secret": 2}, "is_secret"),
        ({"title": ""}, "title"),
        ({"nik": "1"}, "nik"),
    ],
)
async def test_a_bad_body_names_the_field_and_stores_nothing(
    partner: httpx.AsyncClient, change: dict[str, Any], field: str
) -> None:
    """The attachments trap: a list is wrong, a string that holds one is right."""
    answer = await partner.post("/complaints/complaint-lmw", json=a_complaint(**change))
    figures = (await partner.get("/_sim/tickets")).json()

    assert 422 == answer.status_code
    assert field in answer.json()["errors"]
    assert 0 == figures["count"]


async def test_a_ministry_takes_answers_in_html_and_closes(
    partner: httpx.AsyncClient, clock: ManualClock
) -> None:
    """Times are d-m-Y H:i:s of WIB without a zone."""
    id = await created(partner)
    seen = []
    rows: list[dict[str, Any]] = []
    for _ in range(4):
        status = (await partner.get(f"/complaints/{id}/complaint")).json()["results"]
        rows = (await partner.get(f"/complaints/{id}/followups")).json()["results"]["data"]
        seen.append((status["data"]["status_name"], len(rows)))
        clock.advance(timedelta(hours=1, seconds=1))

    assert [
        ("Belum Terverifikasi", 0),
        ("Dalam Proses", 0),
        ("Dalam Proses", 1),
        ("Selesai", 1),
    ] == seen
    assert "<p>" in rows[0]["content"]
    assert "01-12-2026 11:00:02" == rows[0]["created_at"]


async def test_a_partner_adds_a_follow_up_in_a_form(partner: httpx.AsyncClient) -> None:
    """Multipart or urlencoded text fields, at most 1000 characters."""
    id = await created(partner)
    form = {
        "user_id": "1",
        "institution_from_id": "3374",
        "institution_to_id": "1",
        "complaint_id": str(id),
        "template_code": "CATATAN",
        "content": "Catatan.",
    }

    good = await partner.post("/complaints/followup/add", data=form)
    long = await partner.post("/complaints/followup/add", data={**form, "content": "x" * 1001})
    rows = (await partner.get(f"/complaints/{id}/followups")).json()["results"]["data"]

    assert 200 == good.status_code
    assert 422 == long.status_code
    assert ["Catatan."] == [row["content"] for row in rows]
    assert "{{institution_to}}" in rows[0]["template_content"]


async def test_files_are_uploaded_before_and_named_by_id(partner: httpx.AsyncClient) -> None:
    """results.docs[] {id}; without a file it is refused."""
    files = [("attachments[]", ("a.jpg", b"x", "image/jpeg"))]

    answer = await partner.post("/complaints/complaint/file", files=files)
    empty = await partner.post("/complaints/complaint/file", data={"x": "y"})

    assert [{"id": 1}] == answer.json()["results"]["docs"]
    assert 422 == empty.status_code


async def test_a_request_to_reroute_shows_in_status_and_logs(partner: httpx.AsyncClient) -> None:
    """Ditolak, with the words of whoever refused."""
    id = await created(partner)
    refusal = {
        "is_request": 1,
        "reason": "101",
        "reason_description": "Bukan kewenangan kami.",
        "not_authority": 1,
    }

    await partner.post(f"/complaints/process/{id}/reject", json=refusal)
    result = (await partner.get(f"/complaints/{id}/complaint")).json()["results"]

    assert "Ditolak" == result["data"]["status_name"]
    assert ["Bukan kewenangan kami."] == [line["content"] for line in result["data_logs"]]


async def test_tickets_and_switches_survive_a_restart(tmp_path: Path) -> None:
    """A second app over the same folder goes on where the first one stood."""
    for expected in (1, 2):
        app = create_app(tmp_path, bearer="b", token="t")
        async with client_of(app, **HEADERS) as client:
            await created(client)
            figures = (await client.get("/_sim/tickets")).json()
            await client.post("/_sim/faults", json={"slow_seconds": 0.01})

        assert expected == figures["count"]

    async with client_of(create_app(tmp_path, bearer="b", token="t"), **HEADERS) as client:
        plan = (await client.get("/_sim/faults")).json()

    assert 0.01 == plan["slow_seconds"]


async def test_dates_follow_a_fast_clock_and_habits_the_real_one(tmp_path: Path) -> None:
    """In a demo a day passes in a second; a ministry still takes its three real seconds."""
    clock = ManualClock(datetime(2026, 12, 24, tzinfo=UTC), real=START)
    behaviour = Behaviour(process_after=timedelta(seconds=3))
    app = create_app(tmp_path, bearer="b", token="t", clock=clock, behaviour=behaviour)
    names = []
    async with client_of(app, **HEADERS) as client:
        id = await created(client)
        for _ in range(2):
            clock.domain += timedelta(days=9)
            status = (await client.get(f"/complaints/{id}/complaint")).json()["results"]["data"]
            names.append(status["status_name"])
            clock.real = START + timedelta(seconds=4)
        row = (await client.get("/complaints")).json()["results"]["data"][0]

    assert ["Belum Terverifikasi", "Dalam Proses"] == names
    assert "24-12-2026 07:00:00" == row["created_at"]
