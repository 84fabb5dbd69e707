"""Dead letters: what could not be applied, kept whole until an operator replays or skips it.

One document per (case, stream, seq), or per (topic, partition, offset) where these cannot be read.
Writing it again changes nothing. `held` is no failure: its turn has not come and there was no room.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from aduan.clock import Clock, iso
from aduan.contracts.envelope import Raw
from aduan.contracts.values import CANARY_TENANT
from aduan.messaging.port import Bus, Record
from aduan.storage.port import Body, Change, Collection, Columns, Document, Index, Page, Store
from aduan.storage.wire import pack_raw, unpack_raw

LetterKind = Literal["poison", "bug", "held"]
COPY_BYTES: Final = 512 * 1024
KINDS: Final[tuple[LetterKind, ...]] = ("poison", "bug", "held")


def _columns(body: Body) -> Columns:
    return {
        "kind": body["kind"],
        "case_id": body["case_id"],
        "created_at": body["created_at"],
        "uncopied": None if body["copied"] else 1,
        "capped": 1 if _is_capped(body) else None,
    }


def _is_capped(body: Body) -> bool:
    """Whether a letter counts for the cap: a canary must never stop what it watches over."""
    return body["kind"] != "held" and body.get("tenant") != CANARY_TENANT


DEAD_LETTERS: Final = Collection(
    name="dead_letters",
    indexes=(
        Index("kind", ("kind", "created_at")),
        Index("all", ("created_at",)),
        Index("case", ("case_id",)),
        Index("uncopied", ("uncopied",)),
        Index("capped", ("capped",)),
    ),
    columns=_columns,
)


@dataclass(frozen=True, slots=True)
class Letter:
    """An open dead letter. case_id, stream and seq are empty where the headers were unreadable."""

    id: str
    kind: LetterKind
    case_id: str
    stream: str
    seq: int
    reason: str
    created_at: str
    event: Raw

    def summary(self) -> dict[str, Any]:
        """Return what an operator's listing shows: no payload."""
        return {
            "id": self.id,
            "kind": self.kind,
            "case_id": self.case_id,
            "stream": self.stream,
            "seq": self.seq,
            "topic": self.event.topic,
            "reason": self.reason,
            "created_at": self.created_at,
        }


def group_of(service: str) -> str:
    """Return the consumer group of a service."""
    return f"aduan.{service}"


def letters_topic(service: str) -> str:
    """Return the topic of one partition that gets a copy of each failure: `<group>.dlq`."""
    return f"{group_of(service)}.dlq"


