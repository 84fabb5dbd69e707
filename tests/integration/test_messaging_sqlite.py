"""What the embedded log alone promises: its memory tail, its file, its retention."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from aduan_bus_engines import START
from aduan_log_records import TOPIC, an_event, drained

from aduan.clock import ManualClock
from aduan.messaging.sqlite import SqliteBus


@pytest.fixture
async def bus(tmp_path: Path) -> AsyncIterator[SqliteBus]:
    """An empty log."""
    opened = SqliteBus(tmp_path / "log.db", ManualClock(START))
    yield opened
    opened.close()


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


async def test_only_topics_that_no_service_reads_go_by_age_alone(bus: SqliteBus) -> None:
    """A shared topic waits for groups that have not registered; a unit's topic has none of ours."""
    unit = "opd.33.74.DPU.cases"
    await bus.publish([an_event("a", "0"), an_event("a", "0", unit)])
    dropped = await bus.drop_older_than(timedelta(days=1), START + timedelta(days=2))
    await bus.publish([an_event("a", "1", unit)])
    async with bus.consumer("theirs", [unit]) as consumer:
        left = await drained(consumer, 2, within=1.0)
    async with bus.consumer("g", [TOPIC]) as consumer:
        kept = await drained(consumer, 1)

    assert (1, [1], [0]) == (dropped, [one.offset for one in left], [one.offset for one in kept])


async def test_the_engine_reads_synchronous_full_back(bus: SqliteBus) -> None:
    """2 is FULL: an acknowledgement waits for the disk."""
    assert await bus.file.synchronous() == 2
