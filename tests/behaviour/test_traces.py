"""Traces of one delivery, one command and one request: what is told, under which ids, and what not."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aduan_collector import Collector, Seen
from aduan_harness import World
from aduan_http import client_of
from fastapi import FastAPI
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from prometheus_client import CollectorRegistry
from starlette.requests import Request

from aduan.cases import Handler
from aduan.clock import ManualClock
from aduan.contracts.envelope import Emit, Incoming, Reaction
from aduan.contracts.examples import CASE_ID, EXAMPLES
from aduan.contracts.values import View
from aduan.errors import Busy, Poison
from aduan.observability import spans, trace
from aduan.observability.otlp import OtlpSink
from aduan.observability.trace_metrics import TraceMetrics
from aduan.observability.tracing import tracing
from aduan.service import Service, ServiceSpec
from aduan.storage.port import Body, Collection
from aduan.web.app import new_app
from aduan.web.edge import HttpMetrics
from aduan.web.problems import Problem

CASES = Collection("cases")
SECRET = "Zulqarnain 081234567890 zq@leak.test 3374010101900001"


class Seen1(View):
    """Nothing but the envelope is used."""


def counted() -> TraceMetrics:
    """What counts the spans of a host that nobody scrapes."""
    return TraceMetrics(CollectorRegistry())


async def _no_app(*_: object) -> None:
    return None


class Pair:
    """intake, which tells, and routing, which listens and may fail."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.failure: Exception | None = None
        self.causes: list[str] = []
        handlers = {
            name: Handler(Seen1, self.react) for name in ("complaint.created", "complaint.replied")
        }
        self.intake = world.runtime(ServiceSpec("intake", (CASES,), {}, opener=None))
        self.routing = world.runtime(ServiceSpec("routing", (CASES,), handlers))

    def react(self, body: Body | None, event: Incoming[Seen1], now: datetime) -> Reaction:
        """Tell one entry of it, or fail."""
        if self.failure is not None:
            raise self.failure
        self.causes.append(event.traceparent)
        entry = EXAMPLES["complaint.progressed"]["smallest"]
        return Reaction({"n": 1}, (Emit("complaint.progressed", entry),))

    async def tell(self) -> None:
        """Create the case, or add to it, as a request would."""

        def run(body: Body | None, _: datetime) -> Reaction:
            topic = "complaint.created" if body is None else "complaint.replied"
            return Reaction({"n": 1}, (Emit(topic, EXAMPLES[topic]["smallest"]),))

        with trace.bound(trace.arrived(None)):
            await self.intake.cases.command(CASE_ID, run, tenant="33.74")

    async def carried(self) -> list[trace.TraceContext]:
        """The trace contexts of what both services told of the case."""
        found = []
        for runtime in (self.intake, self.routing):
            for stored in await runtime.store.events(CASES, CASE_ID, 0):
                context = trace.parse(stored.raw.attributes()["traceparent"])
                assert context is not None
                found.append(context)
        return found

    async def run(self, times: int = 1) -> None:
        """Tell so often, and let it come through."""
        async with self.world.running(
            Service(self.intake, _no_app), Service(self.routing, _no_app)
        ):
            await self.world.settled()  # the first sweep of a start may publish again
            for _ in range(times):
                await self.tell()
                await self.world.settled()


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Pair]:
    """The two services, not running yet."""
    world = World(tmp_path, ManualClock(datetime(2026, 12, 1, tzinfo=UTC)))
    yield Pair(world)
    world.close()


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A collector that listens."""
    with Collector() as found:
        yield found


async def test_what_follows_from_an_event_hangs_below_its_delivery(
    pair: Pair, collector: Collector
) -> None:
    """command -> complaint.created -> delivery -> complaint.progressed, one trace, right parents."""
    async with tracing(ratio=1.0, endpoint=collector.url, metrics=counted()):
        await pair.run()

    (command,) = collector.named("case.command")
    (delivery,) = collector.named("complaint.created")
    created, progressed = await pair.carried()
    assert (
        {span.trace_id for span in collector.spans} == {created.trace_id} == {progressed.trace_id}
    )
    assert command.span_id == created.span_id == delivery.parent
    assert delivery.span_id == progressed.span_id
    assert pair.causes == [str(progressed)]  # what a stored job of the handler would keep
    assert delivery.attributes == {
        "aduan.case_id": CASE_ID,
        "aduan.tenant": "33.74",
        "messaging.destination.name": "complaint.created",
        "aduan.stream": "intake",
        "aduan.seq": 1,
        "aduan.event_id": delivery.attributes["aduan.event_id"],
        "aduan.outcome": "applied",
    }
    published = collector.named("publish complaint.created")
    assert [span.parent for span in published] == [command.span_id]


async def test_a_trace_that_is_not_recorded_exports_nothing(
    pair: Pair, collector: Collector
) -> None:
    """The ids travel all the same: log lines and events of one complaint belong together."""
    async with tracing(ratio=0.0, endpoint=collector.url, metrics=counted()):
        await pair.run()

    created, progressed = await pair.carried()
    assert created.trace_id == progressed.trace_id
    assert (False, False) == (created.sampled, progressed.sampled)
    assert collector.spans == []


@pytest.mark.parametrize(
    ("failure", "outcome"), [(Poison(SECRET), "poison"), (ValueError(SECRET), "bug")]
)
async def test_a_failed_delivery_is_exported_although_its_trace_is_not_recorded(
    pair: Pair, collector: Collector, failure: Exception, outcome: str
) -> None:
    """With the type of the error and its places, in the trace of its complaint, without its words."""
    pair.failure = failure
    async with tracing(ratio=0.0, endpoint=collector.url, metrics=counted()):
        await pair.run()

    (span,) = collector.spans
    (created,) = await pair.carried()
    assert (span.trace_id, span.parent) == (created.trace_id, created.span_id)
    assert (span.failed, span.status) == (True, type(failure).__name__)
    assert span.attributes["aduan.outcome"] == outcome
    assert span.attributes["error.type"] == type(failure).__name__
    assert "test_traces:" in span.attributes["aduan.places"]
    assert not any(word.encode() in body for body in collector.bodies for word in SECRET.split())


async def test_an_event_that_came_too_early_is_told_as_kept_and_then_as_applied(
    pair: Pair, collector: Collector
) -> None:
    """Two spans of one name: when it came, and when its turn came."""
    async with tracing(ratio=1.0, endpoint=collector.url, metrics=counted()):
        await pair.tell()
        await pair.tell()
        first, second = [one.raw for one in await pair.intake.store.events(CASES, CASE_ID, 0)]
        await pair.routing.cases.deliver(CASE_ID, [second])
        await pair.routing.cases.deliver(CASE_ID, [first])
        await pair.routing.cases.deliver(CASE_ID, [first, second])  # again: told to nobody

    told = [
        (span.name, span.attributes["aduan.outcome"])
        for span in collector.spans
        if span.service == "routing"
    ]
    assert told == [
        ("complaint.replied", "kept"),
        ("complaint.created", "applied"),
        ("complaint.replied", "applied"),
    ]


async def test_a_later_command_begins_a_trace_that_is_linked_to_the_first(
    pair: Pair, collector: Collector
) -> None:
    """And what follows from it is in its own trace."""
    async with tracing(ratio=1.0, endpoint=collector.url, metrics=counted()):
        await pair.run(times=2)

    first, later = collector.named("case.command")
    assert first.trace_id != later.trace_id
    assert first.links == ()
    assert later.links == ((first.trace_id, first.span_id),)
    (replied,) = collector.named("complaint.replied")
    assert replied.trace_id == later.trace_id


async def test_a_bug_in_a_command_is_exported_and_an_answer_is_none(
    pair: Pair, collector: Collector
) -> None:
    """What the caller can understand is an answer; Busy comes again."""

    def failing(error: Exception) -> object:
        def run(_body: Body | None, _now: datetime) -> Reaction:
            raise error

        return run

    async with tracing(ratio=0.0, endpoint=collector.url, metrics=counted()):
        for error in (Problem("not_found"), Busy("away"), ZeroDivisionError(SECRET)):
            with pytest.raises(type(error)):
                await pair.intake.cases.command(CASE_ID, failing(error), tenant="33.74")  # type: ignore[arg-type]  # a closure

    assert [(span.name, span.status) for span in collector.spans] == [
        ("case.command", "ZeroDivisionError")
    ]


def an_app() -> FastAPI:
    """An app with an operation that works, one that is away and one with a bug."""
    app = new_app("Edge", service="sla", http_metrics=HttpMetrics(CollectorRegistry()))

    @app.post("/v1/things/{name}")
    async def post(name: str, request: Request) -> dict[str, str | None]:
        if name == "bug":
            raise RuntimeError(SECRET)
        if name == "away":
            raise Busy(SECRET)
        return {"trace": trace.current()}

    return app


async def test_a_request_is_told_by_its_template_and_a_failed_one_always(
    collector: Collector,
) -> None:
    """The path holds a name; 5xx are errors; health questions are told to nobody."""
    registry = CollectorRegistry()
    async with (
        client_of(an_app()) as client,
        tracing(ratio=0.0, endpoint=collector.url, metrics=TraceMetrics(registry)),
    ):
        for path in ("/v1/things/zulqarnain", "/v1/things/bug", "/v1/things/away", "/nowhere"):
            await client.post(path, content=SECRET)
        for path in ("/health/live", "/sla/health/ready"):
            await client.get(path)

    told = {span.status: span for span in collector.spans}
    assert set(told) == {"RuntimeError", "503"}
    assert {span.name for span in told.values()} == {"POST /v1/things/{name}"}
    assert {span.service for span in told.values()} == {"sla"}
    assert told["503"].attributes == {
        "http.request.method": "POST",
        "http.route": "/v1/things/{name}",
        "http.response.status_code": 503,
        "error.type": "503",
        "aduan.places": "",
    }
    assert registry.get_sample_value("aduan_trace_spans_total", {"outcome": "exported"}) == 2


async def test_a_caller_is_followed_but_does_not_decide_what_we_record(
    collector: Collector,
) -> None:
    """Anybody can send a flag; what is exported is paid by us."""
    sent = f"00-{'a' * 32}-{'b' * 16}-01"
    answers = []
    for ratio in (0.0, 1.0):
        async with (
            client_of(an_app()) as client,
            tracing(ratio=ratio, endpoint=collector.url, metrics=counted()),
        ):
            for header in (sent, sent[:-2] + "00"):
                answer = await client.post("/v1/things/x", headers={"traceparent": header})
                answers.append(answer.json()["trace"])

    assert {text[:36] for text in answers} == {sent[:36]}
    assert [text[-2:] for text in answers] == ["00", "00", "01", "01"]
    assert [span.parent for span in collector.spans] == ["b" * 16] * 2


async def test_the_share_of_recorded_traces_is_the_ratio_and_both_ends_are_exact() -> None:
    """By the trace id, so each service comes to the same answer."""
    for ratio, least, most in ((0.0, 0, 0), (0.25, 400, 600), (1.0, 2000, 2000)):
        async with tracing(ratio=ratio, endpoint=None, metrics=counted()):
            begun = [trace.start() for _ in range(2000)]
            assert least <= sum(one.sampled for one in begun) <= most
            assert all(trace.arrived(str(one)).flags == one.flags for one in begun)
    assert not trace.start().sampled


async def test_work_on_a_stored_job_goes_on_in_its_trace_and_its_calls_below_it(
    collector: Collector,
) -> None:
    """Our own service is told the trace, a partner is not."""
    cause = f"00-{'a' * 32}-{'b' * 16}-01"
    async with tracing(ratio=0.0, endpoint=collector.url, metrics=counted()):
        with spans.work("partner.submit", service="sync-laporgub", cause=cause) as told:
            with spans.calling("GET", "intake", service="sync-laporgub") as ours:
                ours.status = 200
            with spans.calling("POST", "laporgub", service="sync-laporgub") as theirs:
                theirs.status = 502
            told.outcome, told.failed = "unsure", "PartnerUnsure"

    ours_seen, theirs_seen, job = collector.spans
    assert (job.trace_id, job.parent, job.failed) == ("a" * 32, "b" * 16, True)
    assert ours_seen.parent == theirs_seen.parent == job.span_id
    assert (ours_seen.failed, theirs_seen.failed) == (False, True)
    assert ours.headers == {"traceparent": f"00-{'a' * 32}-{ours_seen.span_id}-01"}
    assert theirs.headers == {}


async def test_work_that_is_put_off_or_answered_is_no_failure(collector: Collector) -> None:
    """Our own store away, a stop, or an exception that is an answer."""
    async with tracing(ratio=0.0, endpoint=collector.url, metrics=counted()):
        for error in (Busy("away"), asyncio.CancelledError(), KeyError(SECRET), OSError(SECRET)):
            with (
                pytest.raises(type(error)),
                spans.work("letter.send", service="notify", answers=(KeyError,)),
            ):
                raise error

    assert [span.status for span in collector.spans] == ["OSError"]


def as_told(**attributes: object) -> dict[str, object]:
    """What a span says of these."""
    span = spans.Span(
        "x", "sla", trace.start(), None, "internal", 0, 1, None, (), (), attributes  # type: ignore[arg-type]  # the very thing that is refused
    )  # fmt: skip
    return dict(span.told())


@pytest.mark.parametrize("name", sorted(spans.ATTRIBUTES))
@pytest.mark.parametrize("value", [*SECRET.split(), SECRET, "/v1/complaints/SMG-A2C4E-12345-X"])
def test_no_attribute_takes_a_name_a_number_an_address_or_a_text(name: str, value: str) -> None:
    """Whatever a caller passes by mistake: the form of each attribute keeps it here."""
    (told,) = as_told(**{name: value}).values()

    assert told == spans.UNTOLD


def test_an_unknown_attribute_and_a_long_number_do_not_leave() -> None:
    """The list is closed, and a count is no NIK."""
    assert as_told(text=SECRET) == {}
    assert as_told(seq=3374010101900001) == {"aduan.seq": spans.UNTOLD}


@pytest.mark.parametrize("name", [SECRET, "POST /v1/complaints/SMG-A2C4E-12345-X", "GET /a/33740"])
def test_a_name_of_a_span_is_a_template_or_nothing(name: str) -> None:
    """Path parameters hold tickets."""
    span = spans.Span(name, "sla", trace.start(), None, "server", 0, 1, SECRET, (SECRET,), (), {})

    assert span.told_name == spans.UNTOLD
    assert span.told() == {"error.type": spans.UNTOLD, "aduan.places": spans.UNTOLD}


async def test_a_collector_that_refuses_is_counted_and_said_once(
    collector: Collector, capsys: pytest.CaptureFixture[str]
) -> None:
    """And what it takes later is exported."""
    collector.answers = 400
    registry = CollectorRegistry()
    async with tracing(ratio=1.0, endpoint=collector.url, metrics=TraceMetrics(registry)):
        with spans.work("letter.send", service="notify", begins=True):
            pass
        for _ in range(100):
            await asyncio.sleep(0.05)
            if registry.get_sample_value("aduan_trace_spans_total", {"outcome": "failed"}):
                break
        collector.answers = 200
        with spans.work("letter.send", service="notify", begins=True):
            pass

    counted = {
        outcome: registry.get_sample_value("aduan_trace_spans_total", {"outcome": outcome})
        for outcome in ("exported", "failed", "dropped")
    }
    assert counted == {"exported": 1, "failed": 1, "dropped": 0}
    assert isinstance(collector.spans[0], Seen)


class Stuck(SpanExporter):
    """An exporter that waits for a collector until it is shut down."""

    def __init__(self) -> None:
        self.given_up = threading.Event()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Wait."""
        self.given_up.wait(20)
        return SpanExportResult.FAILURE

    def shutdown(self) -> None:
        """Wait no longer."""
        self.given_up.set()


async def test_what_waits_for_a_collector_is_bounded_and_the_rest_is_counted_as_dropped() -> None:
    """Taking never blocks; leaving is bounded, and in the end every span is accounted for."""
    registry = CollectorRegistry()
    exporter = Stuck()
    sink = OtlpSink(exporter, TraceMetrics(registry), queue=10)
    context = trace.TraceContext("a" * 32, "b" * 16, "01")
    span = spans.Span("letter.send", "notify", context, None, "internal", 0, 1, None, (), (), {})
    began = time.monotonic()
    for _ in range(100):
        sink.take(span)
    assert time.monotonic() - began < 1
    await sink.close(0.2)
    assert time.monotonic() - began < 2
    assert exporter.given_up.wait(1)

    def counted(outcome: str) -> float:
        return registry.get_sample_value("aduan_trace_spans_total", {"outcome": outcome}) or 0

    for _ in range(100):
        if counted("failed") == 10:
            break
        await asyncio.sleep(0.02)
    assert (counted("exported"), counted("failed"), counted("dropped")) == (0, 10, 90)
