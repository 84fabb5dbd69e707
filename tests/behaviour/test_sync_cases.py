"""Whole mirrored cases: events in, real simulators over HTTP, mirror.changed out.

One file on purpose: the world that it needs is used nowhere else. Time is moved by hand, so back-off
and polling cost nothing; every wait has a deadline.
"""

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import httpx
import pytest
from aduan_harness import World
from aduan_http import client_of
from aduan_intake_world import a_complaint, intake_in
from prometheus_client import CollectorRegistry
from pydantic import BaseModel, SecretStr
from pydantic_core import from_json
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from aduan.clock import ManualClock
from aduan.contracts.envelope import Cause, Emit, Raw, Reaction, encode
from aduan.contracts.events import ComplaintAssigned, ComplaintCreated, ComplaintProgressed
from aduan.service import Service
from aduan.storage.port import Body
from aduan.web.keys import KeyRecord, make_key
from aduan_simulators import laporgub, sp4n
from aduan_sync_laporgub.adapters.laporgub import LaporGub
from aduan_sync_laporgub.bootstrap import build, spec
from aduan_sync_laporgub.domain.collection import CASES
from aduan_sync_laporgub.domain.remote import RemoteState
from aduan_sync_laporgub.settings import Settings

REFERENCE = Path(__file__).resolve().parents[2] / "reference"
START = datetime(2026, 12, 1, 2, tzinfo=UTC)
TENANT = "33.74"
CAUSE = Cause("cause", "correlation", "00-" + "1" * 32 + "-" + "2" * 16 + "-00")
CONTENT = "Isi rahasia, hubungi 081234567890."


class CaseEvents:
    """Writes the events of one case as intake and routing would."""

    def __init__(self, name: str, now: datetime = START) -> None:
        self.id = str(uuid5(NAMESPACE_URL, name))
        self._now = now
        self._seq = {"intake": 0, "routing": 0}
        self._version = 0
        self._state: str | None = None
        self.confidential = False
        self.origin: dict[str, Any] | None = None

    def created(self, **changes: Any) -> Raw:
        """complaint.created."""
        self.confidential = changes.get("confidential", False)
        self.origin = changes.get("origin")
        text = {"text": "Lampu jalan mati sejak Senin.", "title": "Lampu jalan mati"}
        if self.confidential:
            text = {"content_ref": f"/internal/v1/complaints/{self.id}/content"}
        data = {
            "ticket": f"SMG-{self.id[:8].upper()}",
            "portal": "web",
            "inlet": "web",
            "received_at": self._now,
            "anonymous": False,
            "confidential": False,
            "flags_complete": True,
            "reporter": {"pseudonym": "p1"},
            **text,
            **changes,
        }
        return self._write("intake", "complaint.created", ComplaintCreated.model_validate(data))

    def assigned(self) -> Raw:
        """complaint.assigned."""
        data = {
            "case": self._case("assigned"),
            "opd": {"code": "DPU", "level": "dinas"},
            "method": "rule",
            "confidence": 0.9,
        }
        return self._write("routing", "complaint.assigned", ComplaintAssigned.model_validate(data))

    def progressed(self, state: str, **changes: Any) -> Raw:
        """complaint.progressed."""
        before = self._state
        data = {
            "case": self._case(state),
            "action": "move",
            "from": before,
            "to": state,
            "actor": {"kind": "office"},
            "citizen_text": "Laporan Bapak/Ibu sedang kami proses.",
            **changes,
        }
        model = ComplaintProgressed.model_validate(data)
        return self._write("routing", "complaint.progressed", model)

    def _case(self, state: str) -> dict[str, Any]:
        self._version += 1
        self._state = state
        return {
            "version": self._version,
            "state": state,
            "class": "pengaduan_tidak_berkadar_pengawasan",
            "class_confirmed": True,
            "category": "pju",
            "anonymous": False,
            "confidential": self.confidential,
            "oversight": False,
            "origin": self.origin,
            "received_at": self._now,
        }

    def _write(self, stream: str, topic: str, data: BaseModel) -> Raw:
        self._seq[stream] += 1
        return encode(
            Emit(topic, data),
            service=stream,
            tenant=TENANT,
            case_id=self.id,
            seq=self._seq[stream],
            now=self._now,
            cause=CAUSE,
        )


class FakeIntake:
    """Intake as far as this service sees it: idempotent by external_id, content behind a key."""

    def __init__(self) -> None:
        self.taken: dict[str, dict[str, Any]] = {}
        self.posts = 0
        self.away = False
        self.refuses = False
        self.app = Starlette(
            routes=[
                Route("/v1/complaints", self._take, methods=["POST"]),
                Route("/internal/v1/complaints/{id}/content", self._content),
            ]
        )

    async def _take(self, request: Request) -> Response:
        self.posts += 1
        if self.away:
            return JSONResponse({"code": "unavailable"}, status_code=503)
        if self.refuses:
            problem = {"code": "invalid", "errors": [{"field": "text", "message": "is required"}]}
            return JSONResponse(problem, status_code=422)
        assert "Bearer portal" == request.headers["authorization"]
        body = await request.json()
        known = self.taken.setdefault(body["external_id"], body)
        if known != body:
            return JSONResponse({"code": "external_id_taken"}, status_code=409)
        return JSONResponse({"ticket": "SMG-1"}, status_code=201)

    async def _content(self, request: Request) -> Response:
        assert "Bearer content" == request.headers["authorization"]
        return JSONResponse({"text": CONTENT})


