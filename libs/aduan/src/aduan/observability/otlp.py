"""Sends spans to a collector over OTLP/HTTP, with OpenTelemetry's own SDK and exporter.

What leaves the work is a light `Span`; here it becomes one of the SDK's, with the ids that our own
trace context gave it, and waits in a bounded queue for the SDK's thread. A collector that is slow
or away costs spans, which are counted, and never work. Loaded only where a collector is named.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final

import structlog
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    Tracer,
    set_span_in_context,
)

from aduan.observability.spans import Kind, Span, send_to
from aduan.observability.trace import TraceContext
from aduan.observability.trace_metrics import TraceMetrics

QUEUE: Final = 4_096
BATCH: Final = 256
DELAY_SECONDS: Final = 1.0
EXPORT_SECONDS: Final = 5.0
FLUSH_SECONDS: Final = 3.0

_KINDS: Final[Mapping[Kind, SpanKind]] = {
    "server": SpanKind.SERVER,
    "client": SpanKind.CLIENT,
    "consumer": SpanKind.CONSUMER,
    "producer": SpanKind.PRODUCER,
    "internal": SpanKind.INTERNAL,
}
_RECORDED: Final = TraceFlags(TraceFlags.SAMPLED)

log = structlog.get_logger("aduan.traces")


@asynccontextmanager
async def exporting(
    endpoint: str, metrics: TraceMetrics, *, flush_seconds: float = FLUSH_SECONDS
) -> AsyncIterator[None]:
    """Send this process's spans to a collector until the block is left; then send what waits.

    endpoint: the collector's base address; `/v1/traces` is added. Leaving takes at most
    `flush_seconds`; what could not be sent by then is counted as failed.
    """
    exporter = OTLPSpanExporter(
        endpoint=endpoint.rstrip("/") + "/v1/traces", timeout=EXPORT_SECONDS
    )
    sink = OtlpSink(exporter, metrics)
    send_to(sink)
    try:
        yield
    finally:
        send_to(None)
        await sink.close(flush_seconds)


class OtlpSink:
    """See spans.Sink. The queue is bounded by what was taken and is not yet answered for."""

    def __init__(
        self, exporter: SpanExporter, metrics: TraceMetrics, *, queue: int = QUEUE
    ) -> None:
        """queue: with so many spans waiting, further ones are dropped."""
        self._metrics = metrics
        self._queue = queue
        self._given = _GivenIds()
        self._exporter = _Answering(exporter, metrics)
        self._processor = BatchSpanProcessor(
            self._exporter,
            max_queue_size=queue,
            schedule_delay_millis=DELAY_SECONDS * 1000,
            max_export_batch_size=min(BATCH, queue),
        )
        self._tracers: dict[str, Tracer] = {}

    def take(self, span: Span) -> None:
        """See Sink."""
        if self._exporter.waiting >= self._queue:
            self._metrics.spans.add(outcome="dropped")
            return
        self._exporter.awaits()
        self._given.next(span.context)
        made = self._tracer(span.service).start_span(
            span.told_name,
            context=_parent(span),
            kind=_KINDS[span.kind],
            attributes=span.told(),
            links=[Link(_context(link)) for link in span.links],
            start_time=span.began_ns,
        )
        if span.error is not None:
            made.set_status(Status(StatusCode.ERROR, span.told_error))
        made.end(span.ended_ns)

    def _tracer(self, service: str) -> Tracer:
        tracer = self._tracers.get(service)
        if tracer is None:
            provider = TracerProvider(
                # Not Resource.create: it tells of the process and its command line.
                resource=Resource({"service.name": service, "service.namespace": "aduan"}),
                # What comes here is wanted already: its trace is recorded, or it failed.
                sampler=ALWAYS_ON,
                id_generator=self._given,
                shutdown_on_exit=False,
            )
            provider.add_span_processor(self._processor)
            tracer = self._tracers[service] = provider.get_tracer("aduan")
        return tracer

    async def close(self, seconds: float) -> None:
        """Send what waits, for at most so long."""
        # A daemon: a collector that does not answer must not keep the process.
        ending = threading.Thread(target=self._processor.shutdown, name="traces-end", daemon=True)
        ending.start()
        try:
            async with asyncio.timeout(seconds):
                while ending.is_alive():  # noqa: ASYNC110 - a thread tells by ending
                    await asyncio.sleep(0.01)
        except TimeoutError:
            log.warning("traces.unsent", spans=self._exporter.waiting)
            self._exporter.give_up()


class _GivenIds(IdGenerator):
    """Hands the SDK the ids that a span has already."""

    def __init__(self) -> None:
        self._mine = threading.local()

    def next(self, context: TraceContext) -> None:
        self._mine.context = context

    def generate_span_id(self) -> int:
        return int(self._mine.context.span_id, 16)

    def generate_trace_id(self) -> int:
        return int(self._mine.context.trace_id, 16)


class _Answering(SpanExporter):
    """Counts what becomes of spans, and says once when a collector goes away or comes back."""

    def __init__(self, inner: SpanExporter, metrics: TraceMetrics) -> None:
        self._inner = inner
        self._metrics = metrics
        self._lock = threading.Lock()
        self._away = False
        self._gave_up = False
        self.waiting = 0

    def awaits(self) -> None:
        """One more span was handed to the queue."""
        with self._lock:
            self.waiting += 1

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """See SpanExporter. Runs in the processor's thread."""
        sent = not self._gave_up and self._inner.export(spans) is SpanExportResult.SUCCESS
        if not sent and not self._away:
            log.warning("traces.collector_away", spans=len(spans))
        elif sent and self._away:
            log.warning("traces.collector_back")
        self._away = not sent
        self._metrics.spans.add(len(spans), outcome="exported" if sent else "failed")
        with self._lock:
            self.waiting -= len(spans)
        return SpanExportResult.SUCCESS if sent else SpanExportResult.FAILURE

    def give_up(self) -> None:
        """Send nothing more, and interrupt what is waiting for the collector."""
        self._gave_up = True
        self._inner.shutdown()

    def shutdown(self) -> None:
        """See SpanExporter."""
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """See SpanExporter: nothing waits here."""
        return self._inner.force_flush(timeout_millis)


def _context(context: TraceContext, span_id: str | None = None) -> SpanContext:
    return SpanContext(
        int(context.trace_id, 16),
        int(span_id or context.span_id, 16),
        is_remote=True,
        trace_flags=_RECORDED,
    )


def _parent(span: Span) -> Context:
    if span.parent_span_id is None:
        return Context()
    above = _context(span.context, span.parent_span_id)
    return set_span_in_context(NonRecordingSpan(above), Context())
