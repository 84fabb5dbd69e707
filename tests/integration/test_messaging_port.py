"""The messaging port's contract: one suite for every engine (the embedded one here)."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aduan.clock import ManualClock
from aduan.contracts.envelope import Raw
from aduan.messaging.port import Consumer, Record, TopicPartition
from aduan.messaging.sqlite import SqliteBus

TOPIC = "complaint.created"
START = datetime(2026, 12, 1, tzinfo=UTC)


@pytest.fixture
async def bus(tmp_path: Path) -> AsyncIterator[SqliteBus]:
    """An empty log."""
    opened = SqliteBus(tmp_path / "log.db", ManualClock(START))
    yield opened
    opened.close()


def an_event(key: str, value: str, topic: str = TOPIC) -> Raw:
    """An event with headers that no text encoding would survive."""
    return Raw(topic, key.encode(), value.encode(), (("h", b"\x00\xfe"), ("h", b"again")))


async def drained(consumer: Consumer, count: int) -> list[Record]:
    """Poll until `count` records came, or nothing more does."""
    found: list[Record] = []
    while len(found) < count:
        records = await consumer.poll(max_records=100, timeout=1.0)
        if not records:
            break
        found.extend(records)
    return found


async def test_what_was_published_comes_out_byte_by_byte(bus: SqliteBus) -> None:
    """Key, value, headers with their order and duplicates."""
    sent = an_event("a", "x\x00y")
    async with bus.consumer("g", [TOPIC]) as consumer:
        assert await bus.publish([sent]) == [True]
        records = await drained(consumer, 1)

    assert [record.raw for record in records] == [sent]


async def test_a_new_group_starts_at_the_earliest_record(bus: SqliteBus) -> None:
    """Registered late, it still sees everything."""
    await bus.publish([an_event("a", str(number)) for number in range(5)])
    async with bus.consumer("late", [TOPIC]) as consumer:
        records = await drained(consumer, 5)

    assert [record.raw.value for record in records] == [b"0", b"1", b"2", b"3", b"4"]


async def test_equal_keys_keep_their_order_over_many_publishers(bus: SqliteBus) -> None:
    """Each key's records come out as they went in, with gap-free offsets."""

    async def publisher(key: str) -> None:
        for number in range(20):
            await bus.publish([an_event(key, f"{key}{number:02d}")])

    keys = [f"k{number}" for number in range(8)]
    async with bus.consumer("g", [TOPIC]) as consumer:
        await asyncio.gather(*(publisher(key) for key in keys))
        records = await drained(consumer, 160)

    for key in keys:
        values = [r.raw.value.decode() for r in records if r.raw.key == key.encode()]
        assert values == [f"{key}{number:02d}" for number in range(20)]
    by_place: dict[TopicPartition, list[int]] = {}
    for record in records:
        by_place.setdefault(record.at, []).append(record.offset)
    assert all(offsets == list(range(len(offsets))) for offsets in by_place.values())


async def test_equal_keys_meet_in_one_partition_of_every_topic(bus: SqliteBus) -> None:
    """All events of a case have the same partition number."""
    topics = [TOPIC, "complaint.replied"]
    await bus.publish([an_event("case-1", "x", topic) for topic in topics])
    async with bus.consumer("g", topics) as consumer:
        records = await drained(consumer, 2)

    assert len({record.at.partition for record in records}) == 1
    assert {record.at.topic for record in records} == set(topics)


async def test_what_was_not_committed_comes_again(bus: SqliteBus) -> None:
    """At least once: a member that died before its commit loses nothing."""
    await bus.publish([an_event("a", str(number)) for number in range(4)])
    async with bus.consumer("g", [TOPIC]) as consumer:
        records = await drained(consumer, 4)
        await consumer.commit({records[0].at: 2})
    async with bus.consumer("g", [TOPIC]) as consumer:
        again = await drained(consumer, 2)

    assert [record.raw.value for record in again] == [b"2", b"3"]


async def test_groups_do_not_disturb_each_other(bus: SqliteBus) -> None:
    """Each group has offsets of its own."""
    await bus.publish([an_event("a", "1")])
    async with bus.consumer("one", [TOPIC]) as one, bus.consumer("two", [TOPIC]) as two:
        first = await drained(one, 1)
        await one.commit({first[0].at: 1})
        second = await drained(two, 1)

    assert first == second
    assert (await bus.lag("one", [TOPIC]), await bus.lag("two", [TOPIC])) == (0, 1)