class Sync:
    """The service between two simulated partners and a double of intake."""

    def __init__(self, folder: Path, *, timeout_seconds: float = 5.0) -> None:
        self.clock = ManualClock(START)
        self.world = World(folder, self.clock)
        self.intake = FakeIntake()
        self.laporgub_app = laporgub.create_app(folder, token="t", clock=self.clock)
        self.sp4n_app = sp4n.create_app(folder, bearer="b", token="t", clock=self.clock)
        self.key, record = make_key(tenant=TENANT, scopes=("mirrors:read", "content:read"))
        self.ops, operator = make_key(tenant=TENANT, scopes=("ops:read",))
        self._records: tuple[KeyRecord, ...] = (record, operator)
        self._timeout = timeout_seconds
        self.service: Service | None = None
        self.intake_app: ASGIApp = self.intake.app

    @asynccontextmanager
    async def running(self, **changes: Any) -> AsyncIterator["Sync"]:
        """Build and run the service until the block is left."""
        values: dict[str, Any] = {
            "store": "sqlite:////unused",
            "bus": "sqlite:////unused",
            "reference_dir": REFERENCE,
            "laporgub_url": "http://laporgub.test",
            "laporgub_token": SecretStr("t"),
            "sp4n_url": "http://sp4n.test",
            "sp4n_bearer": SecretStr("b"),
            "sp4n_token": SecretStr("t"),
            "intake_url": "http://intake.test",
            "intake_portal_key": SecretStr("portal"),
            "intake_content_key": SecretStr("content"),
            "seal_key": SecretStr(base64.b64encode(b"k" * 32).decode()),
            "tick_seconds": 0.01,
            "laporgub_poll_seconds": 0.05,
            "sp4n_recheck_seconds": 10.0,
            "call_timeout_seconds": self._timeout,
            "static_keys": self._records,
            **changes,
        }
        settings = Settings(**values)
        what = spec(settings)
        self.service = await build(
            settings,
            spec=what,
            store=self.world.store(what),
            bus=self.world.bus,
            clock=self.clock,
            registry=CollectorRegistry(),
            transports={
                "laporgub": httpx.ASGITransport(self.laporgub_app),
                "sp4n": httpx.ASGITransport(self.sp4n_app),
                "intake": httpx.ASGITransport(self.intake_app),
            },
        )
        async with self.world.running(self.service):
            yield self

    async def hears(self, *events: Raw) -> None:
        """Publish events, as their producers' relays would."""
        assert all(await self.world.bus.publish(events))

    async def until(self, check: Callable[[], Awaitable[bool]], *, within: float = 15.0) -> None:
        """Let time pass, half a second at a step, until `check` holds."""
        deadline = time.monotonic() + within
        while not await check():
            assert time.monotonic() < deadline, "it did not come to this in time"
            self.clock.advance(timedelta(seconds=0.5))
            await asyncio.sleep(0.01)

    async def rest(self, seconds: float = 60.0) -> None:
        """Let this much time pass, so that anything that wants to happen happens."""
        for _ in range(int(seconds)):
            self.clock.advance(timedelta(seconds=1))
            await asyncio.sleep(0.01)

    async def told(self, case: CaseEvents, kind: str | None = None) -> list[dict[str, Any]]:
        """Return the data of every mirror.changed of a case, in order."""
        assert self.service is not None
        stored = await self.service.runtime.store.events(CASES, case.id, 0)
        data = [from_json(one.raw.value) for one in stored]
        return [one for one in data if kind in (None, one["kind"])]

    async def has_told(self, case: CaseEvents, kind: str, number: int = 1) -> None:
        """Wait until the service told `number` events of a kind."""

        async def enough() -> bool:
            return len(await self.told(case, kind)) >= number

        await self.until(enough)

    async def wrote(self, case: CaseEvents, key: str) -> None:
        """Record an entry of ours, as another replica would have at this moment."""
        assert self.service is not None

        def record(body: Body | None, _now: datetime) -> Reaction:
            assert body is not None
            link = {
                **body["links"]["laporgub"],
                "wrote": [*body["links"]["laporgub"]["wrote"], key],
            }
            return Reaction(body={**body, "links": {**body["links"], "laporgub": link}})

        await self.service.runtime.cases.command(case.id, record)

    async def mirror(self, case: CaseEvents) -> dict[str, Any]:
        """Return GET /v1/mirrors/{id}."""
        answer = await self.get(f"/v1/mirrors/{case.id}")
        assert 200 == answer.status_code, answer.text
        return dict(answer.json())

    async def settled(self, case: CaseEvents) -> dict[str, Any]:
        """Wait until every event is worked off and nothing is owed for a case; return its mirror."""
        await self.world.settled()

        async def no_job() -> bool:
            found = await self.get(f"/v1/mirrors/{case.id}")
            return found.status_code == 200 and not found.json()["jobs"]

        await self.until(no_job)
        return await self.mirror(case)

    async def get(self, path: str, *, key: str | None = None) -> httpx.Response:
        """Ask the service."""
        assert self.service is not None
        async with client_of(self.service.app, Authorization=f"Bearer {key or self.key}") as http:
            return await http.get(path)

    async def at_laporgub(self, method: str, path: str, **options: Any) -> Any:
        """Ask or steer the simulated LaporGub."""
        return await _ask(self.laporgub_app, "Bearer t", method, path, **options)

    async def at_sp4n(self, method: str, path: str, **options: Any) -> Any:
        """Ask or steer the simulated SP4N."""
        return await _ask(self.sp4n_app, "Bearer b", method, path, **options)

    async def timeline(self, ticket: str) -> list[dict[str, Any]]:
        """Return LaporGub's timeline of a ticket."""
        found = await self.at_laporgub("GET", f"/api/mitra/v1/laporan/{ticket}")
        return list(found["data"]["linimasa"])


