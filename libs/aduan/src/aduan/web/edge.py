"""The one middleware of every service, pure ASGI: what each request gets, whoever serves it.

Request id and trace, body limit (413, for chunked bodies too), security headers, timing metrics
with closed labels, and the last resort: an unexpected exception becomes a bare 500 problem and a
log line that names its type and place, never its words.
"""

import re
import time
from collections.abc import Iterable, Sequence
from typing import Final

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aduan.observability import spans
from aduan.observability.metrics import Series
from aduan.observability.trace import TraceContext, arrived, bound, parse
from aduan.observability.where import places
from aduan.privacy.randomness import random_bytes
from aduan.web.problems import Problem

KIB: Final = 1024
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_REQUEST_ID: Final = re.compile(
    r"[0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
)
_WATCHED: Final = ("/health/live", "/health/ready", "/metrics")
_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_POLICY: Final = (
    b"default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    b"object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", _POLICY),
)

_STATUSES: Final = ("1xx", "2xx", "3xx", "4xx", "5xx")
_SERVICES: Final = (
    "canary",
    "intake",
    "notify",
    "routing",
    "sla",
    "standalone",
    "statistics",
    "sync-laporgub",
)

log = structlog.get_logger("aduan.web")


class HttpMetrics:
    """How often and how long each operation was served. One object per process, whatever it runs.

    Labels: service, method (or OTHER), route (the template, or `unmatched`), status (2xx ...).
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ["service", "method", "route", "status"]
        # Histogram: seconds from the first byte read to the last byte sent.
        self._series: dict[tuple[str, str, str, int], Histogram] = {}
        self.seconds = Histogram(
            "aduan_http_request_seconds",
            "Time to serve a request, by route template.",
            labels,
            buckets=_BUCKETS,
            registry=registry,
        )
        # Counter: answers that should not exist: an exception nobody expected.
        self.unexpected = Counter(
            "aduan_http_unexpected",
            "Requests that ended in an unexpected exception.",
            ["service"],
            registry=registry,
        )
        # Made at first use, so that not every route has every status, but for errors (may_fail);
        # each label is closed all the same: the methods and statuses here, the templates of the app.
        self.from_library = (
            Series(
                "aduan_http_request_seconds",
                "histogram",
                "Time to serve a request, by route template.",
                {
                    "service": _SERVICES,
                    "method": (*sorted(_METHODS), "OTHER"),
                    "route": (),
                    "status": _STATUSES,
                },
                "sum",
                "Slow: see aduan_store_seconds and aduan_loop_lag_seconds. 5xx: 503 is a store or a "
                "log that is away, 500 a bug (log line request_failed). 4xx of one route: a portal "
                "sends what is refused.",
            ),
            Series(
                "aduan_http_unexpected_total",
                "counter",
                "Requests that ended in an unexpected exception.",
                {"service": _SERVICES},
                "sum",
                "Each is a bug: the log line request_failed names its type and place.",
            ),
        )

    def starts(self, service: str) -> None:
        """Let the bugs of a service stand at zero: the first is then a rise, which alerts see."""
        self.unexpected.labels(service)

    def may_fail(self, service: str, method: str, route: str) -> None:
        """Let the errors of an operation stand at zero: the first is then a rise."""
        self.seconds.labels(service, method, route, "5xx")

    def observe(self, service: str, scope: Scope, status: int, seconds: float) -> None:
        """Record one request; the labels come from closed sets only."""
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        route = getattr(scope.get("route"), "path", None) or "unmatched"
        key = (service, method, route, status // 100)
        series = self._series.get(key)
        if series is None:  # looked up once per series: the library's own look-up is slow
            series = self.seconds.labels(service, method, route, f"{status // 100}xx")
            self._series[key] = series
            if not route.endswith(_WATCHED):  # whose errors are nobody's: no alert asks for them
                self.may_fail(service, method, route)
        series.observe(seconds)


class Edge:
    """See the module. limits: (path suffix, bytes) pairs that override body_limit for uploads."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        service: str,
        metrics: HttpMetrics,
        body_limit: int,
        limits: Sequence[tuple[str, int]] = (),
    ) -> None:
        self._app = app
        self._service = service
        self._metrics = metrics
        self._body_limit = body_limit
        self._limits = tuple(limits)
        metrics.starts(service)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; anything but HTTP passes untouched."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        declared, given, traceparent = _read(scope["headers"])
        request_id = given or random_bytes(16).hex()
        context = arrived(traceparent)
        status, complete = 0, False
        failure: Exception | None = None

        async def sending(message: Message) -> None:
            nonlocal status, complete
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = _decorated(message.get("headers", ()), request_id)
            else:
                complete = not message.get("more_body", False)
            await send(message)

        with bound(context, request_id=request_id, service=self._service):
            try:
                limit = self._limit(scope["path"])
                if declared > limit:
                    await Problem("content_too_large").response()(scope, receive, sending)
                else:
                    await self._app(scope, _limited(receive, limit), sending)
            except ClientDisconnect:
                log.info("client_left")  # nobody is there to answer
            except Exception as error:  # the last resort: logged, counted, answered
                failure = error
                self._metrics.unexpected.labels(self._service).inc()
                # Not log.exception: its text would carry the error's words, so the input.
                at = places(error)
                log.error("request_failed", error=type(error).__name__, at=at)  # noqa: TRY400
                if complete:
                    return
                if status:
                    raise  # half an answer is out; only closing the connection tells the client
                await Problem("internal").response()(scope, receive, sending)
            finally:
                seconds = time.perf_counter() - began
                self._metrics.observe(self._service, scope, status or 500, seconds)
                if spans.on() and (context.sampled or failure is not None or status >= 500):
                    self._tell(scope, context, parse(traceparent), status, failure, began)

    def _tell(
        self,
        scope: Scope,
        context: TraceContext,
        parent: TraceContext | None,
        status: int,
        failure: Exception | None,
        began: float,
    ) -> None:
        route = getattr(scope.get("route"), "path", None) or "unmatched"
        if route.endswith(_WATCHED):
            return  # asked every few seconds by machines; "not ready" is an answer, not an error
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        spans.record(
            f"{method} {route}",
            context,
            service=self._service,
            began=began,
            parent=parent,
            kind="server",
            error=failure or (str(status) if status >= 500 else None),
            method=method,
            route=route,
            status=status or 500,
        )

    def _limit(self, path: str) -> int:
        for suffix, limit in self._limits:
            if path.endswith(suffix):
                return limit
        return self._body_limit


