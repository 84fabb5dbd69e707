"""Spans: how long a piece of work took and how it ended, told after it ended.

A span is made only when its trace is recorded or the work failed, from the trace context that all
work has anyway and a starting time: work that is not recorded makes no object and pays one
comparison. Where nothing exports, nothing is made at all.

What a span may say is a closed list, `ATTRIBUTES`. Each entry has the form that its values may
have; a value of another form leaves as `?`. So no text, no name, no address and no exception's
words can be told, whatever a caller passes.
"""

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, Protocol, TypedDict, Unpack, get_args

from aduan.clock import wall_ns
from aduan.contracts.topics import TOPICS
from aduan.errors import Busy
from aduan.observability.trace import (
    TraceContext,
    bound,
    current,
    is_sampled,
    parse,
    start,
    unrecorded,
)
from aduan.observability.where import places

Kind = Literal["server", "client", "consumer", "producer", "internal"]
Peer = Literal["intake", "laporgub", "sp4n", "echo"]
OWN: Final = frozenset({"intake"})
UNTOLD: Final = "?"
SERVER_ERROR: Final = 500


class Attributes(TypedDict, total=False):
    """What a span may say beside its times and ids. See ATTRIBUTES for the forms."""

    case_id: str
    tenant: str
    topic: str
    stream: str
    seq: int
    event_id: str
    outcome: str
    events: int
    peer: Peer
    method: str
    route: str
    status: int


class _Form(NamedTuple):
    name: str
    form: re.Pattern[str] | None


def _form(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.ASCII)


