"""The storage port. Both engines pass one contract suite with the same number of tests.

One write is one document: body, keys, columns, inbox and new events together, by compare-and-set on
`version`, durable when `update` returns. There is no transaction over two documents anywhere.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

from aduan.contracts.envelope import Raw
from aduan.errors import AduanError, Busy

CONFLICT_TRIES: Final = 20
FIND_LIMIT: Final = 500

Body = Mapping[str, Any]
Columns = Mapping[str, str | int | None]


class KeyTaken(AduanError):
    """A unique key of the change belongs to another document: an answer to decide on, never Busy."""

    def __init__(self, key: str, holder: str) -> None:
        super().__init__("a key is taken")
        self.key = key
        self.holder = holder


class DocumentFull(Busy):
    """The write would make the document larger than the engine can hold. Nothing was written."""


class UndeclaredIndex(AduanError):
    """A find or count named an index that its collection does not declare: there are no scans."""


@dataclass(frozen=True, slots=True)
class Index:
    """Columns to find by, in order. A document with None in one of them is not in the index.

    The columns `tenant` and `partition` exist in every document and are not given by `columns`.
    """

    name: str
    columns: tuple[str, ...]


def _no_columns(_: Body) -> Columns:
    return {}


def _no_keys(_: Body) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class Collection:
    """Documents of one shape: their indexes, and how columns and unique keys follow from a body.

    keys: without the document's own `id:<id>`, which the adapter always holds.
    """

    name: str
    indexes: tuple[Index, ...] = ()
    columns: Callable[[Body], Columns] = _no_columns
    keys: Callable[[Body], tuple[str, ...]] = _no_keys

    def index(self, name: str) -> Index:
        """Return the declared index. Raises UndeclaredIndex."""
        for index in self.indexes:
            if index.name == name:
                return index
        raise UndeclaredIndex(f"{self.name} has no index {name}")

    @property
    def column_names(self) -> tuple[str, ...]:
        """Every column that an index needs beside tenant and partition, in first-use order."""
        names = dict.fromkeys(name for index in self.indexes for name in index.columns)
        return tuple(name for name in names if name not in ("tenant", "partition"))


@dataclass(frozen=True, slots=True)
class StreamInbox:
    """How far one stream of one case was applied: `next` is the seq whose turn it is.

    waiting: events that came before their turn, by seq, as the bytes they came in.
    """

    next: int = 1
    waiting: Mapping[int, Raw] = field(default_factory=dict)


Inbox = Mapping[str, StreamInbox]


@dataclass(frozen=True, slots=True)
class Document:
    """One case (or other thing) of one service. body is None in a placeholder or after expiry."""

    id: str
    tenant: str
    version: int
    body: Body | None
    inbox: Inbox
    event_seq: int
    published_seq: int

    @property
    def has_waiting(self) -> bool:
        """Whether an event waits for its turn."""
        return any(stream.waiting for stream in self.inbox.values())


@dataclass(frozen=True, slots=True)
class Change:
    """The whole next state of one document, and the events that it tells.

    events: numbered from the document's event_seq + 1, in order. May be longer than one.
    """

    tenant: str
    body: Body | None
    inbox: Inbox
    events: Sequence[Raw] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an update did. `after_seq` is the event_seq before the events of this write."""

    document: Document | None
    changed: bool
    after_seq: int = 0
    events: Sequence[Raw] = ()


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event of a document with its place in the document's stream."""

    seq: int
    raw: Raw


@dataclass(frozen=True, slots=True)
class Pending:
    """A document with events that are not marked as published."""

    id: str
    event_seq: int
    published_seq: int
    since: float


@dataclass(frozen=True, slots=True)
class Held:
    """A document in which events wait, since when (real time, Unix seconds), by stream."""

    id: str
    tenant: str
    since: float
    opened: bool
    waiting: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Page:
    """Found documents in index order, and where to go on; `after` is None at the end."""

    documents: Sequence[Document]
    after: tuple[str | int, ...] | None


