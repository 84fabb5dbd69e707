"""W3C trace context, and the ids that every log line of one piece of work carries.

Source: W3C Trace Context, level 1 (version 00). A traceparent that is not well-formed is ignored
and a new trace begins; it is never an error of the request.
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

_current: ContextVar[str | None] = ContextVar("aduan_traceparent", default=None)
_ids: ContextVar[Mapping[str, str]] = ContextVar("aduan_log_ids", default=_NONE)


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


def parse(text: str | None) -> TraceContext | None:
    """Read a traceparent; None when it is absent or not well-formed (all-zero ids, version ff)."""
    found = _FORM.fullmatch(text) if text and len(text) <= 256 else None
    if found is None:
        return None
    version, trace_id, span_id, flags, rest = found.groups()
    if version == "ff" or (version == "00" and rest) or not trace_id.strip("0"):
        return None
    return TraceContext(trace_id, span_id, flags) if span_id.strip("0") else None


def start(parent: str | None = None) -> TraceContext:
    """Return a child of `parent`, or a new trace (not sampled) when that is absent or malformed."""
    context = parse(parent)
    if context is not None:
        return context.child()
    return TraceContext(random_bytes(16).hex(), random_bytes(8).hex(), "00")


def current() -> str | None:
    """Return the traceparent of the work that is being done here, for calls and events it makes."""
    return _current.get()


def ids() -> Mapping[str, str]:
    """Return the ids that log lines carry here: trace_id and what was bound around this place."""
    return _ids.get()


class bound:  # noqa: N801  # read as a verb: `with bound(...)`
    """Do a piece of work under a trace: log lines carry `trace_id` and the given ids.

    traceparent: the caller's, as it came. Blocks may be nested; the inner one adds its ids.
    ids: technical ones only (case_id, event_id, request_id, service), never what a person wrote.
    A class, not a generator, because it stands on the path of every request.
    """

    __slots__ = ("_more", "_parent", "_tokens")

    def __init__(self, traceparent: str | None = None, /, **ids: str) -> None:
        self._parent = traceparent
        self._more = ids

    def __enter__(self) -> TraceContext:
        """Return the context of this work."""
        context = start(self._parent)
        bound_ids = {**_ids.get(), "trace_id": context.trace_id, **self._more}
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
