"""status, case, dlq and replay on the command line, against a stand-in of the five services."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from aduan.ticket import new_ticket
from aduan_standalone.cli.main import main

CASE = "5f0f1c2e-0000-5000-8000-000000000001"
LETTER = f"{CASE}:intake:2"
TICKET = "SMG-NBVVF-GE48T-2"
Run = Callable[..., int]


class Services:
    """One case, one letter in sla, counts in all five; remembers what was asked of it."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Any]] = []
        self.open = True

    async def answer(self, request: Request) -> Response:
        """Answer as the operator routes do."""
        body = json.loads(await request.body() or b"null")
        path = request.url.path
        self.asked.append((request.method, path, body))
        service, _, rest = path.strip("/").partition("/ops/")
        if path == f"/v1/clocks/{TICKET}":
            return JSONResponse({"complaint_id": CASE})
        if rest == "status":
            return JSONResponse(
                {
                    "pending": 0, "held": 0, "in_flight": 0, "lag": 0,
                    "dead_letters": {"poison": 1 if service == "sla" else 0, "bug": 0, "held": 0},
                    "facts": {"received": 5} if service == "intake" else {},
                }
            )  # fmt: skip
        letter = {
            "id": LETTER, "kind": "poison", "case_id": CASE, "stream": "intake", "seq": 2,
            "topic": "complaint.replied", "reason": "text is missing", "created_at": "2026-12-01T00:00:00",
        }  # fmt: skip
        here = service == "sla" and self.open
        if rest == "dlq":
            second = request.query_params.get("cursor") == "more"
            if not here:
                return JSONResponse({"items": [], "next": None})
            return JSONResponse({"items": [letter], "next": None if second else "more"})
        if rest == f"dlq/{LETTER}" and here:
            return JSONResponse({**letter, "envelope": {"subject": CASE}, "bytes": 12})
        if rest in {f"dlq/{LETTER}/replay", f"dlq/{LETTER}/skip"} and here:
            return JSONResponse({"closed": rest.endswith("skip")})
        if rest == "re-emit":
            first = not (body or {}).get("cursor")
            return JSONResponse({"documents": 2, "events": 3, "next": "more" if first else None})
        if rest == "replay":
            return JSONResponse({"closed": 1 if here else 0})
        if rest == f"story/{CASE}" and service in {"intake", "sla"}:
            return JSONResponse(
                {"events": [], "inbox": {}, "waiting": {}, "letters": [letter] if here else []}
            )
        return JSONResponse({"title": "There is nothing here.", "status": 404}, status_code=404)


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    """Run the stand-in, and point the command line at it."""
    stand_in = Services()
    app = Starlette(routes=[Route("/{path:path}", stand_in.answer, methods=["GET", "POST"])])
    server = uvicorn.Server(
        uvicorn.Config(app, port=0, log_level="critical", lifespan="off", ws="none")
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started:
        assert time.monotonic() < deadline, "the stand-in did not start"
        time.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    monkeypatch.setenv("ADUAN_TOKEN", "token")
    monkeypatch.setenv("ADUAN_TEST_URL", f"http://127.0.0.1:{port}")
    yield stand_in
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def aduan(services: Services, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command line against the stand-in; return its exit code."""
    import os

    def run(*arguments: str) -> int:
        with pytest.raises(SystemExit) as end:
            main([*arguments, "--to", os.environ["ADUAN_TEST_URL"]])
        return int(end.value.code or 0)

    return run


def test_status_adds_up_the_services(aduan: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """--json has the promised keys; the table has the same numbers."""
    code = aduan("status", "--json")
    report = json.loads(capsys.readouterr().out)
    aduan("status")

    assert 0 == code
    assert (5, 1) == (report["received"], report["dead_letters"])
    assert "dead letters" in capsys.readouterr().out


def test_letters_of_all_services_are_listed_page_by_page(
    aduan: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every page is asked for, and each letter says whose it is."""
    aduan("dlq", "list", "--json")

    assert [("sla", LETTER)] * 2 == [
        (letter["service"], letter["id"]) for letter in json.loads(capsys.readouterr().out)
    ]


def test_no_letters_is_said(
    services: Services, aduan: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    """An empty table would look like a fault."""
    services.open = False
    aduan("dlq", "list")

    assert "No dead letters." in capsys.readouterr().out


def test_a_letter_is_shown_without_naming_its_service(
    aduan: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    """The owner is found by asking all."""
    code = aduan("dlq", "show", LETTER, "--json")

    assert 0 == code
    assert "sla" == json.loads(capsys.readouterr().out)["service"]


def test_a_replay_that_fails_again_is_exit_one(services: Services, aduan: Run) -> None:
    """A script must notice."""
    assert 1 == aduan("dlq", "replay", LETTER)
    assert ("POST", f"/sla/ops/dlq/{LETTER}/replay", None) in services.asked


def test_a_skip_needs_a_reason_and_sends_it(
    services: Services, aduan: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without one nothing is sent."""
    assert 2 == aduan("dlq", "skip", LETTER)
    assert [] == services.asked
    assert 0 == aduan("dlq", "skip", LETTER, "--reason", "wrong by a test")
    assert ("POST", f"/sla/ops/dlq/{LETTER}/skip", {"reason": "wrong by a test"}) in services.asked


@pytest.mark.parametrize("case", [CASE, TICKET, TICKET.lower().replace("-", " ")])
def test_a_case_is_replayed_in_every_service_by_id_or_ticket(
    aduan: Run, capsys: pytest.CaptureFixture[str], case: str
) -> None:
    """Any spelling of the ticket will do."""
    aduan("replay", "--case", case, "--json")

    assert {"intake": 0, "routing": 0, "sla": 1, "sync-laporgub": 0, "notify": 0} == json.loads(
        capsys.readouterr().out
    )


def test_a_case_shows_its_open_letter(aduan: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """Services that do not know the case are simply not part of the story."""
    code = aduan("case", TICKET)

    assert 0 == code
    assert "dead letter: sla poison" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("case", new_ticket("SMG")), "No case has the ticket"),
        (("case", "SMG-1"), "perhaps it is mistyped"),
        (("case", CASE.replace("1", "2")), "No service knows this case"),
        (("dlq", "show", "x"), "no open dead letter"),
        (("dlq", "list", "--service", "post"), "post is not a service"),
    ],
)
def test_what_does_not_exist_is_one_sentence_and_exit_two(
    aduan: Run, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
) -> None:
    """No traceback."""
    code = aduan(*arguments)
    error = capsys.readouterr().err

    assert 2 == code
    assert words in error
    assert 1 == len(error.strip().splitlines())


def test_an_instance_that_does_not_answer_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 1: it was tried."""
    monkeypatch.setenv("ADUAN_TOKEN", "t")
    with pytest.raises(SystemExit) as end:
        main(["status", "--to", "http://127.0.0.1:9"])

    assert 1 == end.value.code
    assert "does not answer" in capsys.readouterr().err


def test_every_producer_tells_all_its_documents_again(
    services: Services, aduan: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    """Page by page to the end, and notify, which tells nothing, is not asked."""
    code = aduan("re-emit")

    producers = ("intake", "routing", "sla", "sync-laporgub")
    pages = [(f"/{name}/ops/re-emit", at) for name in producers for at in (None, "more")]
    assert pages == [(path, (body or {}).get("cursor")) for _, path, body in services.asked]
    assert (0, 4) == (code, capsys.readouterr().out.count("6 events of 4 documents"))
    assert 2 == aduan("re-emit", "--service", "notify")
