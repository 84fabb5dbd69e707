"""The spans of one delivery: for each event that was applied, kept or became a letter, one.

Named after the topic, child of what told the event, from the moment the batch was taken until its
write was durable. What was done already makes none: a topic that is read again would tell every
old trace anew. Events that follow from the applied one, and jobs it stores, hang below its span.
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from aduan.contracts.envelope import Address, Incoming, Raw
from aduan.observability.spans import record
from aduan.observability.trace import TraceContext, is_sampled, parse, start
from aduan.storage.port import Outcome, StreamInbox

Place = tuple[str, int]


class DeliverySpans:
    """Made for each delivery where spans go somewhere; does nothing for traces not recorded."""

    __slots__ = ("_applied", "_began", "_case_id", "_contexts", "_lettered", "_service")

    def __init__(self, service: str, case_id: str) -> None:
        self._service = service
        self._case_id = case_id
        self._began = time.perf_counter()
        self._contexts: dict[Place, TraceContext] = {}
        self._applied: dict[Place, Raw] = {}
        self._lettered: set[Place] = set()

    def again(self) -> None:
        """A decision begins, perhaps once more: what an earlier one applied does not count."""
        self._applied.clear()

    def applied(self, raw: Raw, event: Incoming[Any]) -> Incoming[Any]:
        """An event is being applied; return it as its handler sees it, in the trace of this work."""
        if not is_sampled(event.traceparent):
            return event
        place = (event.stream, event.seq)
        self._applied[place] = raw
        return replace(event, traceparent=str(self._context(place, raw)))

    def told_under(self, raw: Raw) -> str | None:
        """Return the traceparent of what follows from an applied event; None: not recorded."""
        if not self._applied:
            return None
        address = raw.address()
        context = self._contexts.get((address.stream, address.seq))
        return str(context) if context is not None else None

    def written(self, offered: Sequence[Raw], outcome: Outcome) -> None:
        """The write is durable: tell what was applied, and what was kept for later."""
        for place, raw in self._applied.items():
            self._record(raw, self._contexts[place], "applied")
        for raw in offered:
            if not is_sampled(raw.attributes().get("traceparent")):
                continue
            address = raw.address()
            place = (address.stream, address.seq)
            if place in self._applied or place in self._lettered:
                continue
            if address.seq >= _next(outcome, address):
                self._record(raw, self._context(place, raw), "kept")

    def failed(self, raw: Raw, outcome: str, error: BaseException | str | None) -> None:
        """The event became a letter. error: None where that is no failure (held)."""
        address = raw.address()
        place = (address.stream, address.seq)
        self._lettered.add(place)
        self._record(raw, self._context(place, raw), outcome, error)

    def _context(self, place: Place, raw: Raw) -> TraceContext:
        context = self._contexts.get(place)
        if context is None:
            context = self._contexts[place] = start(raw.attributes().get("traceparent"))
        return context

    def _record(
        self,
        raw: Raw,
        context: TraceContext,
        outcome: str,
        error: BaseException | str | None = None,
    ) -> None:
        found, address = raw.attributes(), raw.address()
        record(
            raw.topic,
            context,
            service=self._service,
            began=self._began,
            parent=parse(found.get("traceparent")),
            kind="consumer",
            error=error,
            case_id=self._case_id,
            tenant=address.tenant,
            topic=raw.topic,
            stream=address.stream,
            seq=address.seq,
            event_id=found["id"],
            outcome=outcome,
        )


def _next(outcome: Outcome, address: Address) -> int:
    inbox = outcome.document.inbox if outcome.document is not None else {}
    return inbox.get(address.stream, StreamInbox()).next
