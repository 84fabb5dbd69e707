"""The inbox rule of DESIGN 4 as a pure function over one document.

    seq <  next                          already done: nothing (asked before the data is decoded)
    seq == next and the case is open     decide, next += 1, then drain
    otherwise                            keep the event in waiting, acknowledge

An event that fails, delivered or drained, stops its stream: `next` stays on it, and that gap is the
hold. A case is open once seq 1 of intake's stream was applied; only intake's stream runs before. In
intake itself a case is open once the complaint exists. Where a service keeps no body (an expired
case, or one that it does not want), later events are done without effect.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from aduan.contracts.envelope import Address, Raw, Reaction
from aduan.storage.port import Body, Change, Document, Inbox, StreamInbox

WAITING_PER_STREAM: Final = 200
WAITING_BYTES: Final = 4 * 1024 * 1024
OPENER: Final = "intake"

Apply = Callable[[Body | None, Raw, datetime], Reaction]
Encode = Callable[[Reaction, Raw, int, str, datetime], Sequence[Raw]]


class Failed(Exception):
    """The event whose turn it is raised `error`. Nothing was written yet."""

    def __init__(self, event: Raw, place: Address, error: Exception) -> None:
        super().__init__(type(error).__name__)
        self.event = event
        self.place = place
        self.error = error


class NoRoom(Exception):
    """The event came before its turn and the waiting room is full: it becomes a letter `held`."""

    def __init__(self, event: Raw, place: Address) -> None:
        super().__init__("the waiting room is full")
        self.event = event
        self.place = place


@dataclass
class _Work:
    body: Body | None
    inbox: dict[str, StreamInbox]
    events: list[Raw] = field(default_factory=list)
    changed: bool = False
    born: bool = False


@dataclass(frozen=True, slots=True)
class InboxRule:
    """Applies offered events to one document.

    apply: the service's handler table; may raise. encode: makes what a reaction emits into events,
    given the reaction, the causing event, the last used seq, the tenant and the time.
    lettered: (stream, seq) of events that already have a letter; they stop their stream quietly.
    skipped: (stream, seq) of events that an operator skips; they count as done without effect.
    opener: the stream that opens a case; None where a case is open once its body exists.
    """

    apply: Apply
    encode: Encode
    lettered: frozenset[tuple[str, int]] = frozenset()
    skipped: frozenset[tuple[str, int]] = frozenset()
    opener: str | None = OPENER

    def fold(
        self, document: Document | None, offered: Sequence[Raw], now: datetime
    ) -> Change | None:
        """Return the one write that applies `offered` in their order, or None when nothing is new.

        Raises Failed for the first event whose turn it is and that cannot be applied, unless it
        is in `lettered`; raises NoRoom. The caller writes the letter first, then calls again.
        """
        work = _Work(
            body=document.body if document is not None else None,
            inbox=dict(document.inbox) if document is not None else {},
            # What told of itself was there once: without a body it has come to its end.
            born=document is not None and document.event_seq > 0,
        )
        base = document.event_seq if document is not None else 0
        tenant = document.tenant if document is not None else ""
        for stream, seq in sorted(self.skipped):
            if work.inbox.get(stream, StreamInbox()).next == seq:
                self._advance(work, stream)
        for raw in offered:
            place = raw.address()
            tenant = tenant or place.tenant
            self._offer(work, raw, place, base, now)
        self._drain(work, base, now)
        if not work.changed:
            return None
        return Change(tenant=tenant, body=work.body, inbox=work.inbox, events=work.events)

    def _offer(self, work: _Work, raw: Raw, place: Address, base: int, now: datetime) -> None:
        stream = work.inbox.get(place.stream, StreamInbox())
        if place.seq < stream.next:
            return
        mark = (place.stream, place.seq)
        its_turn = place.seq == stream.next and self._may_run(work, place.stream)
        if its_turn and mark not in self.lettered:
            self._run(work, raw, place, base, now)
            self._drain(work, base, now)
            return
        if mark in self.lettered or place.seq in stream.waiting:
            return
        if len(stream.waiting) >= WAITING_PER_STREAM or _bytes(work.inbox) > WAITING_BYTES:
            raise NoRoom(raw, place)
        work.inbox[place.stream] = StreamInbox(stream.next, {**stream.waiting, place.seq: raw})
        work.changed = True

    def _may_run(self, work: _Work, stream: str) -> bool:
        if self.opener is None:
            return work.body is not None or work.born
        return stream == self.opener or is_open(work.inbox)

    def _run(self, work: _Work, raw: Raw, place: Address, base: int, now: datetime) -> None:
        if work.body is None and place.stream != self.opener:
            self._advance(work, place.stream)
            return
        try:
            reaction = self.apply(work.body, raw, now)
            made = self.encode(reaction, raw, base + len(work.events), place.tenant, now)
        except Exception as error:
            raise Failed(raw, place, error) from error
        if reaction.body is not None:
            work.body = reaction.body
        work.events.extend(made)
        self._advance(work, place.stream)

    def _drain(self, work: _Work, base: int, now: datetime) -> None:
        moved = True
        while moved:
            moved = False
            for name in sorted(work.inbox):
                stream = work.inbox[name]
                raw = stream.waiting.get(stream.next)
                if raw is None or not self._may_run(work, name):
                    continue
                if (name, stream.next) in self.lettered:
                    # The letter keeps it from now on: left here, it would fail at every delivery.
                    rest = {seq: kept for seq, kept in stream.waiting.items() if seq != stream.next}
                    work.inbox[name] = StreamInbox(stream.next, rest)
                    work.changed = True
                    continue
                self._run(work, raw, raw.address(), base, now)
                moved = True

    @staticmethod
    def _advance(work: _Work, name: str) -> None:
        stream = work.inbox.get(name, StreamInbox())
        after = stream.next + 1
        waiting = {seq: raw for seq, raw in stream.waiting.items() if seq >= after}
        work.inbox[name] = StreamInbox(after, waiting)
        work.changed = True


def is_open(inbox: Inbox) -> bool:
    """Whether seq 1 of intake's stream was applied here."""
    return inbox.get(OPENER, StreamInbox()).next > 1


def _bytes(inbox: Inbox) -> int:
    return sum(len(raw.value) for stream in inbox.values() for raw in stream.waiting.values())