async def _ask(app: Starlette, bearer: str, method: str, path: str, **options: Any) -> Any:
    async with client_of(app, Authorization=bearer, token="t") as http:
        answer = await http.request(method, path, **options)
        assert answer.is_success, answer.text
        return answer.json()


@pytest.fixture
async def sync(tmp_path: Path) -> AsyncIterator[Sync]:
    """The running service."""
    world = Sync(tmp_path)
    async with world.running():
        yield world
    world.world.close()


async def linked(sync: Sync, case: CaseEvents) -> str:
    """Bring a case to a linked mirror; return the remote ticket."""
    await sync.hears(case.created(), case.assigned())
    await sync.has_told(case, "linked")
    mirror = await sync.settled(case)
    return str(mirror["links"][0]["remote_ticket"])


async def test_an_assigned_case_is_mirrored_once_and_told_on(sync: Sync) -> None:
    """not_due from creation on, linked when LaporGub has it, the office's work in its timeline."""
    case = CaseEvents("mirrored")
    ticket = await linked(sync, case)
    await sync.hears(
        case.progressed("accepted"),
        case.progressed("in_progress"),
        case.progressed("answered", answer={"kind": "final", "text": "Lampu sudah diganti."}),
    )
    mirror = await sync.settled(case)

    entries = await sync.timeline(ticket)
    remote = await sync.at_laporgub("GET", f"/api/mitra/v1/laporan/{ticket}")
    figures = await sync.at_laporgub("GET", "/_sim/tickets")

    decisions = [(one["kind"], one["reason_code"]) for one in await sync.told(case)]
    assert [("not_due", "undecided"), ("linked", "mirrored")] == decisions[:2]
    assert ("linked", "mirrored", "laporgub") == (
        mirror["decision"], mirror["reason_code"], mirror["system"],
    )  # fmt: skip
    assert ["Progres", "Progres", "Progres", "Tanggapan"] == [one["title"] for one in entries[1:]]
    assert "Lampu sudah diganti." == entries[-1]["description"]
    assert ("progres", "Energi", 1) == tuple(
        remote["data"][name] for name in ("status", "sektor", "jenis")
    )
    assert 1 == figures["submitted"]


async def test_what_we_wrote_never_comes_back_as_news(sync: Sync) -> None:
    """Echo guard: after our pushes no status, no answer is told, however long we poll."""
    case = CaseEvents("echo")
    await linked(sync, case)
    await sync.hears(case.progressed("in_progress"), case.progressed("closed"))
    await sync.settled(case)
    await sync.rest()

    assert ["not_due", "linked"] == [one["kind"] for one in await sync.told(case)]


async def test_a_redelivered_event_submits_nothing_again(sync: Sync) -> None:
    """The inbox drops it; one ticket, one decision."""
    case = CaseEvents("again")
    created, assigned = case.created(), case.assigned()
    await sync.hears(assigned, created, created, assigned)
    await sync.has_told(case, "linked")
    await sync.settled(case)
    await sync.rest(10)

    assert 1 == (await sync.at_laporgub("GET", "/_sim/tickets"))["submitted"]
    assert 1 == len(await sync.told(case, "linked"))


@pytest.mark.parametrize("fault", ["timeout_after_store", "error_after_store", "error_before"])
async def test_a_lost_answer_is_looked_up_before_it_is_submitted_again(
    tmp_path: Path, fault: str
) -> None:
    """Whatever LaporGub did with the first try, there is one ticket in the end."""
    sync = Sync(tmp_path, timeout_seconds=0.3)
    async with sync.running():
        plan = {fault: {"next": 2}, "hang_seconds": 1.0}
        await sync.at_laporgub("POST", "/_sim/faults", json=plan)
        case = CaseEvents(fault)
        await linked(sync, case)

        figures = await sync.at_laporgub("GET", "/_sim/tickets")
    sync.world.close()

    assert {"submitted": 1, "repeated_refs": 0} == {
        name: figures[name] for name in ("submitted", "repeated_refs")
    }


