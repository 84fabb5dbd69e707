"""What every request gets at the edge: an id, a limit, headers, a measurement, and health."""

import asyncio
import re
from typing import Any

import pytest
from aduan_http import chunks, client_of
from fastapi import APIRouter, FastAPI
from prometheus_client import CollectorRegistry, generate_latest
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Message
from structlog.testing import capture_logs

from aduan.observability import trace
from aduan.web import health
from aduan.web.app import new_app
from aduan.web.edge import Edge, HttpMetrics

SECRET = "081234567890"


class Body(BaseModel):
    text: str


def an_app(**options: Any) -> FastAPI:
    """Return an app with one operation, one bare route and one upload."""
    registry = CollectorRegistry()
    app = new_app(
        "Edge",
        service="intake",
        http_metrics=HttpMetrics(registry),
        registry=registry,
        body_limit=100,
        body_limits=(("/attachments", 1000),),
        **options,
    )
    routes = APIRouter(prefix="/v1/reports")

    @routes.post("/{ticket}")
    async def post(ticket: str, body: Body) -> dict[str, str | None]:
        return {"trace": trace.current()}

    @routes.get("/{ticket}")
    async def get(ticket: str) -> None:
        raise RuntimeError(SECRET)

    app.include_router(routes)

    async def bare(request: Request) -> Response:
        return JSONResponse({"bytes": len(await request.body())})

    app.router.add_route("/v1/bare", bare, methods=["POST"])
    app.router.add_route("/v1/{ticket}/attachments", bare, methods=["POST"])
    return app


@pytest.mark.parametrize("path", ["/v1/bare", "/v1/reports/A"])
@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_over_the_limit_is_a_413_whether_declared_or_not(
    path: str, chunked: bool
) -> None:
    """A body that does not tell its length is counted while it arrives."""
    content: Any = chunks(*[b'{"a":1}' * 5] * 4) if chunked else b"x" * 101
    async with client_of(an_app()) as client:
        answer = await client.post(
            path, content=content, headers={"content-type": "application/json"}
        )

    assert (413, "content_too_large") == (answer.status_code, answer.json()["code"])


async def test_a_body_of_exactly_the_limit_is_served_and_uploads_have_their_own() -> None:
    """The limit itself is allowed; only the upload route takes more."""
    async with client_of(an_app()) as client:
        exact = await client.post("/v1/bare", content=b"x" * 100)
        upload = await client.post("/v1/A/attachments", content=b"x" * 1000)
        too_much = await client.post("/v1/A/attachments", content=b"x" * 1001)

    assert [200, 200, 413] == [exact.status_code, upload.status_code, too_much.status_code]


async def test_every_answer_has_an_id_and_the_security_headers() -> None:
    """Errors too."""
    async with client_of(an_app()) as client:
        for path in ("/health/live", "/nowhere", "/v1/reports/A"):
            headers = (await client.get(path)).headers

            assert re.fullmatch("[0-9a-f]{32}", headers["x-request-id"])
            assert "nosniff" == headers["x-content-type-options"]
            assert "no-store" == headers["cache-control"]
            assert "default-src 'self'" in headers["content-security-policy"]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("0" * 8 + "-1111-2222-3333-" + "4" * 12, True),
        ("a" * 32, True),
        (SECRET, False),
        ("a" * 33, False),
        ("<script>", False),
    ],
)
async def test_a_callers_request_id_is_kept_only_when_it_is_an_id(given: str, kept: bool) -> None:
    """Free text in a header would travel into every log line."""
    async with client_of(an_app()) as client:
        answer = await client.get("/health/live", headers={"x-request-id": given})

    assert kept == (given == answer.headers["x-request-id"])


async def test_a_trace_goes_on_through_the_request_and_a_broken_one_begins_anew() -> None:
    """The trace id of the caller is kept, the span is ours."""
    sent = f"00-{'a' * 32}-{'b' * 16}-01"
    async with client_of(an_app()) as client:
        kept = await client.post("/v1/reports/A", json={"text": "x"}, headers={"traceparent": sent})
        fresh = await client.post("/v1/reports/A", json={"text": "x"}, headers={"traceparent": "x"})

    assert kept.json()["trace"].startswith(f"00-{'a' * 32}-")
    assert "b" * 16 not in kept.json()["trace"]
    assert trace.parse(fresh.json()["trace"]) is not None
    assert trace.current() is None


async def test_labels_are_templates_and_never_what_was_asked_for() -> None:
    """A ticket, a made-up path and a made-up method do not become series."""
    app = an_app()
    async with client_of(app) as client:
        await client.post("/v1/reports/KS-SECRET", json={"text": "x"})
        await client.get(f"/v1/{SECRET}")
        await client.request("BREW", "/v1/reports/KS-SECRET")
        text = (await client.get("/metrics")).text

    assert 'method="POST",route="/v1/reports/{ticket}",service="intake",status="2xx"' in text
    assert 'method="GET",route="unmatched",service="intake",status="4xx"' in text
    assert 'method="OTHER",route="/v1/reports/{ticket}"' in text
    assert "KS-SECRET" not in text
    assert SECRET not in text
    assert "BREW" not in text


