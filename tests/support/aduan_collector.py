"""A small collector of traces: OTLP over HTTP on a free port, decoded by OpenTelemetry's own types."""

import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Status

PATH: Final = "/v1/traces"


@dataclass(frozen=True, slots=True)
class Seen:
    """A span as it arrived. Ids in hex; parent: empty at a root. seconds: how long it took."""

    service: str
    name: str
    trace_id: str
    span_id: str
    parent: str
    links: tuple[tuple[str, str], ...]
    attributes: dict[str, Any]
    failed: bool
    status: str
    began: float
    seconds: float


class Collector:
    """Keeps what it is sent, as bytes and decoded."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.spans: list[Seen] = []
        self.answers = 200
        self._lock = threading.Lock()
        collector = self

        class Door(BaseHTTPRequestHandler):
            """What a collector answers."""

            def do_POST(self) -> None:
                """Take one request."""
                body = self.rfile.read(int(self.headers["Content-Length"]))
                known = self.path == PATH
                if known and collector.answers == 200:
                    collector.take(body)
                self.send_response(collector.answers if known else 404)
                self.send_header("Content-Type", "application/x-protobuf")
                self.end_headers()
                self.wfile.write(ExportTraceServiceResponse().SerializeToString())

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def take(self, body: bytes) -> None:
        """Decode and keep one request."""
        request = ExportTraceServiceRequest.FromString(body)
        with self._lock:
            self.bodies.append(body)
            for group in request.resource_spans:
                resource = _values(group.resource.attributes)
                for scope in group.scope_spans:
                    self.spans += [_seen(resource["service.name"], span) for span in scope.spans]

    def of(self, trace_id: str) -> list[Seen]:
        """The spans of one trace so far."""
        with self._lock:
            return [span for span in self.spans if span.trace_id == trace_id]

    def named(self, name: str) -> list[Seen]:
        """The spans of one name so far."""
        with self._lock:
            return [span for span in self.spans if span.name == name]

    def until(self, holds: Callable[[], object], within: float = 20.0) -> None:
        """Wait until something holds; it is looked at ten times a second. Blocks: use a thread."""
        deadline = time.monotonic() + within
        while not holds():
            assert time.monotonic() < deadline, sorted({span.name for span in self.spans})
            time.sleep(0.1)

    def __enter__(self) -> Self:
        """Listen."""
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Close the door."""
        self._server.shutdown()
        self._server.server_close()


def _values(attributes: Any) -> dict[str, Any]:
    return {
        one.key: getattr(one.value, one.value.WhichOneof("value") or "string_value")
        for one in attributes
    }


def _seen(service: str, span: Any) -> Seen:
    return Seen(
        service=service,
        name=span.name,
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        links=tuple((link.trace_id.hex(), link.span_id.hex()) for link in span.links),
        attributes=_values(span.attributes),
        failed=span.status.code == Status.STATUS_CODE_ERROR,
        status=span.status.message,
        began=span.start_time_unix_nano / 1e9,
        seconds=(span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
    )


def roots(spans: Sequence[Seen]) -> list[Seen]:
    """The spans above which nothing of the same list stands."""
    known = {span.span_id for span in spans}
    return [span for span in spans if span.parent not in known]


@contextmanager
def deaf_collector() -> Iterator[str]:
    """An address that takes connections and never answers: the worst that a collector can do."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(128)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
