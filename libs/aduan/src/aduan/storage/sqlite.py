"""The storage port on one SQLite file per service (see aduan.sqlite for durability and grouping)."""

import sqlite3
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from pydantic_core import from_json, to_json

from aduan.clock import Clock
from aduan.contracts.envelope import Raw
from aduan.errors import AduanError, Busy
from aduan.messaging.partition import partition_of
from aduan.sqlite import Row, Rows, SqliteFile
from aduan.storage.port import (
    CONFLICT_TRIES,
    Change,
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
from aduan.storage.sqlite_schema import (
    STORE_VERSION,
    Writes,
    check_limit,
    column_sql,
    due_query,
    fill,
    query,
    schema,
)
from aduan.storage.wire import pack_headers, pack_inbox, unpack_headers, unpack_inbox

REMEMBERED: Final = 1024

_FIELDS = "id, tenant, version, body, inbox, waiting, event_seq, published_seq"


class _Conflict(AduanError):
    """Somebody wrote the document between our read and our write."""


class SqliteStore:
    """See aduan.storage.port.Store. Collections are declared at opening; nothing is made later."""

    def __init__(
        self,
        path: Path,
        collections: Sequence[Collection],
        clock: Clock,
        *,
        max_pages: int | None = None,
    ) -> None:
        """Open or create the file. Raises Busy when it cannot be, SchemaNewer."""
        self._clock = clock
        statements = "\n".join(schema(collection) for collection in collections)
        columns = {c.name: [column_sql(name) for name in c.column_names] for c in collections}
        known = {collection.name: collection for collection in collections}
        self.file = SqliteFile(
            path,
            schema=statements,
            version=STORE_VERSION,
            columns=columns,
            fill=lambda connection, table, added: fill(connection, known[table], added),
            max_pages=max_pages,
        )
        self._writes = {c.name: Writes(c) for c in collections}
        self._remembered: OrderedDict[tuple[str, str], Row] = OrderedDict()

    @property
    def commits(self) -> int:
        """How many transactions were committed since opening."""
        return self.file.commits

    def close(self) -> None:
        """Finish what was submitted, then close the file."""
        self.file.close()

    async def update(
        self, collection: Collection, id: str, decide: Decide, *, fresh: bool = False
    ) -> Outcome:
        """See the port."""
        known = None if fresh else self._remembered.get((collection.name, id))
        for number in range(CONFLICT_TRIES):
            if number > 0 or (known is None and not fresh):
                document, certain = self._read(collection, id), True
            else:
                document, certain = _document(known) if known is not None else None, False
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
            row = _row(id, document, change)
            try:
                outcome = await self.file.write(self._write(collection, row, document, change))
            except _Conflict:
                continue
            self._remember(collection, row)
            return outcome
        raise Busy(f"{collection.name}: a document was contended {CONFLICT_TRIES} times")

    def _remember(self, collection: Collection, row: Row) -> None:
        # As bytes: nobody can change them. A moment old at times, so they only ever lead to a write,
        # which compares the version; every other answer is decided on what the file says.
        place = (collection.name, row[0])
        self._remembered[place] = row
        self._remembered.move_to_end(place)
        if len(self._remembered) > REMEMBERED:
            self._remembered.popitem(last=False)

    async def get(self, collection: Collection, id: str) -> Document | None:
        """See the port."""
        return self._read(collection, id)

    async def get_by_key(self, collection: Collection, key: str) -> Document | None:
        """See the port."""
        if key.startswith("id:"):
            return self._read(collection, key[3:])
        rows = self.file.read(f"SELECT id FROM {collection.name}_keys WHERE key = ?", (key,))
        return self._read(collection, rows[0][0]) if rows else None

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
        parts = query(
            collection,
            index,
            equal=equal,
            low=low,
            high=high,
            after=after,
            descending=descending,
        )
        way = " DESC" if descending else ""
        order = ", ".join(column + way for column in parts.order)
        rows = self.file.read(
            f"SELECT {_FIELDS}, {', '.join(parts.order)} FROM {collection.name}"
            f" WHERE {parts.where} ORDER BY {order} LIMIT ?",
            (*parts.parameters, limit),
        )
        documents = [_document(row[:8]) for row in rows]
        return Page(documents, tuple(rows[-1][8:]) if len(rows) == limit else None)

    async def partitions_due(
        self, collection: Collection, index: str, partitions: Sequence[int], *, high: str | int
    ) -> Sequence[int]:
        """See the port."""
        asked = to_json(list(partitions)).decode()
        return [row[0] for row in self.file.read(due_query(collection, index), (asked, high))]

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
        parts = query(collection, index, equal=equal, low=low, high=high)
        return self._number(
            f"SELECT COUNT(*) FROM {collection.name} WHERE {parts.where}", parts.parameters
        )

    async def total(self, collection: Collection) -> int:
        """See the port."""
        return self._number(f"SELECT COUNT(*) FROM {collection.name} WHERE body IS NOT NULL")

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
        rows = self.file.read(
            f"SELECT id, event_seq, published_seq, pending_since FROM {collection.name}"
            " WHERE event_seq > published_seq AND (pending_since, id) > (?, ?)"
            " AND pending_since <= ? ORDER BY pending_since, id LIMIT ?",
            (*(after or (0.0, "")), self._wall() - older_than, limit),
        )
        return [Pending(*row) for row in rows]

    async def events(
        self, collection: Collection, id: str, after_seq: int, limit: int = 500
    ) -> Sequence[StoredEvent]:
        """See the port."""
        check_limit(limit)
        rows = self.file.read(
            f"SELECT seq, topic, headers, value FROM {collection.name}_events"
            " WHERE id = ? AND seq > ? ORDER BY seq LIMIT ?",
            (id, after_seq, limit),
        )
        key = id.encode()
        return [
            StoredEvent(seq, Raw(topic, key, value, unpack_headers(headers)))
            for seq, topic, headers, value in rows
        ]

    async def ids(
        self, collection: Collection, *, after: str = "", limit: int = 100
    ) -> Sequence[str]:
        """See the port."""
        check_limit(limit)
        rows = self.file.read(
            f"SELECT id FROM {collection.name} WHERE id > ? ORDER BY id LIMIT ?", (after, limit)
        )
        return [row[0] for row in rows]

    async def mark_published(
        self, collection: Collection, marks: Sequence[tuple[str, int, int]]
    ) -> None:
        """See the port."""
        write = self._writes[collection.name].mark
        rounds = _rounds(marks)

        def job(connection: sqlite3.Connection) -> None:
            for rows in rounds:
                write.run(connection, rows)

        await self.file.write(job, patient=True)

    async def held(
        self, collection: Collection, *, older_than: float = 0.0, limit: int = 100
    ) -> Sequence[Held]:
        """See the port."""
        check_limit(limit)
        rows = self.file.read(
            f"SELECT {_FIELDS}, waiting_since FROM {collection.name}"
            " WHERE waiting_since IS NOT NULL AND waiting_since <= ?"
            " ORDER BY waiting_since, id LIMIT ?",
            (self._wall() - older_than, limit),
        )
        found = []
        for row in rows:
            document = _document(row[:8])
            waiting = {
                name: len(stream.waiting)
                for name, stream in document.inbox.items()
                if stream.waiting
            }
            opened = document.body is not None
            found.append(Held(document.id, document.tenant, row[8], opened, waiting))
        return found

    async def held_count(self, collection: Collection) -> int:
        """See the port."""
        return self._number(
            f"SELECT COALESCE(SUM(waiting_count), 0) FROM {collection.name}"
            " WHERE waiting_since IS NOT NULL"
        )

    async def pending_count(self, collection: Collection) -> int:
        """See the port."""
        return self._number(
            f"SELECT COALESCE(SUM(event_seq - published_seq), 0) FROM {collection.name}"
            " WHERE event_seq > published_seq"
        )

    async def expire(self, collection: Collection, id: str) -> None:
        """See the port."""
        name = collection.name
        cleared = "".join(f", c_{column} = NULL" for column in collection.column_names)

        def job(connection: sqlite3.Connection) -> None:
            connection.execute(
                f"UPDATE {name} SET version = version + 1, body = NULL, keys = '[]'{cleared}"
                " WHERE id = ?",
                (id,),
            )
            connection.execute(f"DELETE FROM {name}_keys WHERE id = ?", (id,))
            connection.execute(f"DELETE FROM {name}_events WHERE id = ?", (id,))
            connection.execute(f"UPDATE {name} SET published_seq = event_seq WHERE id = ?", (id,))

        await self.file.write(job)

    async def delete(self, collection: Collection, id: str) -> None:
        """See the port."""
        name = collection.name

        def job(connection: sqlite3.Connection) -> None:
            connection.execute(f"DELETE FROM {name}_keys WHERE id = ?", (id,))
            connection.execute(f"DELETE FROM {name} WHERE id = ?", (id,))

        await self.file.write(job)

    def _wall(self) -> float:
        return self._clock.wall().timestamp()

    def _number(self, sql: str, parameters: tuple[Any, ...] = ()) -> int:
        return int(self.file.read(sql, parameters)[0][0])

    def _read(self, collection: Collection, id: str) -> Document | None:
        rows = self.file.read(f"SELECT {_FIELDS} FROM {collection.name} WHERE id = ?", (id,))
        return _document(rows[0]) if rows else None

    def _write(
        self, collection: Collection, row: Row, before: Document | None, change: Change
    ) -> Rows[Outcome]:
        id, tenant, version, body, nexts, waiting, event_seq, published_seq = row
        writes, now = self._writes[collection.name], self._wall()
        keys = collection.keys(change.body) if change.body is not None else ()
        columns = collection.columns(change.body) if change.body is not None else {}
        values = [columns.get(column) for column in writes.column_names]
        waiting_count = sum(len(stream.waiting) for stream in change.inbox.values())
        waiting_since = now if waiting_count else None
        packed_keys = to_json(keys)
        after_seq = event_seq - len(change.events)
        events = [
            (id, seq, raw.topic, pack_headers(raw.headers), raw.value)
            for seq, raw in enumerate(change.events, start=after_seq + 1)
        ]
        told = [(writes.event, events)] if events else []
        document = Document(
            id, tenant, version, change.body, change.inbox, event_seq, published_seq
        )
        outcome = Outcome(document, True, after_seq, change.events)
        if before is None:
            new = (
                id, tenant, partition_of(id), version, body, packed_keys, nexts, waiting,
                waiting_count, waiting_since, event_seq, 0, now if events else None, *values,
            )  # fmt: skip
            held = [(writes.key, [(key, id) for key in keys])] if keys else []
            rows = ((writes.insert, [new]), *held, *told)
        else:
            changed = (
                id, version - 1, tenant, version, body, packed_keys, nexts, waiting,
                waiting_count, waiting_since, event_seq, len(events), now, *values,
            )  # fmt: skip
            # Its keys stay as they are, or the row does not fit and is written alone.
            rows = ((writes.update, [changed]), *told)

        def alone(connection: sqlite3.Connection) -> Outcome:
            old_keys: Sequence[str] = ()
            if before is None:
                try:
                    writes.insert.run(connection, [new])
                except sqlite3.IntegrityError:
                    raise _Conflict("inserted by somebody else") from None
            else:
                old = connection.execute(
                    f"SELECT keys FROM {collection.name} WHERE id = ?", (id,)
                ).fetchone()
                if old is None or writes.update_alone.run(connection, [changed]) == 0:
                    raise _Conflict("written by somebody else")
                old_keys = from_json(old[0])
            _move_keys(connection, collection.name, id, old_keys, keys)
            for statement, those in told:
                statement.run(connection, those)
            return outcome

        return Rows(rows, alone, outcome)


def _move_keys(
    connection: sqlite3.Connection, name: str, id: str, old: Sequence[str], new: Sequence[str]
) -> None:
    for key in set(old) - set(new):
        connection.execute(f"DELETE FROM {name}_keys WHERE key = ?", (key,))
    for key in new:
        if key in old:
            continue
        try:
            connection.execute(f"INSERT INTO {name}_keys (key, id) VALUES (?, ?)", (key, id))
        except sqlite3.IntegrityError:
            holder = connection.execute(
                f"SELECT id FROM {name}_keys WHERE key = ?", (key,)
            ).fetchone()
            raise KeyTaken(key, holder[0]) from None


def _rounds(marks: Sequence[tuple[str, int, int]]) -> list[list[Row]]:
    """Return marks in rounds that name each document once, one after another what cannot be joined.

    A statement over many rows sees each document as it was before, so marks of one document that
    follow each other are joined into one.
    """
    rounds: list[dict[str, Row]] = [{}]
    for id, after, through in marks:
        known = rounds[-1].get(id)
        if known is None:
            rounds[-1][id] = (id, after, through)
        elif known[1] <= after <= known[2]:
            rounds[-1][id] = (id, known[1], max(known[2], through))
        else:
            rounds.append({id: (id, after, through)})
    return [list(marked.values()) for marked in rounds]


def _row(id: str, before: Document | None, change: Change) -> Row:
    """Return what `_document` reads back after the write."""
    body = to_json(change.body) if change.body is not None else None
    nexts, waiting = pack_inbox(change.inbox)
    version = before.version + 1 if before is not None else 1
    event_seq = (before.event_seq if before is not None else 0) + len(change.events)
    published_seq = before.published_seq if before is not None else 0
    return (id, change.tenant, version, body, nexts, waiting, event_seq, published_seq)


def _document(row: Sequence[Any]) -> Document:
    id, tenant, version, body, inbox, waiting, event_seq, published_seq = row
    return Document(
        id=id,
        tenant=tenant,
        version=version,
        body=from_json(body) if body is not None else None,
        inbox=unpack_inbox(inbox, waiting),
        event_seq=event_seq,
        published_seq=published_seq,
    )