_UUID: Final = _form(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# Closed by their words: a person's name has the form of a word as well.
_TOPIC: Final = "|".join(re.escape(topic.name) for topic in TOPICS)
_STREAMS: Final = "|".join(dict.fromkeys(topic.stream for topic in TOPICS))
_OUTCOMES: Final = "|".join(
    (
        *("applied", "kept", "held", "poison", "bug"),  # a delivery
        *("acknowledged", "refused"),  # publishing
        *("done", "found", "down", "unsure", "waiting", "handed_in", "came_back", "parked"),  # sync
        *("fetched", "gone", "away"),  # routing
        *("accepted", "accepted_partly", "deferred", "unknown"),  # letters
        *("put_off", "answered", "failed"),  # any work
    )
)
# Templates only: a number, a ticket or a UUID in a path does not fit.
_TEMPLATE: Final = r"unmatched|/|(/(v\d|[a-z_.-]{1,40}|\{[a-z_]{1,40}(:[a-z]+)?\})){1,12}/?"
_ROUTE: Final = _form(_TEMPLATE)
_WORKS: Final = "|".join(
    re.escape(name)
    for name in (
        "case.command",
        "content.fetch",
        "letter.address",
        "letter.send",
        "partner.inbound",
        "partner.pull",
        "partner.push",
        "partner.submit",
    )
)
_NAME: Final = _form(
    rf"[A-Z]{{3,7}} ({_TEMPLATE}|{'|'.join(get_args(Peer))})|(publish )?({_TOPIC})|{_WORKS}"
)
_ERROR: Final = _form(r"[A-Za-z_]{1,60}|\d{3}")
_PLACES: Final = _form(r"([A-Za-z_][\w.]{0,99}:\d{1,5}( |$))*")

ATTRIBUTES: Final[Mapping[str, _Form]] = {
    "case_id": _Form("aduan.case_id", _UUID),
    "tenant": _Form("aduan.tenant", _form(r"\d\d\.\d\d")),
    "topic": _Form("messaging.destination.name", _form(_TOPIC)),
    "stream": _Form("aduan.stream", _form(_STREAMS)),
    "seq": _Form("aduan.seq", None),
    "event_id": _Form("aduan.event_id", _UUID),
    "outcome": _Form("aduan.outcome", _form(_OUTCOMES)),
    "events": _Form("aduan.events", None),
    "peer": _Form("server.address", _form("|".join(get_args(Peer)))),
    "method": _Form("http.request.method", _form("GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|OTHER")),
    "route": _Form("http.route", _ROUTE),
    "status": _Form("http.response.status_code", None),
}


@dataclass(frozen=True, slots=True)
class Span:
    """A finished piece of work. Times: nanoseconds of real time. error: a type, never words."""

    name: str
    service: str
    context: TraceContext
    parent_span_id: str | None
    kind: Kind
    began_ns: int
    ended_ns: int
    error: str | None
    places: Sequence[str]
    links: Sequence[TraceContext]
    attributes: Attributes

    @property
    def told_name(self) -> str:
        """Its name as it may leave."""
        return self.name if _NAME.fullmatch(self.name) else UNTOLD

    def told(self) -> dict[str, str | int]:
        """Return its attributes as they may leave: known names, known forms."""
        found: dict[str, str | int] = {}
        for name, value in self.attributes.items():
            if name in ATTRIBUTES:
                allowed = ATTRIBUTES[name]
                found[allowed.name] = _told(value, allowed.form)
        if self.error is not None:
            found["error.type"] = self.told_error or UNTOLD
            where = " ".join(self.places)
            found["aduan.places"] = where if _PLACES.fullmatch(where) else UNTOLD
        return found

    @property
    def told_error(self) -> str | None:
        """The type of its error as it may leave."""
        if self.error is None:
            return None
        return self.error if _ERROR.fullmatch(self.error) else UNTOLD


def _told(value: object, form: re.Pattern[str] | None) -> str | int:
    if form is None:
        return value if isinstance(value, int) and abs(value) < 10**9 else UNTOLD
    return value if isinstance(value, str) and form.fullmatch(value) else UNTOLD


class Sink(Protocol):
    """Takes finished spans away. Never blocks, never raises: the work has ended well without it."""

    def take(self, span: Span) -> None:
        """Take one span, or count it as dropped."""
        ...


class _Out:
    """Where spans of this process go; nowhere until a host says so, like its log lines."""

    sink: Sink | None = None


def send_to(sink: Sink | None) -> None:
    """Hand the spans of this process to `sink` from now on; None: make none. For the host."""
    _Out.sink = sink


def on() -> bool:
    """Whether spans go anywhere."""
    return _Out.sink is not None


def record(
    name: str,
    context: TraceContext,
    *,
    service: str,
    began: float,
    parent: TraceContext | None = None,
    kind: Kind = "internal",
    error: BaseException | str | None = None,
    links: Sequence[TraceContext] = (),
    **attributes: Unpack[Attributes],
) -> None:
    """Tell a piece of work that has just ended, if its trace is recorded or it failed.

    context: of the work itself. began: `time.perf_counter()` when it began. error: the exception,
    of which type and places are told, or a word for a failure without one.
    """
    sink = _Out.sink
    if sink is None or (error is None and not context.sampled):
        return
    ended_ns = wall_ns()
    sink.take(
        Span(
            name=name,
            service=service,
            context=context,
            parent_span_id=parent.span_id if parent is not None else None,
            kind=kind,
            began_ns=ended_ns - int((time.perf_counter() - began) * 1e9),
            ended_ns=ended_ns,
            error=type(error).__name__ if isinstance(error, BaseException) else error,
            places=places(error) if isinstance(error, BaseException) else (),
            links=links,
            attributes=attributes,
        )
    )


class Timed:
    """A command on a case that is being timed; told when it ends, if it is to be told.

    recorded: its own context where its trace is recorded; one that is not stays free of more work.
    """

    __slots__ = ("_above", "_began", "_case_id", "_name", "_service", "recorded", "root")

    def __init__(
        self, name: str, above: str, *, service: str, case_id: str, root: bool = False
    ) -> None:
        """above: traceparent of what it belongs to. root: it began that trace itself."""
        self._name = name
        self._above = above
        self._service = service
        self._case_id = case_id
        self.root = root
        self.recorded = start(above) if is_sampled(above) else None
        self._began = time.perf_counter()

    def end(
        self,
        *,
        error: BaseException | None = None,
        links: Sequence[TraceContext] = (),
        events: int = 0,
    ) -> None:
        """Tell it. events: how many it told."""
        record(
            self._name,
            self.recorded or start(self._above),
            service=self._service,
            began=self._began,
            parent=None if self.root else parse(self._above),
            error=error,
            links=links,
            case_id=self._case_id,
            events=events,
        )


@dataclass(slots=True)
class _Ending:
    """How a piece of work ended, as the work itself says. failed: a word; it becomes an error."""

    outcome: str = "done"
    failed: str | None = None


class work:  # noqa: N801  # read as a noun: `with work("letter", ...) as job`
    """Do a stored job, or another piece of work that no request waits for, as a span of its own.

    cause: the traceparent that the job was stored with; the work is then part of that trace.
    begins: without a cause, begin a trace that may be recorded; else only a failure is told.
    Log lines inside carry the ids. An exception makes it an error, unless it is one of `answers`;
    Busy makes none: the work comes again.
    """

    __slots__ = ("_answers", "_attributes", "_began", "_bound", "_context", "_ending", "_name",
                 "_parent", "_service")  # fmt: skip

    def __init__(
        self,
        name: str,
        *,
        service: str,
        cause: str | None = None,
        begins: bool = False,
        answers: tuple[type[Exception], ...] = (),
        **attributes: Unpack[Attributes],
    ) -> None:
        self._name = name
        self._service = service
        self._parent = parse(cause)
        if self._parent is not None:
            self._context = self._parent.child()
        else:
            self._context = start() if begins else unrecorded()
        self._answers = answers
        self._attributes = attributes
        self._ending = _Ending()

    def __enter__(self) -> _Ending:
        """Return what the work fills in before it ends."""
        ids = {"service": self._service}
        if "case_id" in self._attributes:
            ids["case_id"] = self._attributes["case_id"]
        self._bound = bound(self._context, **ids)
        self._bound.__enter__()
        self._began = time.perf_counter()
        return self._ending

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        """Tell how it ended."""
        self._bound.__exit__()
        wrong: BaseException | str | None = self._ending.failed
        outcome = self._ending.outcome
        if isinstance(error, Busy) or (error is not None and not isinstance(error, Exception)):
            outcome = "put_off"  # our own store is away, or this process stops
        elif isinstance(error, self._answers):
            outcome = "answered"
        elif error is not None:
            wrong, outcome = error, "failed"
        told: Attributes = {**self._attributes, "outcome": outcome}
        record(
            self._name,
            self._context,
            service=self._service,
            began=self._began,
            parent=self._parent,
            error=wrong,
            **told,
        )


@dataclass(slots=True)
class _Call:
    """One call. headers: what goes with it. status: the answer's, once there is one."""

    headers: Mapping[str, str] = field(default_factory=dict)
    status: int | None = None


class calling:  # noqa: N801  # read as a verb: `with calling("GET", ...) as call`
    """Make one HTTP call as a span of its own.

    route: the template of the path, never the path. peer: whom. A traceparent goes only to our own
    services: what a partner does with it we cannot know, and it would tell him which of his calls
    belong together. Part of the work that is being done here; outside of any, only a failure is told.
    """

    __slots__ = ("_attributes", "_began", "_call", "_context", "_parent", "_service")

    def __init__(self, method: str, peer: Peer, *, service: str, route: str | None = None) -> None:
        self._service = service
        self._parent = parse(current())
        self._context = self._parent.child() if self._parent is not None else unrecorded()
        self._attributes: Attributes = {"method": method, "peer": peer}
        if route is not None:
            self._attributes["route"] = route
        headers = {"traceparent": str(self._context)} if peer in OWN else {}
        self._call = _Call(headers)

    def __enter__(self) -> _Call:
        """Return the call to be filled in."""
        self._began = time.perf_counter()
        return self._call

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        """Tell how it ended; a call that was cancelled is told by nobody."""
        if error is not None and not isinstance(error, Exception):
            return
        wrong: BaseException | str | None = error
        told = self._attributes
        status = self._call.status
        if status is not None:
            told = {**told, "status": status}
            if status >= SERVER_ERROR and error is None:
                wrong = str(status)
        record(
            f"{told['method']} {told.get('route') or told['peer']}",
            self._context,
            service=self._service,
            began=self._began,
            parent=self._parent,
            kind="client",
            error=wrong,
            **told,
        )
