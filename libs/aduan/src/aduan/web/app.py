"""The FastAPI app that every service starts from: problems, edge, health, documentation, metrics.

Paths are owned by resource (`/v1/complaints` ...), and what all services have stands under the
service's own name (`/intake/health/live`), so one port, an ingress and a single process look alike.
The short forms `/health/live` and `/health/ready` are for probes of a service that runs alone.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from http import HTTPStatus
from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from aduan.contracts.envelope import EventTooLarge
from aduan.errors import Busy
from aduan.web import docs_page, health, openapi, rejections
from aduan.web.catalogue import BY_STATUS, Code
from aduan.web.edge import KIB, Edge, HttpMetrics
from aduan.web.health import Check, Report
from aduan.web.keys import Authenticator
from aduan.web.problems import Problem

BODY_LIMIT: Final = 256 * KIB
RETRY_AFTER_SECONDS: Final = 2

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


class App(FastAPI):
    """FastAPI behind our edge. The edge is outermost, so a shortcut does not pay for the framework.

    before_metrics: awaited before each answer of `/metrics`; set by the host of the process.
    """

    _front: ASGIApp
    _inner: ASGIApp
    before_metrics: Callable[[], Awaitable[None]] | None = None

    def behind(self, edge: Callable[[ASGIApp], ASGIApp]) -> None:
        """Put the edge in front. Once, before the first request."""
        self._inner = super().__call__
        self._front = edge(self._pass_on)

    def shortcut(self, layer: Callable[[ASGIApp], ASGIApp]) -> None:
        """Put a bare ASGI layer between the edge and the framework."""
        self._inner = layer(self._inner)

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._inner(scope, receive, send)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        await self._front(scope, receive, send)


def new_app(
    title: str,
    *,
    service: str,
    http_metrics: HttpMetrics,
    version: str = "0.1.0",
    description: str = "",
    authenticator: Authenticator | None = None,
    live: Callable[[], bool] | None = None,
    ready: Mapping[str, Check] | Report | None = None,
    registry: CollectorRegistry | None = None,
    before_metrics: Callable[[], Awaitable[None]] | None = None,
    body_limit: int = BODY_LIMIT,
    body_limits: Sequence[tuple[str, int]] = (),
    lifespan: Lifespan | None = None,
) -> App:
    """Return an app with everything but the service's own routes.

    service: its name in the topics table, the first part of its own paths (`/sync-laporgub/...`).
    live: whether the process still makes progress (Runtime.progressing); no dependency is asked.
    ready: named checks, read at each call, or one report of what is wrong (Runtime.ready).
    registry: served at `/metrics` when given; a process that runs several services serves its own.
    before_metrics: awaited before each scrape, to bring levels up to date (aduan.levels).
    body_limits: (path suffix, bytes) where a route takes more than `body_limit`.
    """
    app = App(
        title=title,
        version=version,
        description=description,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
    )
    app.state.authenticator = authenticator
    app.openapi = lambda: openapi.document(app)  # type: ignore[method-assign]  # FastAPI's own hook
    app.behind(
        partial(
            Edge, service=service, metrics=http_metrics, body_limit=body_limit, limits=body_limits
        )
    )
    install_handlers(app)
    _add_health(app, service, live, ready if ready is not None else {})
    _add_documents(app, service)
    app.before_metrics = before_metrics
    if registry is not None:
        _add_metrics(app, registry)
    return app


def install_handlers(app: FastAPI) -> None:
    """Make the app answer each of our errors, and each of the framework's, as a problem."""

    async def on_problem(_request: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)
        return error.response()

    async def on_invalid(_request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return rejections.from_errors(error.errors()).response()

    async def on_busy(_request: Request, _error: Exception) -> Response:
        headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
        return Problem("unavailable", headers=headers).response()

    async def on_http(_request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code < HTTPStatus.BAD_REQUEST:
            return Response(status_code=error.status_code, headers=dict(error.headers or {}))
        ours = error.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
        fallback: Code = "internal" if ours else "malformed"
        code = BY_STATUS.get(error.status_code, fallback)
        return Problem(code, headers=error.headers).response()

    async def on_too_large(_request: Request, _error: Exception) -> Response:
        return Problem("content_too_large").response()

    async def on_bug(_request: Request, _error: Exception) -> Response:
        return Problem("internal").response()  # the edge logs and counts it

    app.add_exception_handler(Exception, on_bug)
    app.add_exception_handler(Problem, on_problem)
    app.add_exception_handler(EventTooLarge, on_too_large)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(Busy, on_busy)
    app.add_exception_handler(HTTPException, on_http)


def _add_health(
    app: FastAPI,
    service: str,
    live: Callable[[], bool] | None,
    ready: Mapping[str, Check] | Report,
) -> None:
    async def is_live() -> Response:
        stuck = live is not None and not live()
        return await health.answer(
            {"progress": lambda: "nothing moves any more" if stuck else None}
        )

    async def is_ready() -> Response:
        return await health.answer(ready)

    for prefix in ("", f"/{service}"):
        app.add_api_route(f"{prefix}/health/live", is_live, include_in_schema=False)
        app.add_api_route(f"{prefix}/health/ready", is_ready, include_in_schema=False)


def _add_documents(app: FastAPI, service: str) -> None:
    async def schema() -> dict[str, object]:
        return openapi.document(app)

    async def docs() -> Response:
        return HTMLResponse(docs_page.render(openapi.document(app), f"/{service}/openapi.json"))

    app.add_api_route(f"/{service}/openapi.json", schema, include_in_schema=False)
    app.add_api_route(f"/{service}/docs", docs, include_in_schema=False)


def _add_metrics(app: App, registry: CollectorRegistry) -> None:
    async def metrics() -> Response:
        if app.before_metrics is not None:
            await app.before_metrics()
        # Thousands of lines take a tenth of a second: the loop serves others meanwhile.
        text = await asyncio.to_thread(generate_latest, registry)
        return Response(text, media_type=CONTENT_TYPE_LATEST)

    app.add_api_route("/metrics", metrics, include_in_schema=False)
