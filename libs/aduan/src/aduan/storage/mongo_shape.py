"""How documents and indexes look in MongoDB. Pure: the driver is known to aduan.storage.mongo alone.

A document of the port is one document there:

    _id, tenant, partition, version
    body          JSON text, or null; inbox, waiting: as in the embedded engine (aduan.storage.wire)
    live          1 while there is a body; a placeholder has none, so counts never see it
    keys          ["id:<id>", ...] under a unique index; never empty, for two empty ones would clash
    c             the columns that are not None
    on            {index: 1} for every index in which the document is
    events        [{seq, topic, headers, value}], and size: how many bytes they take
    event_seq, published_seq, pending_since (only while something is pending)
    waiting_count, waiting_since (only while something waits)
    w             the ids of the last writes: who asks later still learns whether a write applied
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic_core import from_json, to_json

from aduan.contracts.envelope import Raw
from aduan.messaging.partition import partition_of
from aduan.storage.port import (
    FIND_LIMIT,
    Change,
    Collection,
    Document,
    DocumentFull,
    StoredEvent,
)
from aduan.storage.wire import pack_headers, pack_inbox, unpack_headers, unpack_inbox

Stored = Mapping[str, Any]
Bounds = list[tuple[str, Any]]
Value = str | int

# The engine refuses 16 MiB; the rest is left for field names, columns and index marks.
DOCUMENT_LIMIT: Final = 15 << 20
WRITES_KEPT: Final = 16
READ: Final = (
    *"tenant version body inbox waiting waiting_count keys".split(),
    *"c on event_seq published_seq size w".split(),
)


@dataclass(frozen=True, slots=True)
class IndexSpec:
    """An index as the engine is told, and as it answers when asked."""

    name: str
    keys: tuple[str, ...]
    only: Mapping[str, Any] | None = None
    unique: bool = False


def index_specs(collection: Collection) -> list[IndexSpec]:
    """Return every index that a collection needs.

    Partial, like those of the embedded engine. The mark `on.<index>` stands first in the index: a
    query asks for it by equality, so counts read the index alone, and no type of value is assumed.
    """
    specs = [
        IndexSpec("keys", ("keys",), unique=True),
        IndexSpec("live", ("live",), only={"live": 1}),
        IndexSpec("pending", ("pending_since", "_id"), only={"pending_since": {"$gt": 0}}),
        IndexSpec("waiting", ("waiting_since", "_id"), only={"waiting_since": {"$gt": 0}}),
    ]
    specs += [
        IndexSpec(f"on_{index.name}", path(collection, index.name), only={f"on.{index.name}": 1})
        for index in collection.indexes
    ]
    return specs


def path(collection: Collection, index: str) -> tuple[str, ...]:
    """Return the fields of a declared index, in order. Raises UndeclaredIndex."""
    columns = collection.index(index).columns
    return (f"on.{index}", *(_field(column) for column in columns), "_id")


def _field(column: str) -> str:
    return column if column in ("tenant", "partition") else f"c.{column}"


@dataclass(frozen=True, slots=True)
class Span:
    """One stretch of an index: from `low` (in it) to `high` (not in it), both as index keys.

    order: the fields whose values make the cursor.
    """

    index: str
    filter: Mapping[str, Any]
    low: Bounds
    high: Bounds
    order: tuple[str, ...]


def span(
    collection: Collection,
    index: str,
    ends: tuple[Any, Any],
    *,
    equal: tuple[Value, ...],
    low: Value | None,
    high: Value | None,
    after: tuple[Value, ...] | None = None,
    descending: bool = False,
) -> Span | None:
    """Return the stretch that a find reads, None when it is empty.

    ends: the engine's values before and after all others.
    Raises UndeclaredIndex, and ValueError for values that do not fit the index.
    """
    fields = path(collection, index)
    check_values(collection, index, equal, low, high)
    order = fields[1 + len(equal) :]
    if after is not None and len(after) != len(order):
        raise ValueError("the cursor is of another query")
    lowest, highest = ends
    head = [1, *(plain(value) for value in equal)]
    start = [*head, lowest if low is None else plain(low)]
    end = [*head, highest if high is None else plain(high)]
    if low is not None and high is not None and not _before(low, high):
        return None
    if after is not None:
        ranged = len(order) > 1
        beyond = ranged and high is not None and not _before(after[0], high)
        short = ranged and low is not None and _before(after[0], low)
        if short if descending else beyond:
            return None
        # The end of a span is not in it; the start is, so the cursor's id is moved to the next text.
        if descending and not beyond:
            end = [*head, *after]
        elif not descending and not short:
            start = [*head, *after[:-1], f"{after[-1]}\0"]
    missing_low = [lowest] * (len(fields) - len(start))
    # What follows a given end is not in the span: its smallest key is where it stops.
    given = high is not None or len(end) == len(fields)
    missing_high = [lowest if given else highest] * (len(fields) - len(end))
    return Span(
        f"on_{index}",
        {f"on.{index}": 1},
        list(zip(fields, [*start, *missing_low], strict=True)),
        list(zip(fields, [*end, *missing_high], strict=True)),
        order,
    )


def counted(
    collection: Collection,
    index: str,
    *,
    equal: tuple[Value, ...],
    low: Value | None,
    high: Value | None,
) -> dict[str, Any]:
    """Return the filter that counts a stretch by its index alone. Raises as `span`."""
    fields = path(collection, index)
    check_values(collection, index, equal, low, high)
    wanted: dict[str, Any] = {fields[0]: 1}
    wanted |= dict(zip(fields[1:], map(plain, equal), strict=False))
    bounds = (("$gte", low), ("$lt", high))
    between = {sign: plain(value) for sign, value in bounds if value is not None}
    if between:
        wanted[fields[1 + len(equal)]] = between
    return wanted


def due_in(
    collection: Collection, index: str, partitions: Sequence[int], high: Value
) -> dict[str, Any]:
    """Return the filter of what is below `high` in these partitions.

    Raises UndeclaredIndex, and ValueError for an index that does not begin with the partition.
    """
    marker, first, *others = path(collection, index)
    if first != "partition" or len(others) < 2:
        raise ValueError(f"{collection.name}.{index} does not begin with the partition")
    return {marker: 1, first: {"$in": list(partitions)}, others[0]: {"$lt": plain(high)}}


def check_values(
    collection: Collection,
    index: str,
    equal: tuple[Value, ...],
    low: Value | None,
    high: Value | None,
) -> None:
    """Raise ValueError for more values than the index has columns."""
    columns = len(collection.index(index).columns)
    if len(equal) > columns or (len(equal) == columns and (low, high) != (None, None)):
        raise ValueError(f"{collection.name}.{index} has fewer columns than values")


def check_limit(limit: int) -> None:
    """Raise ValueError unless 1 <= limit <= 500."""
    if not 1 <= limit <= FIND_LIMIT:
        raise ValueError(f"a limit is between 1 and {FIND_LIMIT}")


def plain(value: Value) -> Value:
    """Return a column's value as both engines keep it: a truth value is a number."""
    return int(value) if isinstance(value, bool) else value


