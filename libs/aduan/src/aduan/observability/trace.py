"""W3C trace context, and the ids that every log line of one piece of work carries.

Our own and light: it is made for every request and every event, whether anybody records spans or
not. Source: W3C Trace Context, level 1 (version 00). A traceparent that is not well-formed is
ignored and a new trace begins; it is never an error of the request.
"""

import re
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from structlog.typing import EventDict, WrappedLogger

from aduan.privacy.randomness import random_bytes

_FORM: Final = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")

_NONE: Final[Mapping[str, str]] = {}
_SAMPLED: Final = "01"
_NOT_SAMPLED: Final = "00"

_current: ContextVar[str | None] = ContextVar("aduan_traceparent", default=None)
_ids: ContextVar[Mapping[str, str]] = ContextVar("aduan_log_ids", default=_NONE)


class _Head:
    """The head decision of this process: traces whose low 64 bits are below this are recorded."""

    below = 0


@dataclass(frozen=True, slots=True)
class TraceContext:
    """trace_id: 32 hex digits; span_id: 16, the caller's span; flags: 2 (01 = sampled)."""

    trace_id: str
    span_id: str
    flags: str

    def __str__(self) -> str:
        """Return the header form."""
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"

    def child(self) -> "TraceContext":
        """Return the same trace with a span of our own."""
        return TraceContext(self.trace_id, random_bytes(8).hex(), self.flags)

    @property
    def sampled(self) -> bool:
        """Whether the spans of this trace are recorded: decided once, where it began."""
        return int(self.flags, 16) % 2 == 1


def parse(text: str | None) -> TraceContext | None:
    """Read a traceparent; None when it is absent or not well-formed (all-zero ids, version ff)."""
    found = _FORM.fullmatch(text) if text and len(text) <= 256 else None
    if found is None:
        return None
    version, trace_id, span_id, flags, rest = found.groups()
    if version == "ff" or (version == "00" and rest) or not trace_id.strip("0"):
        return None
    return TraceContext(trace_id, span_id, flags) if span_id.strip("0") else None


def is_sampled(traceparent: str | None) -> bool:
    """Whether a traceparent of our own making says that its trace is recorded."""
    return traceparent is not None and traceparent.endswith("-01")


def sample(ratio: float) -> None:
    """Record this share of the traces that begin in this process from now on. ratio: 0..1.

    Called once, by the host. Decided by the trace id, as OpenTelemetry's ratio sampler does: every
    service with the same ratio comes to the same answer.
    """
    _Head.below = int(ratio * (1 << 64))


def _decided(trace_id: str) -> str:
    return _SAMPLED if int(trace_id[16:], 16) < _Head.below else _NOT_SAMPLED


def start(parent: str | None = None) -> TraceContext:
    """Return a child of `parent`, or a new trace when that is absent or malformed.

    A child keeps the decision that its trace carries; for a new trace it is made here.
    """
    context = parse(parent)
    return context.child() if context is not None else _begun()


def _begun() -> TraceContext:
    ids = random_bytes(24).hex()
    flags = _decided(ids[:32]) if _Head.below else _NOT_SAMPLED
    return TraceContext(ids[:32], ids[32:], flags)


def arrived(traceparent: str | None) -> TraceContext:
    """Return the context of a request from outside: the caller's trace, and our own decision.

    Whether we record is ours to pay for, so a flag that anybody can send does not decide it: the
    trace id does, as in every process. Who chooses his ids can choose recorded ones; the queue for
    spans is bounded.
    """
    context = parse(traceparent) if traceparent is not None else None
    if context is None:
        return _begun()
    return TraceContext(context.trace_id, random_bytes(8).hex(), _decided(context.trace_id))


def unrecorded() -> TraceContext:
    """Return a new trace of which only failures are recorded: its log lines still belong together."""
    return TraceContext(random_bytes(16).hex(), random_bytes(8).hex(), _NOT_SAMPLED)


def current() -> str | None:
    """Return the traceparent of the work that is being done here, for calls and events it makes."""
    return _current.get()


def ids() -> Mapping[str, str]:
    """Return the ids that log lines carry here: trace_id and what was bound around this place."""
    return _ids.get()


class bound:  # noqa: N801  # read as a verb: `with bound(...)`
    """Do a piece of work under a trace: log lines carry `trace_id`, `span_id` and the given ids.

    parent: the traceparent that caused it, or the context of the work itself. Blocks may be nested;
    the inner one adds its ids. ids: technical ones only (case_id, event_id, request_id, service),
    never what a person wrote. A class, not a generator, because it stands on the path of every
    request.
    """

    __slots__ = ("_more", "_parent", "_tokens")

    def __init__(self, parent: str | TraceContext | None = None, /, **ids: str) -> None:
        self._parent = parent
        self._more = ids

    def __enter__(self) -> TraceContext:
        """Return the context of this work."""
        parent = self._parent
        context = parent if isinstance(parent, TraceContext) else start(parent)
        bound_ids = {
            **_ids.get(),
            "trace_id": context.trace_id,
            "span_id": context.span_id,
            **self._more,
        }
        self._tokens = (_current.set(str(context)), _ids.set(bound_ids))
        return context

    def __exit__(self, *_: object) -> None:
        """Take the ids off again."""
        current_token, ids_token = self._tokens
        _current.reset(current_token)
        _ids.reset(ids_token)


def add_ids(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    """Put the bound ids into a log line; what the line says itself wins (structlog processor)."""
    return {**_ids.get(), **line}
