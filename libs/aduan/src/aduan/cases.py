"""A service's case documents: commands, deliveries under the inbox rule, and what they emit."""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Final, Generic, TypeVar

import structlog
from pydantic import BaseModel, TypeAdapter

from aduan import failpoints
from aduan.contracts.envelope import (
    Cause,
    Incoming,
    Raw,
    Reaction,
    decode,
    encode,
    new_traceparent,
)
from aduan.contracts.topics import BY_NAME
from aduan.errors import AduanError, Busy, Poison
from aduan.ids import uuid4
from aduan.messaging.dead_letters import DeadLetters
from aduan.messaging.inbox import OPENER, Failed, InboxRule, NoRoom
from aduan.messaging.relay import Relay
from aduan.observability import spans, trace
from aduan.observability.deliveries import DeliverySpans
from aduan.observability.where import places
from aduan.storage.port import (
    Body,
    Change,
    Collection,
    Document,
    DocumentFull,
    Outcome,
    Page,
    Store,
)

V = TypeVar("V", bound=BaseModel)
BUG_TRIES: Final = 3

Command = Callable[[Body | None, datetime], Reaction]

log = structlog.get_logger("aduan.cases")


class NotQuiet(AduanError):
    """Something of the case waits or is in an open letter: a timer must not fire now."""


@dataclass(frozen=True, slots=True)
class Handler(Generic[V]):
    """Which function answers a topic, and the narrow view through which it reads the event.

    react: pure; may run twice. Raising Poison dead-letters the event; anything else is a bug.
    """

    view: type[V]
    react: Callable[[Body | None, Incoming[V], datetime], Reaction]


Handlers = Mapping[str, Handler[Any]]