def _before(one: Value, other: Value) -> bool:
    """Whether `one` sorts before `other`: numbers first, as in both engines."""
    if isinstance(one, str) and isinstance(other, str):
        return one.encode() < other.encode()
    if isinstance(one, str) or isinstance(other, str):
        return isinstance(other, str)
    return one < other


def document_of(stored: Stored) -> Document:
    """Return the port's document."""
    body = stored["body"]
    return Document(
        id=stored["_id"],
        tenant=stored["tenant"],
        version=stored["version"],
        body=from_json(body) if body is not None else None,
        inbox=unpack_inbox(stored["inbox"], stored["waiting"]),
        event_seq=stored["event_seq"],
        published_seq=stored["published_seq"],
    )


@dataclass(frozen=True, slots=True)
class Write:
    """One write of one document: the whole new one, or an update by compare-and-set on `version`.

    number: its own id, kept in the document. version: before the write, 0 for a new document.
    last: the id of the write before it. It is compared too, so that a document that was removed and
    made anew is not taken for the one that was read.
    """

    collection: str
    id: str
    number: int
    version: int
    last: int
    data: Mapping[str, Any]


def write_of(
    collection: Collection,
    id: str,
    before: Stored | None,
    change: Change,
    *,
    number: int,
    now: float,
) -> tuple[Write, Stored]:
    """Return the write, and what `READ` shows of the document after it. Raises DocumentFull."""
    body = to_json(change.body).decode() if change.body is not None else None
    nexts, waiting = pack_inbox(change.inbox)
    after_seq = before["event_seq"] if before is not None else 0
    events = [_event(seq, raw) for seq, raw in enumerate(change.events, start=after_seq + 1)]
    told = sum(len(event["value"]) + len(event["headers"]) + 80 for event in events)
    keys = collection.keys(change.body) if change.body is not None else ()
    version = before["version"] if before is not None else 0
    after: dict[str, Any] = {
        "_id": id,
        "tenant": change.tenant,
        "version": version + 1,
        "body": body,
        "inbox": nexts,
        "waiting": waiting,
        "waiting_count": sum(len(stream.waiting) for stream in change.inbox.values()),
        "event_seq": after_seq + len(events),
        "published_seq": before["published_seq"] if before is not None else 0,
        "size": (before["size"] if before is not None else 0) + told,
    }
    room = after["size"] + len(body or "") * 2 + len(nexts) + len(waiting or b"")
    if room > DOCUMENT_LIMIT and _bytes(after) > DOCUMENT_LIMIT:
        raise DocumentFull(f"{collection.name}: a document would be over {DOCUMENT_LIMIT} bytes")
    after |= {
        "keys": list(dict.fromkeys((f"id:{id}", *keys))),
        "w": [number],
        **_indexed(collection, change),
    }
    data = _new(id, after, events, now) if before is None else _update(before, after, events, now)
    last = before["w"][-1] if before is not None else 0
    return Write(collection.name, id, number, version, last, data), after


