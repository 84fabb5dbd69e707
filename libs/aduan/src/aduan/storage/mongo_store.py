"""The storage port on MongoDB, without the driver: see aduan.storage.mongo for that."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final, Protocol

from aduan.clock import Clock
from aduan.errors import Busy
from aduan.privacy.randomness import random_bytes
from aduan.storage.gather import Gather
from aduan.storage.mongo_shape import (
    READ,
    WRITES_KEPT,
    Bounds,
    Stored,
    Write,
    check_limit,
    counted,
    document_of,
    due_in,
    events_of,
    expiry,
    mark,
    span,
    write_of,
)
from aduan.storage.port import (
    CONFLICT_TRIES,
    Collection,
    Decide,
    Document,
    Held,
    KeyTaken,
    Outcome,
    Page,
    Pending,
    StoredEvent,
)

REMEMBERED: Final = 1024

_EMPTY: Final = Page((), None)


class Fate(Enum):
    """What became of one write of a group."""

    WON = auto()
    LOST = auto()  # the version was another one: decide again
    UNKNOWN = auto()  # no answer came


@dataclass(frozen=True, slots=True)
class Refused:
    """A unique index refused the write, which was not applied."""

    key: str


@dataclass(frozen=True, slots=True)
class _Tried:
    write: Write
    after: Stored
    outcome: Outcome


class Connection(Protocol):
    """What the store asks of a driver. Every method is bounded in time and raises Busy."""

    @property
    def ends(self) -> tuple[Any, Any]:
        """The values that sort before and after all others."""
        ...

    async def many(
        self,
        name: str,
        filter: Mapping[str, Any],
        fields: Sequence[str],
        *,
        hint: str,
        low: Bounds | None = None,
        high: Bounds | None = None,
        descending: bool = False,
        limit: int = 0,
    ) -> list[dict[str, Any]]:
        """Return the fields of documents by an index, in its order where a stretch is given."""
        ...

    async def slice(
        self, name: str, id: str, after_seq: int, limit: int
    ) -> Sequence[Mapping[str, Any]]:
        """Return a document's events beyond a seq."""
        ...

    async def count(self, name: str, filter: Mapping[str, Any], *, hint: str) -> int:
        """Count by an index."""
        ...

    async def different(
        self, name: str, filter: Mapping[str, Any], field: str, *, hint: str
    ) -> Sequence[Any]:
        """Return the different values of a field by an index, in no order."""
        ...

    async def sum(
        self, name: str, filter: Mapping[str, Any], of: str | Mapping[str, Any], *, hint: str
    ) -> int:
        """Add up an expression over documents by an index."""
        ...

    async def write(
        self, name: str, writes: Sequence[Write]
    ) -> Sequence[Fate | Refused | Exception]:
        """Write a group in one go; return what became of each as far as the answer says it.

        Where the answer counts fewer than it should without saying which, those are UNKNOWN.
        """
        ...

    async def change(
        self, name: str, updates: Sequence[tuple[Mapping[str, Any], list[dict[str, Any]]]]
    ) -> None:
        """Run (filter, update) pairs, one after the other."""
        ...

    async def remove(self, name: str, id: str) -> None:
        """Remove a document."""
        ...