class DeadLetters:
    """One service's open letters."""

    def __init__(self, store: Store, clock: Clock, service: str, *, cap: int = 100) -> None:
        """cap: with this many open letters of poison and bug the service stops consuming."""
        self._store = store
        self._clock = clock
        self._service = service
        self.cap = cap

    async def put(
        self, kind: LetterKind, case_id: str, stream: str, seq: int, event: Raw, reason: str
    ) -> None:
        """Keep an event that failed or found no room. Idempotent per (case, stream, seq).

        One that found no room and fails when its turn comes is a failure from then on.
        """
        tenant = event.attributes().get("tenant", "")
        id = f"{case_id}:{stream}:{seq}"
        await self._put(id, kind, case_id, stream, seq, event, reason, tenant=tenant)

    async def put_unreadable(self, record: Record, reason: str) -> None:
        """Keep a record whose headers do not say where it belongs."""
        id = f"{record.at.topic}:{record.at.partition}:{record.offset}"
        await self._put(id, "poison", "", "", 0, record.raw, reason)

    async def _put(
        self,
        id: str,
        kind: LetterKind,
        case_id: str,
        stream: str,
        seq: int,
        event: Raw,
        reason: str,
        *,
        tenant: str = "",
    ) -> None:
        body = {
            "kind": kind,
            "tenant": tenant,
            "case_id": case_id,
            "stream": stream,
            "seq": seq,
            "event": pack_raw(event),
            "reason": reason,
            "created_at": iso(self._clock.wall()),
            "copied": kind == "held",
        }

        def decide(document: Document | None, _: datetime) -> Change | None:
            if document is None:
                return Change("", body, {})
            kept = document.body
            if kept is not None and kept["kind"] == "held" and kind != "held":
                # It waited for its turn, and then it failed: now it is an alarm.
                return Change("", {**body, "created_at": kept["created_at"]}, {})
            return None

        await self._store.update(DEAD_LETTERS, id, decide)

    async def get(self, id: str) -> Letter | None:
        """Return an open letter by its id."""
        document = await self._store.get(DEAD_LETTERS, id)
        return _letter(document) if document is not None else None

    async def listed(
        self, after: tuple[str | int, ...] | None = None, limit: int = 100
    ) -> tuple[Sequence[Letter], tuple[str | int, ...] | None]:
        """Return open letters, oldest first, and where to go on."""
        page = await self._store.find(DEAD_LETTERS, "all", after=after, limit=limit)
        return _letters(page), page.after

    async def of_case(self, case_id: str) -> Sequence[Letter]:
        """Return the open letters of one case in order of stream and seq."""
        page = await self._store.find(DEAD_LETTERS, "case", equal=(case_id,), limit=500)
        return sorted(_letters(page), key=lambda letter: (letter.stream, letter.seq))

    async def any_of(self, case_id: str) -> bool:
        """Whether a case has an open letter."""
        return await self._store.count(DEAD_LETTERS, "case", equal=(case_id,)) > 0

    async def counts(self) -> dict[str, int]:
        """Count open letters by kind."""
        return {
            kind: await self._store.count(DEAD_LETTERS, "kind", equal=(kind,)) for kind in KINDS
        }

    async def failures(self) -> int:
        """Count open letters of poison and bug, those about canaries left out."""
        return await self._store.count(DEAD_LETTERS, "capped", equal=(1,))

    async def held(self, limit: int = 100) -> Sequence[Letter]:
        """Return letters that only wait for their turn, oldest first."""
        return _letters(await self._store.find(DEAD_LETTERS, "kind", equal=("held",), limit=limit))

    async def remove(self, id: str) -> None:
        """The event was applied or skipped: the letter is closed."""
        await self._store.delete(DEAD_LETTERS, id)

    async def copy_to_topic(self, bus: Bus) -> None:
        """Publish a copy of each new failure to `<group>.dlq`. A crash in between repeats it.

        Of an event over half a megabyte the copy says only where its letter is.
        """
        page = await self._store.find(DEAD_LETTERS, "uncopied", limit=100)
        for document, letter in zip(page.documents, _letters(page), strict=True):
            copy = copy_of(letter, self._service)
            if all(await bus.publish([copy])):
                await self._store.update(DEAD_LETTERS, document.id, _copied)


def copy_of(letter: Letter, service: str) -> Raw:
    """Return what goes to `<group>.dlq`: the event byte for byte, and why in `dlq-` headers.

    Of an event over half a megabyte it says only where the letter is.
    """
    event = letter.event
    headers = (
        ("dlq-group", group_of(service).encode()),
        ("dlq-error", letter.reason.encode()),
        ("dlq-topic", event.topic.encode()),
    )
    size = len(event.key) + len(event.value)
    size += sum(len(name) + len(value) for name, value in event.headers)
    if size > COPY_BYTES:
        # As large as the log takes, it would be too large with our headers, and be tried for ever.
        where = (("dlq-letter", letter.id.encode()), ("dlq-left-out-bytes", str(size).encode()))
        return Raw(letters_topic(service), b"", b"", (*headers, *where))
    return Raw(letters_topic(service), event.key, event.value, (*event.headers, *headers))


def _copied(document: Document | None, _: datetime) -> Change | None:
    if document is None or document.body is None:
        return None
    return Change(document.tenant, {**document.body, "copied": True}, document.inbox)


def _letters(page: Page) -> list[Letter]:
    return [_letter(document) for document in page.documents]


def _letter(document: Document) -> Letter:
    body = document.body or {}
    return Letter(
        id=document.id,
        kind=body["kind"],
        case_id=body["case_id"],
        stream=body["stream"],
        seq=body["seq"],
        reason=body["reason"],
        created_at=body["created_at"],
        event=unpack_raw(body["event"]),
    )