async def test_a_bug_is_logged_by_its_type_and_place_and_counted() -> None:
    """Enough to find it, nothing of what was sent."""
    app = an_app()
    with capture_logs() as lines:
        async with client_of(app) as client:
            answer = await client.get("/v1/reports/A")
            metrics = (await client.get("/metrics")).text

    assert 500 == answer.status_code
    (line,) = [entry for entry in lines if entry["event"] == "request_failed"]
    assert "RuntimeError" == line["error"]
    assert SECRET not in str(lines)
    assert 'aduan_http_unexpected_total{service="intake"} 1.0' in metrics


async def test_a_failure_after_the_first_byte_closes_the_connection() -> None:
    """A second answer cannot be sent into a half-sent one; the error goes on to the server."""

    async def half(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("later")

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    edge = Edge(half, service="intake", metrics=HttpMetrics(CollectorRegistry()), body_limit=1)
    with pytest.raises(RuntimeError):
        await edge({"type": "http", "method": "GET", "path": "/", "headers": []}, receive, send)

    assert ["http.response.start"] == [message["type"] for message in sent]


async def test_live_tells_progress_and_asks_no_dependency() -> None:
    """A dead database must not restart the process; a stuck loop must."""
    moving = [True]

    async def broken() -> str | None:
        return "the store is away"

    app = an_app(live=lambda: moving[0], ready={"store": broken})
    async with client_of(app) as client:
        before = await client.get("/health/live")
        moving[0] = False
        after = await client.get("/intake/health/live")

    assert [200, 503] == [before.status_code, after.status_code]


async def test_ready_tells_the_truth_check_by_check() -> None:
    """One bad check is enough, and its name is there; a check that raises is a bad one."""

    def fine() -> None:
        return None

    async def raises() -> str | None:
        raise RuntimeError(SECRET)

    checks: dict[str, health.Check] = {"store": fine, "bus": lambda: "no answer"}
    app = an_app(ready=checks)
    async with client_of(app) as client:
        bad = await client.get("/intake/health/ready")
        checks["bus"] = fine
        good = await client.get("/health/ready")
        checks["broken"] = raises
        broken = await client.get("/health/ready")

    assert {"store": "ok", "bus": "no answer"} == bad.json()["checks"]
    assert [503, 200, 503] == [bad.status_code, good.status_code, broken.status_code]
    assert "check failed: RuntimeError" == broken.json()["checks"]["broken"]
    assert SECRET not in broken.text


async def test_ready_takes_one_report_of_what_is_wrong() -> None:
    """The runtime of a service gives all its checks at once."""
    wrong = {"store": "cannot be read"}

    async def report() -> dict[str, str]:
        return wrong

    async with client_of(an_app(ready=report)) as client:
        bad = await client.get("/health/ready")
        wrong.clear()
        good = await client.get("/health/ready")

    assert (503, {"store": "cannot be read"}) == (bad.status_code, bad.json()["checks"])
    assert 200 == good.status_code


async def test_a_check_that_hangs_is_a_bad_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """The probe gets its answer within the time-out."""
    monkeypatch.setattr(health, "TIMEOUT_SECONDS", 0.05)

    async def hangs() -> str | None:
        await asyncio.Event().wait()
        return None

    found = await health.run({"bus": hangs})

    assert found["bus"].startswith("no answer within")


def test_two_services_of_one_process_share_one_histogram() -> None:
    """The service is a label, so one registry holds all."""
    registry = CollectorRegistry()
    metrics = HttpMetrics(registry)
    for service in ("intake", "routing"):
        scope = {"method": "GET", "path": "/"}
        metrics.observe(service, scope, 200, 0.01)

    text = generate_latest(registry).decode()
    assert 'service="intake"' in text
    assert 'service="routing"' in text


async def test_bugs_stand_at_zero_before_the_first_request() -> None:
    """An alert on a rise does not see a series that begins at one."""
    async with client_of(an_app()) as client:
        text = (await client.get("/metrics")).text

    assert 'aduan_http_unexpected_total{service="intake"} 0.0' in text


async def test_an_operation_that_was_served_has_its_errors_at_zero_and_a_probe_has_none() -> None:
    """So the first error of a route in use is a rise; a scrape does not carry every route."""
    async with client_of(an_app()) as client:
        await client.post("/v1/reports/A", json={"text": "x"})
        await client.get("/health/ready")
        await client.get("/metrics")
        text = (await client.get("/metrics")).text

    errors = re.findall(r'aduan_http_request_seconds_count\{(.*),status="5xx"\} (.*)', text)
    assert [('method="POST",route="/v1/reports/{ticket}",service="intake"', "0.0")] == errors