class MongoStore:
    """See aduan.storage.port.Store.

    An update that got no answer is asked for by its own id, which the document keeps, so it is
    neither applied twice nor reported as failed while it did apply.
    """

    def __init__(self, connection: Connection, clock: Clock, *, patience: float) -> None:
        """patience: seconds after which an update that is not done raises Busy."""
        self._connection = connection
        self._clock = clock
        self._patience = patience
        self._remembered: OrderedDict[tuple[str, str], Stored] = OrderedDict()
        self._reads = Gather[tuple[str, str], Stored | None](self._read_group)
        self._writes = Gather[Write, Fate | Refused](self._write_group)

    async def close(self) -> None:
        """Finish what was submitted."""
        await self._reads.close()
        await self._writes.close()

    async def update(
        self, collection: Collection, id: str, decide: Decide, *, fresh: bool = False
    ) -> Outcome:
        """See the port."""
        async with self._patient(collection):
            return await self._update(collection, id, decide, fresh=fresh)

    async def _update(
        self, collection: Collection, id: str, decide: Decide, *, fresh: bool
    ) -> Outcome:
        place = (collection.name, id)
        known = None if fresh else self._remembered.get(place)
        tried: list[_Tried] = []
        for number in range(CONFLICT_TRIES):
            certain = number > 0 or (known is None and not fresh)
            stored = await self._reads.submit(place) if certain else known
            if tried and stored is not None:
                applied = _applied(stored, tried)
                if applied is not None:
                    self._remember(place, applied.after)
                    return applied.outcome
            document = document_of(stored) if stored is not None else None
            try:
                change = decide(document, self._clock.now())
            except Exception:
                if certain:
                    raise
                continue
            if change is None:
                if certain:
                    return Outcome(document, changed=False)
                continue
            write, after = write_of(
                collection, id, stored, change, number=_number(), now=self._wall()
            )
            after_seq = stored["event_seq"] if stored is not None else 0
            told = Document(
                id, change.tenant, write.version + 1, change.body, change.inbox,
                after["event_seq"], after["published_seq"],
            )  # fmt: skip
            outcome = Outcome(told, True, after_seq, change.events)
            tried.append(_Tried(write, after, outcome))
            fate = await self._writes.submit(write)
            if fate is Fate.WON:
                self._remember(place, after)
                return outcome
            if isinstance(fate, Refused):
                holder = await self.get_by_key(collection, fate.key)
                if holder is not None and holder.id != id:
                    raise KeyTaken(fate.key, holder.id)
        raise Busy(f"{collection.name}: a document was contended {CONFLICT_TRIES} times")

    def _remember(self, place: tuple[str, str], stored: Stored) -> None:
        # Texts and bytes: nobody can change them. A moment old at times, so they only ever lead to a
        # write, which compares the version; every other answer is decided on what the engine says.
        self._remembered[place] = stored
        self._remembered.move_to_end(place)
        if len(self._remembered) > REMEMBERED:
            self._remembered.popitem(last=False)

    async def get(self, collection: Collection, id: str) -> Document | None:
        """See the port."""
        stored = await self._reads.submit((collection.name, id))
        return document_of(stored) if stored is not None else None

    async def get_by_key(self, collection: Collection, key: str) -> Document | None:
        """See the port."""
        if key.startswith("id:"):
            return await self.get(collection, key[3:])
        found = await self._connection.many(
            collection.name, {"keys": key}, READ, hint="keys", limit=1
        )
        return document_of(found[0]) if found else None

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
        """See the port."""
        check_limit(limit)
        part = span(
            collection,
            index,
            self._connection.ends,
            equal=equal,
            low=low,
            high=high,
            after=after,
            descending=descending,
        )
        if part is None:
            return _EMPTY
        rows = await self._connection.many(
            collection.name,
            part.filter,
            (*READ, "partition", "c"),
            hint=part.index,
            low=part.low,
            high=part.high,
            descending=descending,
            limit=limit,
        )
        cursor = tuple(_value(rows[-1], name) for name in part.order) if rows else ()
        return Page([document_of(row) for row in rows], cursor if len(rows) == limit else None)

    async def partitions_due(
        self, collection: Collection, index: str, partitions: Sequence[int], *, high: str | int
    ) -> Sequence[int]:
        """See the port."""
        wanted = due_in(collection, index, partitions, high)
        return await self._connection.different(
            collection.name, wanted, "partition", hint=f"on_{index}"
        )

    async def count(
        self,
        collection: Collection,
        index: str,
        *,
        equal: tuple[str | int, ...] = (),
        low: str | int | None = None,
        high: str | int | None = None,
    ) -> int:
        """See the port."""
        wanted = counted(collection, index, equal=equal, low=low, high=high)
        return await self._connection.count(collection.name, wanted, hint=f"on_{index}")

    async def total(self, collection: Collection) -> int:
        """See the port."""
        return await self._connection.count(collection.name, {"live": 1}, hint="live")

    async def unpublished(
        self,
        collection: Collection,
        *,
        after: tuple[float, str] | None = None,
        limit: int = 100,
        older_than: float = 0.0,
    ) -> Sequence[Pending]:
        """See the port."""
        check_limit(limit)
        since, id = after or (0.0, "")
        until = self._until("pending_since", older_than)
        if since > until[0][1]:
            return []
        rows = await self._connection.many(
            collection.name,
            {
                "pending_since": {"$gt": 0},
                "$expr": {"$gt": ["$event_seq", "$published_seq"]},
            },
            ("event_seq", "published_seq", "pending_since"),
            hint="pending",
            low=[("pending_since", since), ("_id", f"{id}\0")],
            high=until,
            limit=limit,
        )
        return [
            Pending(row["_id"], row["event_seq"], row["published_seq"], row["pending_since"])
            for row in rows
        ]

    async def events(
        self, collection: Collection, id: str, after_seq: int, limit: int = 500
    ) -> Sequence[StoredEvent]:
        """See the port."""
        check_limit(limit)
        return events_of(id, await self._connection.slice(collection.name, id, after_seq, limit))

    async def ids(
        self, collection: Collection, *, after: str = "", limit: int = 100
    ) -> Sequence[str]:
        """See the port."""
        check_limit(limit)
        rows = await self._connection.many(
            collection.name,
            {},
            ("_id",),
            hint="_id_",
            low=[("_id", f"{after}\0")],
            high=[("_id", self._connection.ends[1])],
            limit=limit,
        )
        return [row["_id"] for row in rows]

    async def mark_published(
        self, collection: Collection, marks: Sequence[tuple[str, int, int]]
    ) -> None:
        """See the port."""
        if marks:
            await self._connection.change(collection.name, [mark(*one) for one in marks])

    async def held(
        self, collection: Collection, *, older_than: float = 0.0, limit: int = 100
    ) -> Sequence[Held]:
        """See the port."""
        check_limit(limit)
        rows = await self._connection.many(
            collection.name,
            {"waiting_since": {"$gt": 0}},
            (*READ, "waiting_since"),
            hint="waiting",
            low=[("waiting_since", 0.0), ("_id", "")],
            high=self._until("waiting_since", older_than),
            limit=limit,
        )
        return [_held(document_of(row), row["waiting_since"]) for row in rows]

    async def held_count(self, collection: Collection) -> int:
        """See the port."""
        return await self._connection.sum(
            collection.name, {"waiting_since": {"$gt": 0}}, "$waiting_count", hint="waiting"
        )

    async def pending_count(self, collection: Collection) -> int:
        """See the port."""
        pending = {"$max": [0, {"$subtract": ["$event_seq", "$published_seq"]}]}
        return await self._connection.sum(
            collection.name, {"pending_since": {"$gt": 0}}, pending, hint="pending"
        )

    async def expire(self, collection: Collection, id: str) -> None:
        """See the port."""
        await self._connection.change(collection.name, [({"_id": id}, expiry(id, _number()))])

    async def delete(self, collection: Collection, id: str) -> None:
        """See the port."""
        await self._connection.remove(collection.name, id)

    def _wall(self) -> float:
        return self._clock.wall().timestamp()

    def _until(self, field: str, older_than: float) -> Bounds:
        return [(field, self._wall() - older_than), ("_id", self._connection.ends[1])]

    @asynccontextmanager
    async def _patient(self, collection: Collection) -> AsyncIterator[None]:
        limit = asyncio.timeout(self._patience)
        try:
            async with limit:
                yield
        except TimeoutError:
            if not limit.expired():
                raise
            raise Busy(f"{collection.name}: no answer in {self._patience:.0f} s") from None

    async def _read_group(
        self, places: Sequence[tuple[str, str]]
    ) -> Sequence[Stored | BaseException | None]:
        wanted: dict[str, set[str]] = {}
        for name, id in places:
            wanted.setdefault(name, set()).add(id)
        answers = await asyncio.gather(
            *(self._read(name, ids) for name, ids in wanted.items()), return_exceptions=True
        )
        found = dict(zip(wanted, answers, strict=True))
        results: list[Stored | BaseException | None] = []
        for name, id in places:
            answer = found[name]
            results.append(answer if isinstance(answer, BaseException) else answer.get(id))
        return results

    async def _read(self, name: str, ids: set[str]) -> dict[str, Stored]:
        rows = await self._connection.many(name, {"_id": {"$in": sorted(ids)}}, READ, hint="_id_")
        return {row["_id"]: row for row in rows}

    async def _write_group(
        self, writes: Sequence[Write]
    ) -> Sequence[Fate | Refused | BaseException]:
        groups: dict[str, list[Write]] = {}
        for write in writes:
            groups.setdefault(write.collection, []).append(write)
        answers = await asyncio.gather(
            *(self._write(name, group) for name, group in groups.items()), return_exceptions=True
        )
        fates: dict[int, Fate | Refused | BaseException] = {}
        for group, answer in zip(groups.values(), answers, strict=True):
            some = [answer] * len(group) if isinstance(answer, BaseException) else answer
            fates.update(zip((write.number for write in group), some, strict=True))
        return [fates[write.number] for write in writes]

    async def _write(
        self, name: str, group: Sequence[Write]
    ) -> Sequence[Fate | Refused | BaseException]:
        fates: list[Fate | Refused | BaseException] = []
        fates += await self._connection.write(name, group)
        unsure = [at for at, fate in enumerate(fates) if fate is Fate.UNKNOWN]
        if unsure:
            found = await self._asked(name, {group[at].id for at in unsure})
            for at in unsure:
                fates[at] = _fate(group[at], found.get(group[at].id))
        return fates

    async def _asked(self, name: str, ids: set[str]) -> dict[str, Mapping[str, Any]]:
        rows = await self._connection.many(
            name, {"_id": {"$in": sorted(ids)}}, ("version", "w"), hint="_id_"
        )
        return {row["_id"]: row for row in rows}


