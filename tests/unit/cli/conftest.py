"""A stand-in for the intake of an instance, on a real port: what the feeder can see of it."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

TOKEN = "operator-token"


@dataclass
class Intake:
    """Acknowledges by external id, as intake promises; can be told to be busy."""

    url: str = ""
    tickets: dict[str, str] = field(default_factory=dict)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    posts: int = 0
    portals: int = 0
    busy: int = 0
    retry_after: str = "0"
    broken: bool = False
    in_flight: int = 0
    most_in_flight: int = 0

    async def portal(self, request: Request) -> Response:
        """Give a key of the portal; 409 for one that exists."""
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return problem(401, "The API key is not valid.")
        self.portals += 1
        if request.url.path == "/v1/portals" and self.portals > 1:
            return problem(409, "Something of that name already exists.")
        return JSONResponse({"key": "portal-key"}, status_code=201)

    async def complaint(self, request: Request) -> Response:
        """Acknowledge, repeat, refuse or be busy."""
        self.posts += 1
        if request.headers.get("authorization") != "Bearer portal-key":
            return problem(401, "The API key is not valid.")
        if self.busy:
            self.busy -= 1
            return JSONResponse(
                {"title": "away"}, status_code=503, headers={"Retry-After": self.retry_after}
            )
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        body = await request.json()
        self.in_flight -= 1
        if self.broken:
            return problem(500, "Something went wrong on our side.")
        if body["text"] == "tolak":
            return problem(422, "Some fields are not right.", [("text", "is not welcome")])
        known = body["external_id"] in self.tickets
        ticket = self.tickets.setdefault(body["external_id"], f"SMG-{len(self.tickets)}")
        self.bodies.append(body)
        return JSONResponse(
            {"ticket": ticket, "reporter_token": "t"},
            status_code=201,
            headers={"Idempotent-Replayed": "true"} if known else {},
        )


def problem(status: int, title: str, errors: list[tuple[str, str]] | None = None) -> Response:
    """Return a problem+json answer."""
    members: dict[str, Any] = {"title": title, "status": status}
    if errors:
        members["errors"] = [{"field": name, "message": words} for name, words in errors]
    return JSONResponse(members, status_code=status, media_type="application/problem+json")


@pytest.fixture
def intake(monkeypatch: pytest.MonkeyPatch) -> Iterator[Intake]:
    """Run the stand-in until the test ends, and let its token be found."""
    stand_in = Intake()
    app = Starlette(
        routes=[
            Route("/v1/portals", stand_in.portal, methods=["POST"]),
            Route("/v1/portals/feed/keys", stand_in.portal, methods=["POST"]),
            Route("/v1/complaints", stand_in.complaint, methods=["POST"]),
        ]
    )
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
    stand_in.url = f"http://127.0.0.1:{port}"
    monkeypatch.setenv("ADUAN_TOKEN", TOKEN)
    yield stand_in
    server.should_exit = True
    thread.join(10)
