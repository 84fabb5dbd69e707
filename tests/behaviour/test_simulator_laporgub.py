"""The simulated LaporGub behaves as its README says, over HTTP."""

import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from aduan_http import client_of

from aduan.clock import ManualClock
from aduan_simulators.laporgub import Behaviour, create_app
from aduan_simulators.laporgub.__main__ import main

API = "/api/mitra/v1"
START = datetime(2026, 12, 1, 2, tzinfo=UTC)


@pytest.fixture
def clock() -> ManualClock:
    """A clock that the test moves."""
    return ManualClock(START)


@pytest.fixture
async def partner(tmp_path: Path, clock: ManualClock) -> AsyncIterator[httpx.AsyncClient]:
    """A client with the partner's token."""
    behaviour = Behaviour(verify_after=timedelta(minutes=5))
    app = create_app(tmp_path, token="t", clock=clock, behaviour=behaviour)
    async with client_of(app, Authorization="Bearer t") as client:
        yield client


def a_report(**changes: Any) -> dict[str, Any]:
    """Return a submission that is accepted."""
    return {
        "ref": "aduan:1",
        "aduan": "Lampu jalan mati.",
        "lokasi": "Kelurahan Sekaran",
        "kota_id": 3374,
        "jenis": 1,
        **changes,
    }


async def submitted(partner: httpx.AsyncClient, **changes: Any) -> str:
    """Submit and return the ticket."""
    answer = await partner.post(f"{API}/laporan", json=a_report(**changes))
    assert 201 == answer.status_code, answer.text
    return str(answer.json()["data"]["tiket"])


async def test_a_submission_gets_a_ticket_and_is_found_by_our_reference(
    partner: httpx.AsyncClient,
) -> None:
    """LGWP and eight digits; the look-up gives the same ticket."""
    ticket = await submitted(partner)

    found = await partner.get(f"{API}/laporan", params={"ref": "aduan:1"})

    assert ticket.startswith("LGWP")
    assert 12 == len(ticket)
    assert [ticket] == [row["tiket"] for row in found.json()["data"]]


async def test_a_repeated_submission_is_another_ticket(partner: httpx.AsyncClient) -> None:
    """The partner does not help against doubles; only looking does."""
    first, second = await submitted(partner), await submitted(partner)

    figures = (await partner.get("/_sim/tickets")).json()

    assert first != second
    assert {"count": 2, "submitted": 2, "own": 0, "repeated_refs": 1} == figures


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"lokasi": " "}, "lokasi"),
        ({"kota_id": 1}, "kota_id"),
        ({"jenis": 2}, "jenis"),
        ({"sektor": "Antariksa"}, "sektor"),
        ({"nik": "x"}, "nik"),
    ],
)
async def test_a_bad_submission_names_the_field_and_stores_nothing(
    partner: httpx.AsyncClient, change: dict[str, Any], field: str
) -> None:
    """422, the field, no ticket."""
    answer = await partner.post(f"{API}/laporan", json=a_report(**change))
    figures = (await partner.get("/_sim/tickets")).json()

    assert 422 == answer.status_code
    assert field in answer.json()["errors"]
    assert 0 == figures["count"]


async def test_without_the_token_nothing_is_told(tmp_path: Path) -> None:
    """The partner API wants its token; the public pages do not."""
    async with client_of(create_app(tmp_path, token="t")) as stranger:
        refused = await stranger.post(f"{API}/laporan", json=a_report())
        cities = await stranger.get("/api/get-city")

    assert 401 == refused.status_code
    assert {"id": 3374, "name": "Kota Semarang"} in cities.json()


@pytest.mark.parametrize(("given", "status"), [("shown", 201), ("", 401), (None, 401)])
async def test_the_token_may_come_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str | None, status: int
) -> None:
    """As the stack gives it; without one it has the token of a trial, never an empty one."""
    monkeypatch.delenv("ADUAN_SYNC_LAPORGUB_LAPORGUB_TOKEN", raising=False)
    if given is not None:
        monkeypatch.setenv("ADUAN_SYNC_LAPORGUB_LAPORGUB_TOKEN", given)
    served: list[Any] = []
    monkeypatch.setattr(uvicorn, "run", lambda app, **_: served.append(app))
    monkeypatch.setattr(sys, "argv", ["laporgub", "--data", str(tmp_path)])
    main()
    headers = {"Authorization": f"Bearer {given or ''}"}
    async with client_of(served[0]) as partner:
        answer = await partner.post(f"{API}/laporan", json=a_report(), headers=headers)

    assert status == answer.status_code


async def test_an_area_is_required_and_an_identity_only_when_switched_on(
    partner: httpx.AsyncClient,
) -> None:
    """Both rules of LaporGub's two generations can be played."""
    await partner.post("/_sim/faults", json={"identity_required": True})

    refused = await partner.post(f"{API}/laporan", json=a_report())

    assert ["required"] == refused.json()["errors"]["pelapor"]


async def test_a_timeout_after_the_store_leaves_a_ticket(partner: httpx.AsyncClient) -> None:
    """The caller learns nothing, and the ticket exists."""
    plan = {"timeout_after_store": {"next": 1}, "hang_seconds": 0}
    await partner.post("/_sim/faults", json=plan)

    lost = await partner.post(f"{API}/laporan", json=a_report())
    found = await partner.get(f"{API}/laporan", params={"ref": "aduan:1"})
    next_one = await partner.post(f"{API}/laporan", json=a_report(ref="aduan:2"))

    assert 504 == lost.status_code
    assert 1 == len(found.json()["data"])
    assert 201 == next_one.status_code