def _number() -> int:
    return int.from_bytes(random_bytes(8)) >> 1


def _applied(stored: Stored, tried: list[_Tried]) -> _Tried | None:
    """Return the try that did apply, and forget those that never will.

    A write whose answer did not come may have applied, or be on its way still and apply later: as
    long as nobody else took its version, it stays in the list.
    """
    for one in list(tried):
        fate = _fate(one.write, stored)
        if isinstance(fate, Busy):
            raise fate
        if fate is Fate.WON:
            return one
        if stored["version"] > one.write.version:
            tried.remove(one)
    return None


def _fate(write: Write, found: Mapping[str, Any] | None) -> Fate | Busy:
    """Say what became of a write that was not answered, by what its document remembers."""
    if found is None:
        return Fate.LOST
    if write.number in found["w"]:
        return Fate.WON
    if found["version"] - write.version >= WRITES_KEPT:
        return Busy("a document moved on too far to say whether a write applied")
    return Fate.LOST


def _held(document: Document, since: float) -> Held:
    waiting = {name: len(one.waiting) for name, one in document.inbox.items() if one.waiting}
    return Held(document.id, document.tenant, since, document.body is not None, waiting)


def _value(row: Mapping[str, Any], name: str) -> Any:
    return row["c"][name[2:]] if name.startswith("c.") else row[name]