def _since(after: Stored, events: Sequence[Stored], now: float) -> dict[str, float]:
    pending = {"pending_since": now} if events else {}
    return pending | ({"waiting_since": now} if after["waiting"] is not None else {})


def _new(id: str, after: Stored, events: Sequence[Stored], now: float) -> dict[str, Any]:
    live = {"live": 1} if after["body"] is not None else {}
    return {
        **after, "partition": partition_of(id), "events": events, **_since(after, events, now), **live
    }  # fmt: skip


def _update(before: Stored, after: Stored, events: Sequence[Stored], now: float) -> dict[str, Any]:
    """Say what changes and no more: the engine looks at every index of a field that it is told."""
    told = ("tenant", "body", "inbox", "waiting", "waiting_count", "keys")
    given = {name: after[name] for name in told if before[name] != after[name]}
    given |= {"version": after["version"], "event_seq": after["event_seq"], "size": after["size"]}
    gone = ["waiting_since"] if after["waiting"] is None and before["waiting"] is not None else []
    for part in ("c", "on"):
        old, new = before[part], after[part]
        given |= {f"{part}.{name}": value for name, value in new.items() if old.get(name) != value}
        gone += [f"{part}.{name}" for name in old if name not in new]
    if (before["body"] is None) != (after["body"] is None):
        given |= {"live": 1} if after["body"] is not None else {}
        gone += [] if after["body"] is not None else ["live"]
    pushed: dict[str, Any] = {"w": {"$each": list(after["w"]), "$slice": -WRITES_KEPT}}
    pushed |= {"events": {"$each": events}} if events else {}
    update = {"$set": given, "$push": pushed}
    # The oldest moment stays: marks do not touch the version, so what is pending now is not known.
    since = _since(after, events, now)
    update |= {"$min": since} if since else {}
    update |= {"$unset": dict.fromkeys(gone, "")} if gone else {}
    return update


def _bytes(after: Stored) -> int:
    body = (after["body"] or "").encode()
    return int(after["size"]) + len(body) + len(after["inbox"]) + len(after["waiting"] or b"")


def _indexed(collection: Collection, change: Change) -> dict[str, Any]:
    if change.body is None:
        return {"c": {}, "on": {}}
    given = collection.columns(change.body)
    filled = {
        column: plain(value)
        for column in collection.column_names
        if (value := given.get(column)) is not None
    }
    present = {"tenant", "partition", *filled}
    on = {index.name: 1 for index in collection.indexes if present.issuperset(index.columns)}
    return {"c": filled, "on": on}


def _event(seq: int, raw: Raw) -> dict[str, Any]:
    headers = pack_headers(raw.headers)
    return {"seq": seq, "topic": raw.topic, "headers": headers, "value": raw.value}


def events_of(id: str, events: Sequence[Stored]) -> list[StoredEvent]:
    """Return a document's events as they were told."""
    key = id.encode()
    return [
        StoredEvent(
            event["seq"], Raw(event["topic"], key, event["value"], unpack_headers(event["headers"]))
        )
        for event in events
    ]


def expiry(id: str, number: int) -> list[dict[str, Any]]:
    """Return the update that ends a document's retention."""
    written = {"$slice": [{"$concatArrays": ["$w", [number]]}, -WRITES_KEPT]}
    return [
        {
            "$set": {
                "version": {"$add": ["$version", 1]},
                "body": None,
                "keys": {"$literal": [f"id:{id}"]},
                "c": {"$literal": {}},
                "on": {"$literal": {}},
                "events": [],
                "size": 0,
                "published_seq": "$event_seq",
                "w": written,
            }
        },
        {"$unset": ["live", "pending_since"]},
    ]


def mark(id: str, after: int, through: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return (filter, update) that raises published_seq where nothing before it is unpublished."""
    pending = {"$gt": ["$event_seq", "$published_seq"]}
    return {"_id": id, "published_seq": {"$gte": after, "$lt": through}}, [
        {"$set": {"published_seq": through}},
        {"$set": {"pending_since": {"$cond": [pending, "$pending_since", "$$REMOVE"]}}},
    ]
