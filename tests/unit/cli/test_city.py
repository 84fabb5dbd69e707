"""How the cast uses the public interfaces: the right key, the right body, and waits that look ahead."""

import json
from typing import Any

import httpx
import pytest

from aduan_simulators.people.city import City
from aduan_simulators.people.script import Step
from aduan_simulators.people.town import NotNow, SeenCase

CASE = SeenCase("c-1", "SMG-1", "assigned", "DPU", "jalan")
URLS = {"intake": "http://intake", "routing": "http://routing", "sla": "http://sla"}


class Ring:
    """Keys that say whose they are."""

    async def office(self, code: str) -> str:
        return f"key-{code}"

    async def coordinator(self) -> str:
        return "key-coordinator"

    def reader(self) -> str:
        return "key-reader"


class Desk:
    """A routing with one case whose entries a test may add to."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, Any, httpx.Headers]] = []
        self.status = 200
        self.case: dict[str, Any] = {
            "id": "c-1", "opd": "DPU", "physical": True, "proposed": None,
            "suggestions": [{"opd": "DISPERKIM"}, {"opd": "DLH"}],
            "entries": [{"at": "2026-12-31T18:00:00.000000Z", "action": "decide", "to": "assigned"}],
        }  # fmt: skip

    def happened(self, action: str, to: str) -> None:
        """Add an entry."""
        entry = {"at": "2026-12-31T18:00:00.000000Z", "action": action, "to": to}
        self.case = {**self.case, "entries": [*self.case["entries"], entry]}

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer every call; an act adds its own entry."""
        path = request.url.path
        is_json = request.headers.get("content-type") == "application/json"
        body = json.loads(request.content) if is_json else None
        self.sent.append((f"{request.method} {request.url.host}", path, body, request.headers))
        if self.status != 200:
            return httpx.Response(self.status, json={"code": "transition_not_allowed"})
        if path == "/v1/evidence":
            return httpx.Response(201, json={"id": "photo-1"})
        if path.startswith("/v1/clocks/"):
            return httpx.Response(200, json={"notices": [{"kind": "warn"}, {"kind": "breach"}]})
        if request.method == "POST" and path.startswith("/v1/cases/"):
            action = path.rpartition("/")[2]
            self.happened(action, {"return": "returned", "answer": "answered"}.get(action, "other"))
        return httpx.Response(200, json=self.case)


@pytest.fixture
def desk() -> Desk:
    """A desk."""
    return Desk()


@pytest.fixture
def city(desk: Desk) -> City:
    """The cast's hands at that desk."""
    client = httpx.AsyncClient(transport=httpx.MockTransport(desk.answer))
    return City(client, URLS, Ring())


async def test_an_office_answers_with_its_own_key_and_a_picture(city: City, desk: Desk) -> None:
    """Evidence goes first, its id into the answer."""
    step = Step(by="office", do="answer", text="sudah", evidence=True)
    await city.act(CASE, step)
    _, path, body, headers = desk.sent[-1]

    assert "/v1/cases/c-1/answer" == path
    assert {"text": "sudah", "evidence": ["photo-1"]} == body
    assert "Bearer key-DPU" == headers["authorization"]
    assert "/v1/evidence" in [sent[1] for sent in desk.sent]


async def test_an_answer_about_paper_needs_no_picture(city: City, desk: Desk) -> None:
    """Only physical categories do."""
    desk.case["physical"] = False
    await city.act(CASE, Step(by="office", do="answer", text="sudah", evidence=True))

    assert [] == desk.sent[-1][2]["evidence"]


async def test_a_debt_is_dated_from_the_last_entry_in_wib(city: City, desk: Desk) -> None:
    """18:00 UTC on 31 December is New Year's Day in Semarang."""
    await city.act(CASE, Step(by="office", do="conditionally_close", text="nanti", due_in_days=21))

    assert "/v1/cases/c-1/close-conditionally" == desk.sent[-1][1]
    assert ("2027-01-22", 2027) == (desk.sent[-1][2]["on"], desk.sent[-1][2]["fiscal_year"])


async def test_a_unit_never_proposes_itself(city: City, desk: Desk) -> None:
    """The other one is proposed then."""
    step = Step(by="office", do="return", text="bukan", proposed="DPU", proposed_else="DISHUB")
    await city.act(CASE, step)

    assert "DISHUB" == desk.sent[-1][2]["proposed"]


async def test_the_coordinator_avoids_the_silent_office(city: City, desk: Desk) -> None:
    """The next suggestion is taken."""
    await city.act(CASE, Step(by="coordinator", do="assign_suggested", avoid="DISPERKIM"))

    assert "DLH" == desk.sent[-1][2]["opd"]
    assert "Bearer key-coordinator" == desk.sent[-1][3]["authorization"]


async def test_a_wait_looks_only_at_what_came_after_the_last_act(city: City, desk: Desk) -> None:
    """A state of earlier days does not count; the act's own state does, once."""
    desk.happened("start", "in_progress")
    await city.act(CASE, Step(by="office", do="answer", text="sudah"))

    assert not await city.was_in(CASE, "in_progress")
    assert await city.was_in(CASE, "answered")
    assert not await city.was_in(CASE, "answered")
    desk.happened("object", "in_progress")
    assert await city.was_in(CASE, "in_progress")


async def test_a_reporter_speaks_with_his_token_to_intake(city: City, desk: Desk) -> None:
    """No key of anybody goes along."""
    step = Step(by="reporter", do="rating", rating=5, text="bagus")
    await city.reply(CASE, step, "token-1")
    where, path, body, headers = desk.sent[-1]

    assert ("POST intake", "/v1/complaints/SMG-1/replies") == (where, path)
    assert {"kind": "rating", "text": "bagus", "rating": 5} == body
    assert "token-1" == headers["x-reporter-token"]
    assert "authorization" not in headers


async def test_breaches_are_read_from_the_clocks(city: City) -> None:
    """A notice of the kind breach."""
    assert await city.breached(CASE)


async def test_a_refusal_is_not_now(city: City, desk: Desk) -> None:
    """With the problem's code, for the log."""
    desk.status = 409
    with pytest.raises(NotNow, match="409 transition_not_allowed"):
        await city.act(CASE, Step(by="office", do="accept"))