@pytest.mark.parametrize("fault", ["timeout_after_store", "error_after_store", "error_before"])
async def test_a_lost_answer_of_sp4n_makes_no_duplicate(tmp_path: Path, fault: str) -> None:
    """SP4N duplicates every repeated submission, so only its list can tell."""
    sync = Sync(tmp_path, timeout_seconds=0.3)
    async with sync.running():
        await sync.at_sp4n("POST", "/_sim/faults", json={fault: {"next": 1}, "hang_seconds": 1.0})
        case = CaseEvents(f"sp4n {fault}")
        await sync.hears(case.created(), case.progressed("triage"))
        await sync.hears(case.progressed("forwarded", partner="sp4n"))
        await sync.has_told(case, "linked")
        await sync.settled(case)

        figures = await sync.at_sp4n("GET", "/_sim/tickets")
    sync.world.close()

    assert {"submitted": 1, "repeated_refs": 0} == {
        name: figures[name] for name in ("submitted", "repeated_refs")
    }


@pytest.mark.parametrize("target", ["laporgub", "sp4n"])
async def test_a_crash_after_the_remote_stored_leaves_one_ticket(
    sync: Sync, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker dies between the partner's OK and our save, twice; the ticket is found again."""
    deaths = iter(range(2))

    def die(name: str) -> None:
        if name == "sync.after_remote" and next(deaths, None) is not None:
            raise RuntimeError("died here")

    monkeypatch.setattr("aduan.failpoints.hit", die)
    case = CaseEvents(f"crash {target}")
    await sync.hears(case.created())
    forwarded = case.progressed("forwarded", partner="sp4n") if target == "sp4n" else None
    await sync.hears(forwarded or case.assigned())
    await sync.has_told(case, "linked")
    await sync.settled(case)
    ask = sync.at_sp4n if target == "sp4n" else sync.at_laporgub
    figures = await ask("GET", "/_sim/tickets")

    assert next(deaths, None) is None
    assert 1 == figures["submitted"]
    assert 1 == len(await sync.told(case, "linked"))


async def test_a_restart_goes_on_where_it_stood(tmp_path: Path) -> None:
    """Jobs, links and cursors are on the disk: a second life finishes what the first one owed."""
    first = Sync(tmp_path)
    case = CaseEvents("restart")
    async with first.running(tick_seconds=60.0):
        await first.hears(case.created(), case.assigned())
        await first.world.settled()
        owed = len((await first.mirror(case))["jobs"])
    first.world.close()
    second = Sync(tmp_path)
    async with second.running():
        await second.has_told(case, "linked")
        mirror = await second.settled(case)
        figures = await second.at_laporgub("GET", "/_sim/tickets")
    second.world.close()

    assert 2 == owed
    assert [] == mirror["jobs"]
    assert 1 == figures["submitted"]


async def test_a_case_that_became_confidential_while_in_doubt_is_not_sent_again(
    sync: Sync,
) -> None:
    """The first try may be there, so it is looked for; it was not, so nothing of it goes out."""
    await sync.at_laporgub("POST", "/_sim/faults", json={"error_before": {"rate": 1.0}})
    case = CaseEvents("doubt")
    await sync.hears(case.created(), case.assigned())

    async def tried() -> bool:
        jobs = (await sync.get(f"/v1/mirrors/{case.id}")).json().get("jobs", [])
        return bool(jobs and jobs[0]["tries"])

    await sync.until(tried)
    case.confidential = True
    await sync.hears(case.progressed("assigned", action="flags"))
    await sync.world.settled()
    await sync.at_laporgub("POST", "/_sim/faults", json={})
    await sync.has_told(case, "held")
    await sync.settled(case)

    assert 0 == (await sync.at_laporgub("GET", "/_sim/tickets"))["submitted"]


async def test_a_repeated_push_is_looked_up_too(sync: Sync) -> None:
    """An entry whose answer was lost stands in the timeline once."""
    case = CaseEvents("push")
    ticket = await linked(sync, case)
    await sync.at_laporgub("POST", "/_sim/faults", json={"error_after_store": {"next": 1}})
    await sync.hears(case.progressed("accepted"))
    await sync.settled(case)

    assert 3 == len(await sync.timeline(ticket))


async def test_a_partner_that_is_away_gets_everything_later(sync: Sync) -> None:
    """The breaker opens, the jobs wait with back-off, the coordinator hears of it once."""
    plan = {"error_before": {"rate": 1.0}}
    await sync.at_laporgub("POST", "/_sim/faults", json=plan)
    case = CaseEvents("away")
    await sync.hears(case.created(), case.assigned())
    await sync.has_told(case, "failed")
    await sync.at_laporgub("POST", "/_sim/faults", json={})
    await sync.has_told(case, "linked")
    await sync.settled(case)

    assert ["partner_unavailable"] == [
        one["reason_code"] for one in await sync.told(case, "failed")
    ]
    assert 1 == (await sync.at_laporgub("GET", "/_sim/tickets"))["submitted"]


async def test_a_report_that_laporgub_refuses_is_held_for_a_human(sync: Sync) -> None:
    """Refused for want of an identity, which we never give: held, with the reason, no retry."""
    await sync.at_laporgub("POST", "/_sim/faults", json={"identity_required": True})
    case = CaseEvents("refused")
    await sync.hears(case.created(), case.assigned())
    await sync.has_told(case, "held")
    mirror = await sync.settled(case)

    assert ["identity_required"] == [one["reason_code"] for one in await sync.told(case, "failed")]
    assert ("held", "refused_by_partner") == (mirror["decision"], mirror["reason_code"])


async def test_a_confidential_case_is_held_and_submitted_once_the_flag_is_gone(
    sync: Sync,
) -> None:
    """LaporGub cannot keep it confidential; a coordinator who lifts the flag lets it go."""
    case = CaseEvents("confidential")
    await sync.hears(case.created(confidential=True), case.assigned())
    await sync.has_told(case, "held")
    before = (await sync.at_laporgub("GET", "/_sim/tickets"))["submitted"]
    case.confidential = False
    await sync.hears(case.progressed("assigned", action="flags"))
    await sync.has_told(case, "linked")

    assert 0 == before
    assert ["confidential_unsupported"] == [
        one["reason_code"] for one in await sync.told(case, "held")
    ]


async def test_a_national_matter_goes_to_sp4n_and_comes_back_answered(sync: Sync) -> None:
    """HTML becomes text, the time gets its zone, and the answer is told once with it."""
    case = CaseEvents("national")
    await sync.hears(case.created(), case.progressed("triage"))
    await sync.hears(case.progressed("forwarded", partner="sp4n"))
    await sync.has_told(case, "linked")
    mirror = await sync.settled(case)
    id = mirror["links"][0]["remote_ticket"]
    await sync.at_sp4n("POST", f"/_sim/tickets/{id}/move", json={"status": "Dalam Proses"})
    html = "<p>Jalan&nbsp;<b>sudah</b> ditambal.</p><script>x</script>"
    await sync.at_sp4n("POST", f"/_sim/tickets/{id}/answer", json={"content": html})
    answered_at = sync.clock.now()
    await sync.has_told(case, "answer")
    await sync.rest(30)

    (answer,) = await sync.told(case, "answer")
    told_at = datetime.fromisoformat(answer["remote_at"])
    assert "Tanggapan dari Kementerian Pekerjaan Umum:\nJalan sudah ditambal." == answer["text"]
    assert ("sp4n", id, "answered") == (
        answer["system"], answer["remote_ticket"], answer["status"],
    )  # fmt: skip
    assert timedelta() <= answered_at - told_at < timedelta(seconds=1.5)
    assert answer["remote_key"].startswith(f"sp4n:{id}:")
    assert 0 == (await sync.at_laporgub("GET", "/_sim/tickets"))["submitted"]


async def test_a_partner_s_own_change_is_not_pushed_back_to_it(sync: Sync) -> None:
    """Routing publishes the partner's answer with `origin`; SP4N gets no follow-up for it."""
    case = CaseEvents("origin")
    await sync.hears(case.created(), case.progressed("forwarded", partner="sp4n"))
    await sync.has_told(case, "linked")
    mirror = await sync.settled(case)
    id = mirror["links"][0]["remote_ticket"]
    await sync.hears(case.progressed("answered", origin="sp4n", actor={"kind": "partner"}))
    await sync.rest(10)
    caused = await sync.at_sp4n("GET", f"/complaints/{id}/followups")
    await sync.hears(case.progressed("closed", actor={"kind": "reporter"}))
    await sync.settled(case)
    ours = await sync.at_sp4n("GET", f"/complaints/{id}/followups")

    assert [] == caused["results"]["data"]
    assert 1 == len(ours["results"]["data"])
    assert case.id in ours["results"]["data"][0]["content"]


async def test_a_confidential_matter_goes_to_sp4n_by_claim_check(sync: Sync) -> None:
    """SP4N can keep it secret: the text is fetched from intake, scrubbed, and sent as secret.

    What comes back stays behind content_ref and is opened only for a key with the scope.
    """
    case = CaseEvents("secret")
    await sync.hears(case.created(confidential=True))
    await sync.hears(case.progressed("forwarded", partner="sp4n"))
    await sync.has_told(case, "linked")
    mirror = await sync.settled(case)
    id = mirror["links"][0]["remote_ticket"]
    rows = await sync.at_sp4n("GET", "/complaints")
    await sync.at_sp4n("POST", f"/_sim/tickets/{id}/answer", json={"content": "<p>Ditindak.</p>"})
    await sync.has_told(case, "answer")

    (answer,) = await sync.told(case, "answer")
    shown = await sync.get(answer["content_ref"])
    refused = await sync.get(answer["content_ref"], key=sync.ops)

    assert "text" not in answer
    assert "Ditindak." in shown.json()["text"]
    assert 403 == refused.status_code
    assert "Isi rahasia" in rows["results"]["data"][0]["title"]
    assert "081234567890" not in str(rows)


async def test_reports_of_laporgub_are_handed_to_intake_once(sync: Sync) -> None:
    """Own portal key, external id, origin with hops; a missing flag is left out, identity passes."""
    await sync.at_laporgub("POST", "/_sim/inbound", json={"count": 8})

    async def all_there() -> bool:
        return len(sync.intake.taken) == 8

    await sync.until(all_there)
    await sync.rest(10)

    bodies = list(sync.intake.taken.values())
    assert 8 == sync.intake.posts
    assert [False, False, False, None, False, False, False, True] == [
        one.get("confidential") for one in bodies
    ]
    assert {
        "system": "laporgub",
        "external_id": bodies[0]["external_id"],
        "hops": ["laporgub"],
    } == (bodies[0]["origin"])
    assert "reporter" in bodies[0]
    assert "laporgub" == bodies[0]["inlet"]


async def test_with_intake_itself_every_report_becomes_one_linked_case(tmp_path: Path) -> None:
    """The real public API takes the rows; complaint.created's origin links each to its ticket."""
    sync = Sync(tmp_path)
    async with intake_in(sync.world) as intake:
        sync.intake_app = intake.service.app
        async with sync.running(intake_portal_key=SecretStr(intake.portal_key)):
            made = await sync.at_laporgub("POST", "/_sim/inbound", json={"count": 8})

            async def all_decided() -> bool:
                return len((await sync.get("/v1/mirrors")).json()["items"]) == 8

            await sync.until(all_decided)
            await sync.rest(10)
            items = (await sync.get("/v1/mirrors")).json()["items"]
            stored = await intake.documents()
            parked = (await sync.get("/v1/mirrors/parked")).json()["items"]
    sync.world.close()

    assert sorted(made["tickets"]) == sorted(one["links"][0]["remote_ticket"] for one in items)
    assert {("not_due", "came_from_there")} == {
        (one["decision"], one["reason_code"]) for one in items
    }
    assert (8, []) == (stored, parked)


async def test_with_intake_itself_confidential_content_is_claimed_masked(tmp_path: Path) -> None:
    """Intake's own door gives the masked text to the key with the scope; SP4N gets that."""
    sync = Sync(tmp_path)
    async with intake_in(sync.world) as intake:
        sync.intake_app = intake.service.app
        async with sync.running(intake_content_key=SecretStr(intake.admin_key)):
            text = "Oknum petugas meminta uang, hubungi saya 081234567890."
            await intake.post(a_complaint(text=text, confidential=True))

            async def decided() -> bool:
                return bool((await sync.get("/v1/mirrors")).json()["items"])

            await sync.until(decided)
            case = CaseEvents("claimed")
            case.id = (await sync.get("/v1/mirrors")).json()["items"][0]["complaint_id"]
            case.confidential = True
            await sync.hears(case.progressed("forwarded", partner="sp4n"))
            await sync.has_told(case, "linked")
            rows = (await sync.at_sp4n("GET", "/complaints"))["results"]["data"]
    sync.world.close()

    assert "Oknum petugas meminta uang" in rows[0]["title"]
    assert "081234567890" not in str(rows)


async def test_inbound_reports_wait_for_intake_and_none_is_lost(sync: Sync) -> None:
    """While intake answers 503 the cursor stands; afterwards everything comes."""
    sync.intake.away = True
    await sync.at_laporgub("POST", "/_sim/inbound", json={"count": 3})

    async def tried() -> bool:
        return sync.intake.posts > 2

    await sync.until(tried)
    sync.intake.away = False

    async def all_there() -> bool:
        return len(sync.intake.taken) == 3

    await sync.until(all_there)


async def test_a_report_that_intake_refuses_is_parked_without_identity(sync: Sync) -> None:
    """A human sees the ticket and the reason; nothing that a person wrote is kept."""
    sync.intake.refuses = True
    report = {"aduan": "Tolong", "pelapor": {"nama": "Wulan Contohwati", "telepon": "08110000"}}
    await sync.at_laporgub("POST", "/_sim/inbound", json={"report": report})

    async def parked() -> bool:
        return bool((await sync.get("/v1/mirrors/parked")).json()["items"])

    await sync.until(parked)
    (item,) = (await sync.get("/v1/mirrors/parked")).json()["items"]

    assert ("invalid", ["text"]) == (item["reason"], item["fields"])
    assert "Wulan" not in str(item)
    assert "Tolong" not in str(item)


async def came_from_laporgub(sync: Sync, name: str) -> tuple[CaseEvents, str]:
    """Let a report of LaporGub become a case here; return it and its remote ticket."""
    made = await sync.at_laporgub("POST", "/_sim/inbound", json={})
    ticket = made["tickets"][0]
    case = CaseEvents(name)
    origin = {"system": "laporgub", "external_id": ticket, "hops": ["laporgub"]}
    await sync.hears(case.created(origin=origin))
    await sync.has_told(case, "not_due")
    return case, ticket


async def test_what_came_from_laporgub_is_answered_there_and_never_submitted(sync: Sync) -> None:
    """Linked by the event's origin: the answer stands in LaporGub's own ticket."""
    case, ticket = await came_from_laporgub(sync, "theirs")
    await sync.hears(
        case.assigned(),
        case.progressed("in_progress"),
        case.progressed("answered", answer={"kind": "final", "text": "Sudah diperbaiki."}),
    )
    mirror = await sync.settled(case)

    figures = await sync.at_laporgub("GET", "/_sim/tickets")
    entries = await sync.timeline(ticket)

    assert ("not_due", "came_from_there") == (mirror["decision"], mirror["reason_code"])
    assert 0 == figures["submitted"]
    assert "Sudah diperbaiki." == entries[-1]["description"]


async def test_the_second_return_calls_a_human(sync: Sync) -> None:
    """Not ours, said once; they send it again; said twice it would be ping-pong."""
    case, ticket = await came_from_laporgub(sync, "ping-pong")
    await sync.rest(5)
    await sync.hears(case.progressed("forwarded", partner="laporgub"))
    await sync.settled(case)
    await sync.at_laporgub("POST", f"/_sim/tickets/{ticket}/send")
    await sync.has_told(case, "reroute_requested")
    await sync.hears(case.progressed("triage", actor={"kind": "partner"}, origin="laporgub"))
    await sync.hears(case.progressed("forwarded", partner="laporgub"))
    await sync.has_told(case, "held")
    mirror = await sync.settled(case)
    entries = await sync.timeline(ticket)

    assert ["returned_to_us"] == [
        one["reason_code"] for one in await sync.told(case, "reroute_requested")
    ]
    assert ("held", "second_return") == (mirror["decision"], mirror["reason_code"])
    assert 1 == [one["title"] for one in entries].count("Bukan wewenang")
    assert 0 == (await sync.at_laporgub("GET", "/_sim/tickets"))["submitted"]


async def test_our_own_ticket_sent_back_is_no_new_report(sync: Sync) -> None:
    """The hop guard: LaporGub passes our mirror to us, and intake never hears of it."""
    case = CaseEvents("hop")
    ticket = await linked(sync, case)
    await sync.at_laporgub("POST", f"/_sim/tickets/{ticket}/send")
    await sync.has_told(case, "reroute_requested")

    assert 0 == sync.intake.posts


async def test_a_ticket_with_our_reference_is_ours_before_we_know_its_number(sync: Sync) -> None:
    """LaporGub stored it, our save was lost, and it sends it back: linked by the reference.

    A reference to a case that we do not have is set aside, never taken in as new.
    """
    case, stranger = CaseEvents("early"), CaseEvents("stranger")
    await sync.hears(case.created())
    await sync.has_told(case, "not_due")
    for ref in (f"aduan:{case.id}", f"aduan:{stranger.id}"):
        form = {"ref": ref, "aduan": "x", "lokasi": "y", "kota_id": 3374, "jenis": 1}
        made = await sync.at_laporgub("POST", "/api/mitra/v1/laporan", json=form)
        await sync.at_laporgub("POST", f"/_sim/tickets/{made['data']['tiket']}/send")
    await sync.has_told(case, "reroute_requested")

    async def parked() -> bool:
        return bool((await sync.get("/v1/mirrors/parked")).json()["items"])

    await sync.until(parked)
    (item,) = (await sync.get("/v1/mirrors/parked")).json()["items"]

    assert ["not_due", "linked", "reroute_requested"] == [
        one["kind"] for one in await sync.told(case)
    ]
    assert "unknown_reference" == item["reason"]
    assert 0 == sync.intake.posts


async def test_what_was_read_before_our_push_was_saved_is_read_again(
    sync: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another replica pushed while we were reading: the old picture is dropped, not believed."""
    case = CaseEvents("stale")
    ticket = await linked(sync, case)
    await sync.rest(5)
    reads: list[str] = []
    read = LaporGub.read

    async def slow_read(self: LaporGub, number: str) -> RemoteState:
        picture = await read(self, number)
        reads.append(picture.raw_status)
        if len(reads) == 1:
            await sync.wrote(case, "another")
        return picture

    monkeypatch.setattr(LaporGub, "read", slow_read)
    await sync.at_laporgub("POST", f"/_sim/tickets/{ticket}/move", json={"title": "Catatan"})
    await sync.has_told(case, "status")
    await sync.rest(5)

    assert 2 == len(reads)
    assert 1 == len(await sync.told(case, "status"))


async def test_statuses_of_the_province_are_told_by_what_they_mean(sync: Sync) -> None:
    """A word that fits changes nothing, an unknown one neither; a refusal and a reopening do."""
    case = CaseEvents("words")
    ticket = await linked(sync, case)
    words = ("verifikasi", "antre panjang", "selesai", "progres", "bukan wewenang")
    for number, word in enumerate(words, start=1):
        await sync.at_laporgub(
            "POST",
            f"/_sim/tickets/{ticket}/move",
            json={"status": word, "title": "Catatan", "text": f"Catatan {number}."},
        )

        async def heard(number: int = number) -> bool:
            news = [
                one for one in await sync.told(case) if one["kind"] not in ("linked", "not_due")
            ]
            return len(news) >= 2 * number

        await sync.until(heard)

    news = [
        (one["raw_status"], one["kind"], one.get("status"), one.get("reason_code"))
        for one in await sync.told(case)
        if one["kind"] not in ("linked", "not_due") and one["raw_status"] != "Catatan"
    ]
    assert [
        ("verifikasi", "status", None, "fits"),
        ("antre panjang", "status", None, "unknown_status"),
        ("selesai", "status", "closed", None),
        ("progres", "reopened", "in_progress", None),
        ("bukan wewenang", "reroute_requested", None, "refused_there"),
    ] == news


async def test_no_topic_grows_after_the_last_word(sync: Sync) -> None:
    """Quiescence: the three ways back and forth come to rest."""
    case = CaseEvents("quiet")
    ticket = await linked(sync, case)
    await sync.at_laporgub("POST", f"/_sim/tickets/{ticket}/move", json={"status": "selesai"})
    await sync.has_told(case, "status", 2)
    await sync.hears(case.progressed("closed", origin="laporgub"))
    await sync.rest(30)
    before = (len(await sync.told(case)), len(await sync.timeline(ticket)))
    await sync.rest(120)

    assert before == (len(await sync.told(case)), len(await sync.timeline(ticket)))


async def test_a_partner_whose_address_and_tokens_were_emptied_is_left_alone(
    tmp_path: Path,
) -> None:
    """The service runs; the other partner is mirrored to as ever."""
    sync = Sync(tmp_path)
    nothing = SecretStr("")
    async with sync.running(sp4n_url="", sp4n_bearer=nothing, sp4n_token=nothing):
        case = CaseEvents("one partner")
        await sync.hears(case.created(), case.assigned())
        await sync.has_told(case, "linked")
    sync.world.close()


async def test_without_a_partner_every_case_is_decided_no_partner(tmp_path: Path) -> None:
    """No address, no worker, one decision; a forwarded matter is held for a human."""
    sync = Sync(tmp_path)
    async with sync.running(laporgub_url=None, sp4n_url=None):
        case = CaseEvents("alone")
        await sync.hears(case.created(), case.assigned())
        await sync.hears(case.progressed("forwarded", partner="sp4n"))
        await sync.has_told(case, "held")
        told = [(one["kind"], one["reason_code"]) for one in await sync.told(case)]
    sync.world.close()

    assert [("not_due", "no_partner"), ("held", "no_partner")] == told


async def test_a_trial_is_decided_and_never_counted(sync: Sync) -> None:
    """`test: true`: one decision, nothing sent, in no figure."""
    trial, real = CaseEvents("trial"), CaseEvents("real")
    await sync.hears(trial.created(test=True), trial.assigned())
    await linked(sync, real)

    status = await sync.get("/sync-laporgub/ops/status", key=sync.ops)

    assert ["test"] == [one["reason_code"] for one in await sync.told(trial)]
    assert {"not_due": 0, "linked": 1, "held": 0} == status.json()["facts"]["mirror_decisions"]
    assert 1 == (await sync.at_laporgub("GET", "/_sim/tickets"))["submitted"]


async def test_mirrors_are_listed_by_decision_within_the_tenant(sync: Sync) -> None:
    """Cursors go on; another tenant's key sees nothing; bad input names the field."""
    for number in range(3):
        await linked(sync, CaseEvents(f"list {number}"))

    first = (await sync.get("/v1/mirrors?decision=linked&limit=2")).json()
    rest = (await sync.get(f"/v1/mirrors?decision=linked&limit=2&cursor={first['next']}")).json()
    none = (await sync.get("/v1/mirrors?decision=held")).json()
    wrong = await sync.get("/v1/mirrors?decision=odd")
    absent = await sync.get(f"/v1/mirrors/{CaseEvents('nobody').id}")

    assert (2, 1, 0) == (len(first["items"]), len(rest["items"]), len(none["items"]))
    assert "decision" == wrong.json()["errors"][0]["field"]
    assert 404 == absent.status_code


async def test_a_case_that_ends_before_it_was_submitted_is_not_submitted(tmp_path: Path) -> None:
    """Withdrawn while LaporGub was away and never tried: nothing goes out."""
    sync = Sync(tmp_path)
    async with sync.running(tick_seconds=60.0):
        case = CaseEvents("withdrawn")
        await sync.hears(case.created(), case.assigned(), case.progressed("archived"))
        await sync.world.settled()
        mirror = await sync.mirror(case)
    sync.world.close()

    assert [] == mirror["jobs"]
    assert "not_due" == mirror["decision"]


async def test_every_event_of_ours_names_its_cause(sync: Sync) -> None:
    """linked is told by a worker, and still belongs to the chain of the assignment."""
    case = CaseEvents("cause")
    created, assigned = case.created(), case.assigned()
    await sync.hears(created, assigned)
    await sync.has_told(case, "linked")
    assert sync.service is not None
    stored = await sync.service.runtime.store.events(CASES, case.id, 0)

    causes = [one.raw.attributes()["causationid"] for one in stored[:2]]
    assert [raw.attributes()["id"] for raw in (created, assigned)] == causes
