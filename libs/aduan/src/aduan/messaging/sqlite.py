"""The messaging port on one SQLite file: a durable log for all services of one process.

A group has one member, which gets every partition. Records that were just written are also kept in
memory for a moment, so that a reader who keeps up does not read the file.
"""

import asyncio
import sqlite3
from collections import deque
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from pydantic_core import from_json, to_json

from aduan import failpoints
from aduan.clock import Clock
from aduan.contracts.envelope import Raw
from aduan.contracts.topics import BY_NAME
from aduan.messaging.partition import partition_of, partitions_of
from aduan.messaging.port import (
    Assigned,
    Record,
    Revoked,
    TopicPartition,
    ignore_assignment,
    ignore_partitions,
)
from aduan.sqlite import Many, Row, SqliteFile
from aduan.storage.wire import pack_headers, unpack_headers

LOG_VERSION: Final = 1
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS log (
    number INTEGER PRIMARY KEY, topic TEXT NOT NULL, partition INTEGER NOT NULL,
    offset INTEGER NOT NULL, key BLOB NOT NULL, headers BLOB NOT NULL, value BLOB NOT NULL,
    at REAL NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS log__place ON log (topic, partition, offset);
CREATE TABLE IF NOT EXISTS ends (
    topic TEXT NOT NULL, partition INTEGER NOT NULL, next INTEGER NOT NULL,
    PRIMARY KEY (topic, partition)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS offsets (
    grp TEXT NOT NULL, topic TEXT NOT NULL, partition INTEGER NOT NULL, next INTEGER NOT NULL,
    PRIMARY KEY (grp, topic, partition)) WITHOUT ROWID;
"""
_TAIL: Final = 64
_BEYOND: Final = 2**62  # an offset that no record has
_APPEND: Final = Many(
    "INSERT INTO log (topic, partition, offset, key, headers, value, at)", width=7
)
_MOVE_END: Final = Many(
    "INSERT INTO ends (topic, partition, next)",
    3,
    "ON CONFLICT (topic, partition) DO UPDATE SET next = excluded.next",
)
_COMMIT: Final = Many(
    "UPDATE offsets SET next = v.column4 FROM (",
    4,
    ") AS v WHERE grp = v.column1 AND topic = v.column2 AND partition = v.column3",
)


def _ends_of(connection: sqlite3.Connection, topics: Collection[str]) -> dict[TopicPartition, int]:
    # As one row: each row that is fetched gives up the interpreter lock.
    found = connection.execute(
        "SELECT json_group_array(json_array(topic, partition, next)) FROM ends"
        f" WHERE topic IN ({', '.join('?' * len(topics))})",
        tuple(topics),
    ).fetchone()
    return {TopicPartition(topic, partition): end for topic, partition, end in from_json(found[0])}


class SqliteBus:
    """See aduan.messaging.port.Bus."""

    def __init__(self, path: Path, clock: Clock, *, max_pages: int | None = None) -> None:
        """Open or create the log. Raises Busy when the file cannot be opened, SchemaNewer."""
        self._clock = clock
        self.file = SqliteFile(path, schema=_SCHEMA, version=LOG_VERSION, max_pages=max_pages)
        self._ends: dict[TopicPartition, int] = {
            TopicPartition(topic, partition): end
            for topic, partition, end in self.file.read("SELECT topic, partition, next FROM ends")
        }
        self._tails: dict[TopicPartition, deque[Record]] = {}
        self._members: dict[str, SqliteConsumer] = {}

    @property
    def commits(self) -> int:
        """How many transactions were committed since opening."""
        return self.file.commits

    def close(self) -> None:
        """Finish what was submitted, then close the file."""
        self.file.close()

    async def publish(self, events: Sequence[Raw]) -> Sequence[bool]:
        """See the port. All events of one call become durable together."""
        if not events:
            return []
        places = [
            TopicPartition(raw.topic, partition_of(raw.key, partitions_of(raw.topic)))
            for raw in events
        ]
        at = self._clock.wall().timestamp()
        packed = [pack_headers(raw.headers) for raw in events]

        def job(connection: sqlite3.Connection) -> list[int]:
            ends = _ends_of(connection, {place.topic for place in places})
            rows: list[Row] = []
            for place, raw, headers in zip(places, events, packed, strict=True):
                offset = ends.get(place, 0)
                ends[place] = offset + 1
                rows.append((*place, offset, raw.key, headers, raw.value, at))
            _APPEND.run(connection, rows)
            _MOVE_END.run(connection, [(*place, ends[place]) for place in dict.fromkeys(places)])
            return [row[2] for row in rows]

        offsets = await self.file.write(job)
        failpoints.hit("log.after_append")
        for place, raw, offset in zip(places, events, offsets, strict=True):
            self._append_tail(Record(place, offset, raw))
        for member in self._members.values():
            member.wake()
        return [True] * len(events)

    def _append_tail(self, record: Record) -> None:
        # Two publish calls may resume out of order: a tail with a gap would hide records for good.
        tail = self._tails.setdefault(record.at, deque(maxlen=_TAIL))
        if tail and tail[-1].offset + 1 != record.offset:
            tail.clear()
        tail.append(record)
        self._ends[record.at] = max(self._ends.get(record.at, 0), record.offset + 1)

    async def unfit(self, topics: Mapping[str, int]) -> Sequence[str]:  # noqa: ARG002 - the port
        """See the port: here a topic is there as soon as it is written to."""
        return ()

    @asynccontextmanager
    async def _member(
        self, group: str, topics: Sequence[str], on_assigned: Assigned, on_revoked: Revoked
    ) -> AsyncIterator["SqliteConsumer"]:
        if group in self._members:
            raise ValueError(f"group {group} has a member already")
        assigned = tuple(
            TopicPartition(name, partition)
            for name in topics
            for partition in range(partitions_of(name))
        )
        rows = [(group, *place) for place in assigned]
        sql = "INSERT OR IGNORE INTO offsets (grp, topic, partition, next) VALUES (?, ?, ?, 0)"
        await self.file.write(lambda connection: connection.executemany(sql, rows) and None)
        member = SqliteConsumer(self, group, assigned)
        self._members[group] = member
        await on_assigned(member.starts)
        try:
            yield member
        finally:
            await on_revoked(member.assignment())
            del self._members[group]

    def consumer(
        self,
        group: str,
        topics: Sequence[str],
        *,
        on_assigned: Assigned = ignore_assignment,
        on_revoked: Revoked = ignore_partitions,
    ) -> Any:
        """See the port."""
        return self._member(group, topics, on_assigned, on_revoked)

    async def lag(self, group: str, topics: Sequence[str]) -> int:
        """See the port."""
        done = self.positions(group)
        return sum(
            end - done.get(place, 0) for place, end in self._ends.items() if place.topic in topics
        )

    def positions(self, group: str) -> dict[TopicPartition, int]:
        """Return the committed offsets of a group."""
        rows = self.file.read("SELECT topic, partition, next FROM offsets WHERE grp = ?", (group,))
        return {TopicPartition(topic, partition): next for topic, partition, next in rows}

    def end_of(self, place: TopicPartition) -> int:
        """Return the offset that the next record of a partition will get."""
        return self._ends.get(place, 0)

    def read(self, place: TopicPartition, offset: int, limit: int) -> Sequence[Record]:
        """Return up to `limit` records from `offset` on, from memory where it reaches back."""
        tail = self._tails.get(place)
        # Past its end the file decides: an empty answer from memory would hide what is written.
        if tail and tail[0].offset <= offset <= tail[-1].offset:
            start = offset - tail[0].offset
            return [tail[i] for i in range(start, min(start + limit, len(tail)))]
        rows = self.file.read(
            "SELECT offset, key, headers, value FROM log"
            " WHERE topic = ? AND partition = ? AND offset >= ? ORDER BY offset LIMIT ?",
            (*place, offset, limit),
        )
        return [
            Record(place, at, Raw(place.topic, key, value, unpack_headers(headers)))
            for at, key, headers, value in rows
        ]

    async def drop_older_than(self, age: timedelta, now: datetime) -> int:
        """Delete records older than `age`, never one that a registered group has not committed.

        A shared topic whose groups have not registered yet keeps everything; topics that no service
        reads (copies of dead letters, units' topics) go by age alone.
        now: real time. Returns how many records went.
        """
        limit = (now - age).timestamp()
        sql = (
            "DELETE FROM log WHERE at < ?1 AND offset < COALESCE((SELECT MIN(o.next) FROM offsets o"
            " WHERE o.topic = log.topic AND o.partition = log.partition),"
            " CASE WHEN log.topic IN (SELECT value FROM json_each(?2)) THEN 0 ELSE ?3 END)"
        )
        values = (limit, to_json([*BY_NAME]).decode(), _BEYOND)
        dropped = await self.file.write(lambda connection: connection.execute(sql, values).rowcount)
        self._tails.clear()
        return dropped


class SqliteConsumer:
    """See aduan.messaging.port.Consumer."""

    def __init__(self, bus: SqliteBus, group: str, assigned: tuple[TopicPartition, ...]) -> None:
        self._bus = bus
        self._group = group
        self._assigned = frozenset(assigned)
        self._order = deque(assigned)
        committed = bus.positions(group)
        self.starts = {place: committed.get(place, 0) for place in assigned}
        self._position = dict(self.starts)
        self._paused: set[TopicPartition] = set()
        self._awake = asyncio.Event()

    def wake(self) -> None:
        """Tell a waiting poll that something was written."""
        self._awake.set()

    async def poll(self, *, max_records: int, timeout: float) -> Sequence[Record]:
        """See the port."""
        if max_records == 0:
            return []
        self._awake.clear()
        found = self._take(max_records)
        if found:
            return found
        try:
            # Not wait_for: in Python 3.11 it may swallow a cancellation that races with the wake-up.
            async with asyncio.timeout(timeout):
                await self._awake.wait()
        except TimeoutError:
            return []
        return self._take(max_records)

    def _take(self, room: int) -> list[Record]:
        # The partition that was read first comes last next time, so none starves behind a full one.
        found: list[Record] = []
        self._order.rotate(-1)
        for place in self._order:
            position = self._position[place]
            if place in self._paused or position >= self._bus.end_of(place):
                continue
            records = self._bus.read(place, position, room - len(found))
            if records:
                self._position[place] = records[-1].offset + 1
                found.extend(records)
            if len(found) >= room:
                break
        return found

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """See the port."""
        rows = [(self._group, *place, offset) for place, offset in offsets.items()]
        await self._bus.file.write(lambda connection: _COMMIT.run(connection, rows), patient=True)

    def pause(self, partitions: Sequence[TopicPartition]) -> None:
        """See the port."""
        self._paused.update(partitions)

    def resume(self, partitions: Sequence[TopicPartition]) -> None:
        """See the port."""
        self._paused.difference_update(partitions)
        self.wake()

    def assignment(self) -> frozenset[TopicPartition]:
        """See the port."""
        return self._assigned

    async def end_offsets(self) -> Mapping[TopicPartition, int]:
        """See the port."""
        return {place: self._bus.end_of(place) for place in self._assigned}