class Cases:
    """The one collection of case documents of one service."""

    def __init__(
        self,
        *,
        service: str,
        store: Store,
        collection: Collection,
        relay: Relay,
        letters: DeadLetters,
        handlers: Handlers,
        opener: str | None = OPENER,
    ) -> None:
        """opener: see InboxRule; None in intake, whose cases are opened by a command."""
        self.service = service
        self.store = store
        self.collection = collection
        self.relay = relay
        self.letters = letters
        self.unknown_types = 0
        self._opener = opener
        stream = (("ce_stream", opener.encode()), ("ce_seq", b"1")) if opener is not None else ()
        self._first: frozenset[tuple[str, bytes]] = frozenset(stream)
        self._readers = {
            name: (TypeAdapter(handler.view), handler.react) for name, handler in handlers.items()
        }

    async def get(self, id: str) -> Body | None:
        """Return the body of a case, or None where there is none (a placeholder too)."""
        document = await self.store.get(self.collection, id)
        return document.body if document is not None else None

    async def get_by_key(self, key: str) -> tuple[str, Body] | None:
        """Return (id, body) of the case that holds a unique key."""
        document = await self.store.get_by_key(self.collection, key)
        if document is None or document.body is None:
            return None
        return document.id, document.body

    async def find(self, index: str, **options: Any) -> Page:
        """See Store.find on this collection."""
        return await self.store.find(self.collection, index, **options)

    async def partitions_due(
        self, index: str, partitions: Sequence[int], *, high: str
    ) -> Sequence[int]:
        """See Store.partitions_due on this collection."""
        return await self.store.partitions_due(self.collection, index, partitions, high=high)

    async def command(
        self,
        id: str,
        run: Command,
        *,
        tenant: str = "",
        cause: Cause | None = None,
        quiet: bool = False,
        before_write: Callable[[], None] | None = None,
        fresh: bool = False,
    ) -> Outcome:
        """Run a command on one case; durable, and its events handed to the relay, on return.

        run: pure, may run twice; what it raises comes out and nothing is written.
        tenant: needed where the command may create the case. cause: what the events name as their
        cause, where it is more than this command; their trace is that of the work being done here.
        fresh: the id was made for this command (see Store.update).
        quiet: raise NotQuiet where an event of the case waits or is in an open letter.
        Raises KeyTaken, EventTooLarge; Busy, also while the outbox is full.
        """
        if self.relay.full:
            raise Busy("the outbox is full: the log has been away for long")
        if quiet and await self.letters.any_of(id):
            raise NotQuiet("the case has an open dead letter")
        why = _cause_here(cause)
        span: spans.Timed | None = None
        if spans.on():
            root = cause is None and trace.current() is None
            span = spans.Timed(
                "case.command", why.traceparent, service=self.service, case_id=id, root=root
            )
            if span.recorded is not None:
                why = replace(why, traceparent=str(span.recorded))

        def decide(document: Document | None, now: datetime) -> Change | None:
            if quiet and document is not None and document.has_waiting:
                raise NotQuiet("events of the case wait for their turn")
            body = document.body if document is not None else None
            reaction = run(body, now)
            if reaction.body is None and not reaction.emit:
                return None
            owner = document.tenant if document is not None and document.tenant else tenant
            base = document.event_seq if document is not None else 0
            events = self._encode(reaction, why, id, base, owner, now)
            if before_write is not None:
                before_write()
            return Change(
                tenant=owner,
                body=reaction.body if reaction.body is not None else body,
                inbox=document.inbox if document is not None else {},
                events=events,
            )

        try:
            outcome = await self.store.update(self.collection, id, decide, fresh=fresh)
        except AduanError:
            raise  # an answer, or Busy: whoever asked tells it
        except Exception as error:
            if span is not None:
                span.end(error=error)
            raise
        self.relay.hand_over(outcome)
        if span is not None and span.recorded is not None and outcome.changed:
            await self._tell_command(id, span, span.recorded, outcome)
        return outcome

    async def _tell_command(
        self, id: str, span: spans.Timed, own: trace.TraceContext, outcome: Outcome
    ) -> None:
        """Tell a recorded command that changed something, with a link to where its case began."""
        if span.root and not outcome.events:
            return  # a worker's own book-keeping, which nobody asked for and nobody hears of
        first = await self._first_trace(id) if outcome.after_seq else None
        links = (first,) if first is not None and first.trace_id != own.trace_id else ()
        span.end(links=links, events=len(outcome.events))

    async def _first_trace(self, id: str) -> trace.TraceContext | None:
        """Return the trace in which this service first told something of the case."""
        try:
            told = await self.store.events(self.collection, id, 0, limit=1)
        except Busy:
            return None  # the command is done; only a link is missing
        return trace.parse(told[0].raw.attributes().get("traceparent")) if told else None

    async def deliver(
        self,
        id: str,
        events: Sequence[Raw],
        *,
        skip: frozenset[tuple[str, int]] = frozenset(),
    ) -> None:
        """Apply events of one case under the inbox rule; on return each is done, kept or lettered.

        Order: the letter of an event that failed, then the write. Raises Busy.
        """
        lettered: set[tuple[str, int]] = set()
        tries = 0
        fresh = self._opens(events)
        told = DeliverySpans(self.service, id) if spans.on() else None
        while True:
            rule = InboxRule(
                apply=self._apply if told is None else partial(self._apply, told=told),
                encode=self._encode_reaction(id, told),
                lettered=frozenset(lettered),
                skipped=skip,
                opener=self._opener,
            )

            def decide(
                document: Document | None, now: datetime, rule: InboxRule = rule
            ) -> Change | None:
                nonlocal tries
                if told is not None:
                    told.again()
                try:
                    change = rule.fold(document, events, now)
                except Failed as failed:
                    # Here, not where it comes out: what is decided on a guess is decided again.
                    tries += not isinstance(failed.error, Busy | Poison)
                    raise
                failpoints.hit("consumer.after_decide")
                return change

            try:
                outcome = await self.store.update(self.collection, id, decide, fresh=fresh)
            except NoRoom as full:
                place = full.place
                await self.letters.put(
                    "held", id, place.stream, place.seq, full.event, "no room to wait"
                )
                if told is not None:
                    told.failed(full.event, "held", None)
                lettered.add((place.stream, place.seq))
                continue
            except Failed as failed:
                fresh = False
                if isinstance(failed.error, Busy):
                    raise failed.error from failed
                poison = isinstance(failed.error, Poison)
                if not poison and tries < BUG_TRIES:
                    await asyncio.sleep(0.02 * tries * (1 + random.random()))  # noqa: S311
                    continue
                place = failed.place
                reason = str(failed.error) if poison else type(failed.error).__name__
                await self.letters.put(
                    "poison" if poison else "bug",
                    id,
                    place.stream,
                    place.seq,
                    failed.event,
                    reason,
                )
                self._say_lettered(id, failed, "poison" if poison else "bug", told)
                lettered.add((place.stream, place.seq))
                tries = 0
                continue
            except DocumentFull as full:
                await self._deliver_to_full(id, events, skip, full, told)
                return
            failpoints.hit("consumer.after_commit")
            self.relay.hand_over(outcome)
            if told is not None:
                told.written(events, outcome)
            return

    def _say_lettered(self, id: str, failed: Failed, kind: str, told: DeliverySpans | None) -> None:
        """Say on a line of the log, and in the trace, that an event of a case failed, and where."""
        raw, place, error = failed.event, failed.place, failed.error
        with trace.bound(raw.attributes().get("traceparent"), case_id=id, service=self.service):
            log.error(
                "event.lettered", kind=kind, topic=raw.topic, stream=place.stream, seq=place.seq,
                error=type(error).__name__, at=places(error),
            )  # fmt: skip
        if told is not None:
            told.failed(raw, kind, error)

    async def _deliver_to_full(
        self,
        id: str,
        events: Sequence[Raw],
        skip: frozenset[tuple[str, int]],
        full: DocumentFull,
        told: DeliverySpans | None,
    ) -> None:
        """Take what still fits; a letter for the rest, or one case would hold its whole partition."""
        if len(events) > 1:
            for raw in events:
                await self.deliver(id, [raw], skip=skip)
            return
        place = events[0].address()
        words = "the document of the case is full"
        await self.letters.put("poison", id, place.stream, place.seq, events[0], words)
        self._say_lettered(id, Failed(events[0], place, full), "poison", told)

    def _opens(self, events: Sequence[Raw]) -> bool:
        """Whether the case has most likely no document yet, so that a look at it can be spared."""
        return bool(self._first) and any(self._first.issubset(raw.headers) for raw in events)

    def _apply(
        self, body: Body | None, raw: Raw, now: datetime, told: DeliverySpans | None = None
    ) -> Reaction:
        known = BY_NAME.get(raw.topic)
        wanted = raw.attributes().get("type", "")
        if known is not None and wanted != known.event_type:
            if wanted.rsplit(".v", 1)[0] == known.event_type.rsplit(".v", 1)[0]:
                raise Poison("an event version that this release cannot read")
            self.unknown_types += 1
            return Reaction()
        reader = self._readers.get(raw.topic)
        if reader is None:
            return Reaction()
        view, react = reader
        event = decode(raw, view)
        return react(body, event if told is None else told.applied(raw, event), now)

    def _encode_reaction(
        self, id: str, told: DeliverySpans | None
    ) -> Callable[[Reaction, Raw, int, str, datetime], Sequence[Raw]]:
        def encode_reaction(
            reaction: Reaction, raw: Raw, base: int, tenant: str, now: datetime
        ) -> Sequence[Raw]:
            if not reaction.emit:
                return ()
            found = raw.attributes()
            traceparent = told.told_under(raw) if told is not None else None
            why = Cause(
                found["id"],
                found.get("correlationid", found["id"]),
                traceparent or new_traceparent(found.get("traceparent")),
            )
            return self._encode(reaction, why, id, base, tenant, now)

        return encode_reaction

    def _encode(
        self, reaction: Reaction, why: Cause, id: str, base: int, tenant: str, now: datetime
    ) -> Sequence[Raw]:
        return [
            encode(
                emit,
                service=self.service,
                tenant=tenant,
                case_id=id,
                seq=seq,
                now=now,
                cause=why,
            )
            for seq, emit in enumerate(reaction.emit, start=base + 1)
        ]


def _cause_here(cause: Cause | None) -> Cause:
    """Return the cause in the trace of the work being done here; where there is none, begin one."""
    here = trace.current()
    if cause is None:
        id = uuid4()
        return Cause(id, id, here if here is not None else str(trace.start()))
    if here is None or here == cause.traceparent:
        return cause
    return replace(cause, traceparent=here)