async def test_a_paused_partition_waits_and_goes_on_where_it_stood(bus: SqliteBus) -> None:
    """Its neighbours are delivered meanwhile."""
    async with bus.consumer("g", [TOPIC]) as consumer:
        await bus.publish([an_event("a", "first")])
        (record,) = await drained(consumer, 1)
        consumer.pause([record.at])
        other = next(f"n{i}" for i in range(99) if _partition(f"n{i}") != record.at.partition)
        await bus.publish([an_event("a", "second"), an_event(other, "neighbour")])
        meanwhile = await drained(consumer, 1)
        consumer.resume([record.at])
        after = await drained(consumer, 1)

    assert [r.raw.value for r in meanwhile] == [b"neighbour"]
    assert [r.raw.value for r in after] == [b"second"]


def _partition(key: str) -> int:
    from aduan.messaging.partition import partition_of

    return partition_of(key)


async def test_end_offsets_tell_what_was_acknowledged(bus: SqliteBus) -> None:
    """After publish returned, the end is behind it."""
    async with bus.consumer("g", [TOPIC]) as consumer:
        await bus.publish([an_event("a", "1"), an_event("a", "2")])
        ends = await consumer.end_offsets()

    assert sum(ends.values()) == 2


async def test_an_empty_poll_returns_after_its_time_out(bus: SqliteBus) -> None:
    """It neither hangs nor raises."""
    async with bus.consumer("g", [TOPIC]) as consumer:
        assert list(await consumer.poll(max_records=10, timeout=0.01)) == []


async def test_a_record_larger_than_the_memory_tail_is_not_skipped(bus: SqliteBus) -> None:
    """A reader far behind reads the file, then the memory, without a gap."""
    async with bus.consumer("g", [TOPIC]) as consumer:
        for start in range(0, 300, 50):
            await bus.publish([an_event("a", f"{n:03d}") for n in range(start, start + 50)])
        records = await drained(consumer, 300)

    assert [r.raw.value.decode() for r in records] == [f"{n:03d}" for n in range(300)]


async def test_records_remembered_out_of_order_are_all_delivered(bus: SqliteBus) -> None:
    """Publishers that wake in another order than they wrote must not hide a record for good."""
    await bus.publish([an_event("a", str(number)) for number in range(6)])
    async with bus.consumer("g", [TOPIC]) as consumer:
        (place,) = {record.at for record in await drained(consumer, 6)}
    remembered = list(bus.read(place, 0, 6))
    bus._tails.clear()
    for record in (remembered[5], remembered[3]):
        bus._append_tail(record)
    async with bus.consumer("late", [TOPIC]) as consumer:
        records = [*await consumer.poll(max_records=4, timeout=1.0)]
        records += await consumer.poll(max_records=4, timeout=0.1)

    assert [record.raw.value for record in records] == [b"0", b"1", b"2", b"3", b"4", b"5"]


async def test_what_was_acknowledged_is_there_after_reopening(
    bus: SqliteBus, tmp_path: Path
) -> None:
    """The log and its offsets survive the process."""
    await bus.publish([an_event("a", "1"), an_event("a", "2")])
    async with bus.consumer("g", [TOPIC]) as consumer:
        records = await drained(consumer, 2)
        await consumer.commit({records[0].at: 1})
    bus.close()

    again = SqliteBus(tmp_path / "log.db", ManualClock(START))
    async with again.consumer("g", [TOPIC]) as consumer:
        left = await drained(consumer, 1)
        await again.publish([an_event("a", "3")])
        new = await drained(consumer, 1)
    again.close()

    assert [r.raw.value for r in (*left, *new)] == [b"2", b"3"]
    assert [r.offset for r in (*left, *new)] == [1, 2]


async def test_retention_never_drops_what_a_group_has_not_committed(bus: SqliteBus) -> None:
    """The log waits for the slowest registered group; offsets are never used twice."""
    await bus.publish([an_event("a", str(number)) for number in range(3)])
    async with bus.consumer("g", [TOPIC]) as consumer:
        records = await drained(consumer, 3)
        await consumer.commit({records[0].at: 2})
    dropped = await bus.drop_older_than(timedelta(days=1), START + timedelta(days=2))
    await bus.publish([an_event("a", "3")])
    async with bus.consumer("g", [TOPIC]) as consumer:
        left = await drained(consumer, 2)

    assert (dropped, [record.offset for record in left]) == (2, [2, 3])


async def test_the_engine_reads_synchronous_full_back(bus: SqliteBus) -> None:
    """2 is FULL: an acknowledgement waits for the disk."""
    assert await bus.file.synchronous() == 2