def _read(headers: Iterable[tuple[bytes, bytes]]) -> tuple[int, str | None, str | None]:
    """Return the declared body length, the caller's request id and his traceparent, in one pass.

    A request id is taken only when it is a UUID: free text could be somebody's number.
    """
    declared, request_id, traceparent = 0, None, None
    for name, value in headers:
        if name == b"content-length":
            declared = int(value) if value.isdigit() and len(value) < 20 else 0
        elif name == b"x-request-id":
            text = value.decode("latin-1")
            request_id = text if _REQUEST_ID.fullmatch(text) else None
        elif name == b"traceparent":
            traceparent = value.decode("latin-1")
    return declared, request_id, traceparent


def _limited(receive: Receive, limit: int) -> Receive:
    seen = 0

    async def receiving() -> Message:
        nonlocal seen
        message = await receive()
        if message["type"] == "http.request":
            seen += len(message.get("body", b""))
            if seen > limit:
                # An HTTPException, because FastAPI turns every other error in a body into a 400.
                raise HTTPException(413)
        return message

    return receiving


def _decorated(
    headers: Iterable[tuple[bytes, bytes]], request_id: str
) -> list[tuple[bytes, bytes]]:
    """Return the answer's headers with ours; what the operation set itself stays."""
    found = list(headers)
    present = {name.lower() for name, _ in found}
    found.extend(pair for pair in _HEADERS if pair[0] not in present)
    found.append((b"x-request-id", request_id.encode()))
    return found