async def test_an_error_before_the_store_leaves_none(partner: httpx.AsyncClient) -> None:
    """503 and nothing stored."""
    await partner.post("/_sim/faults", json={"error_before": {"next": 1}})

    lost = await partner.post(f"{API}/laporan", json=a_report())
    figures = (await partner.get("/_sim/tickets")).json()

    assert 503 == lost.status_code
    assert 0 == figures["count"]


async def test_the_duplicate_fault_stores_one_report_twice(partner: httpx.AsyncClient) -> None:
    """One submission, two tickets of one reference."""
    await partner.post("/_sim/faults", json={"duplicate": {"next": 1}})
    await submitted(partner)

    found = await partner.get(f"{API}/laporan", params={"ref": "aduan:1"})

    assert 2 == len(found.json()["data"])


async def test_an_unknown_fault_is_refused(partner: httpx.AsyncClient) -> None:
    """A test that mistypes a switch must not pass by accident."""
    answer = await partner.post("/_sim/faults", json={"eror_before": {"next": 1}})

    assert 422 == answer.status_code


async def test_staff_verify_after_a_while_and_the_change_is_listed(
    partner: httpx.AsyncClient, clock: ManualClock
) -> None:
    """The list of changes goes on from a cursor and gives each later change."""
    ticket = await submitted(partner)
    before = (await partner.get(f"{API}/perubahan")).json()

    clock.advance(timedelta(minutes=6))
    after = (await partner.get(f"{API}/perubahan", params={"sejak": before["berikut"]})).json()

    assert [(ticket, "belum dijawab")] == [(r["tiket"], r["status"]) for r in before["data"]]
    assert [(ticket, "verifikasi")] == [(r["tiket"], r["status"]) for r in after["data"]]


async def test_the_public_page_shows_four_fields_and_nothing_of_a_private_report(
    partner: httpx.AsyncClient,
) -> None:
    """title, date, user, description; markup of a citizen is escaped; jenis 0 shows no entry."""
    public = await submitted(partner)
    private = await submitted(partner, ref="aduan:2", jenis=0)
    await partner.post(f"/_sim/tickets/{public}/move", json={"text": "<b>Segera</b>"})
    accept = {"Accept": "application/json"}

    page = await partner.get(f"/detail/{public}", headers=accept)
    hidden = await partner.get(f"/detail/{private}", headers=accept)
    html = await partner.get(f"/detail/{public}")

    assert {"title", "date", "user", "description"} == set(page.json()["timeline"][0])
    assert [] == hidden.json()["timeline"]
    assert "&lt;b&gt;Segera" in html.text


async def test_citizens_of_the_city_are_listed_with_their_missing_flags(
    partner: httpx.AsyncClient,
) -> None:
    """Seeded: public, private, anonymous and unreadable ones, some with a reporter."""
    await partner.post("/_sim/inbound", json={"count": 8})

    rows = (await partner.get(f"{API}/masuk")).json()["data"]

    assert {1, 0, None} == {row["jenis"] for row in rows}
    assert {True, False} == {row["pelapor"] is None for row in rows}
    assert sorted(row["urut"] for row in rows) == [row["urut"] for row in rows]


async def test_citizens_write_by_themselves_when_told_to(
    tmp_path: Path, clock: ManualClock
) -> None:
    """The first at once, the rest one by one, never more than the total."""
    behaviour = Behaviour(inbound_total=3, inbound_every=timedelta(seconds=10))
    app = create_app(tmp_path, token="t", clock=clock, behaviour=behaviour)
    counts = []
    async with client_of(app, Authorization="Bearer t") as client:
        for _ in range(5):
            counts.append(len((await client.get(f"{API}/masuk")).json()["data"]))
            clock.advance(timedelta(seconds=10))

    assert [1, 2, 3, 3, 3] == counts


async def test_a_seed_repeats_a_run(tmp_path: Path) -> None:
    """Two simulators with one seed give the same tickets and texts."""
    runs = []
    for name in ("a", "b"):
        app = create_app(tmp_path / name, token="t", clock=ManualClock(START))
        async with client_of(app, Authorization="Bearer t") as client:
            await client.post("/_sim/inbound", json={"count": 3})
            runs.append((await client.get(f"{API}/masuk")).json())

    assert runs[0] == runs[1]


def test_tickets_survive_kill_9(tmp_path: Path) -> None:
    """What was answered is still there after the process was killed."""
    for expected in (1, 2):
        with _process("laporgub", tmp_path) as (process, base):
            headers = {"Authorization": "Bearer simulator"}
            answer = httpx.post(
                f"{base}{API}/laporan", json=a_report(ref=f"aduan:{expected}"), headers=headers
            )
            figures = httpx.get(f"{base}/_sim/tickets").json()
            process.send_signal(signal.SIGKILL)

        assert 201 == answer.status_code
        assert expected == figures["count"]


class _process:
    """A simulator in a process of its own, reachable when the block begins."""

    def __init__(self, name: str, folder: Path) -> None:
        self._name = name
        self._folder = folder

    def __enter__(self) -> tuple["subprocess.Popen[bytes]", str]:
        port = _free_port()
        self._running = subprocess.Popen(
            [
                *(sys.executable, "-m", f"aduan_simulators.{self._name}"),
                *("--data", str(self._folder), "--port", str(port)),
            ]
        )
        base = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 20
        while True:
            try:
                httpx.get(f"{base}/_sim/tickets").raise_for_status()
            except httpx.TransportError:
                assert time.monotonic() < deadline, "the simulator did not start"
                time.sleep(0.05)
            else:
                return self._running, base

    def __exit__(self, *_: object) -> None:
        self._running.kill()
        self._running.wait()


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