Decide = Callable[[Document | None, datetime], Change | None]


class Store(Protocol):
    """One service's documents. Every method raises Busy when the engine is away, full or read-only."""

    async def update(
        self, collection: Collection, id: str, decide: Decide, *, fresh: bool = False
    ) -> Outcome:
        """Read, decide, and write by compare-and-set on the version; durable on return.

        fresh: the caller has just made the id, so the first look is spared; should a document be
        there all the same, the write finds it and decides again.
        decide: pure, may run again after a conflict; None writes nothing. It sees a placeholder as
        a Document whose body is None; its `now` is the domain time.
        Raises KeyTaken, Busy (also after 20 conflicts), and whatever decide raises.
        """
        ...

    async def get(self, collection: Collection, id: str) -> Document | None:
        """Return the document, also a placeholder."""
        ...

    async def get_by_key(self, collection: Collection, key: str) -> Document | None:
        """Return the document that holds a unique key."""
        ...

    async def find(
        self,
        collection: Collection,
        index: str,
        *,
        equal: tuple[str | int, ...] = (),
        low: str | int | None = None,
        high: str | int | None = None,
        after: tuple[str | int, ...] | None = None,
        limit: int = 100,
        descending: bool = False,
    ) -> Page:
        """Return documents in index order: the first columns equal, the next in [low, high).

        Placeholders are never found. limit: 1..500. Raises UndeclaredIndex, ValueError.
        """
        ...

    async def partitions_due(
        self, collection: Collection, index: str, partitions: Sequence[int], *, high: str | int
    ) -> Sequence[int]:
        """Return those of `partitions` in which `find(equal=(partition,), high=high)` finds something.

        One question, so that a worker with nothing to do asks once and not once a partition. The
        index begins with the partition. Raises UndeclaredIndex, ValueError.
        """
        ...

    async def count(
        self,
        collection: Collection,
        index: str,
        *,
        equal: tuple[str | int, ...] = (),
        low: str | int | None = None,
        high: str | int | None = None,
    ) -> int:
        """Count what `find` would return over all pages."""
        ...

    async def total(self, collection: Collection) -> int:
        """Count the documents that are no placeholders."""
        ...

    async def unpublished(
        self,
        collection: Collection,
        *,
        after: tuple[float, str] | None = None,
        limit: int = 100,
        older_than: float = 0.0,
    ) -> Sequence[Pending]:
        """Return documents with pending events, oldest first, pending for `older_than` seconds."""
        ...

    async def events(
        self, collection: Collection, id: str, after_seq: int, limit: int = 500
    ) -> Sequence[StoredEvent]:
        """Return a document's own events in seq order."""
        ...

    async def ids(
        self, collection: Collection, *, after: str = "", limit: int = 100
    ) -> Sequence[str]:
        """Return ids of documents, placeholders too, in their order, beyond `after`."""
        ...

    async def mark_published(
        self, collection: Collection, marks: Sequence[tuple[str, int, int]]
    ) -> None:
        """For each (id, after_seq, through_seq): raise published_seq to through_seq.

        Does nothing for a document unless published_seq >= after_seq; never lowers it.
        """
        ...

    async def held(
        self, collection: Collection, *, older_than: float = 0.0, limit: int = 100
    ) -> Sequence[Held]:
        """Return documents in which events have waited for `older_than` seconds, oldest first."""
        ...

    async def held_count(self, collection: Collection) -> int:
        """Count the events that wait, over all documents."""
        ...

    async def pending_count(self, collection: Collection) -> int:
        """Count the events that are stored and not marked as published."""
        ...

    async def expire(self, collection: Collection, id: str) -> None:
        """End of retention: drop body, keys, columns and events; inbox and id stay."""
        ...

    async def delete(self, collection: Collection, id: str) -> None:
        """Remove a document whole. Only for collections without events, such as dead letters."""
        ...
