"""The messaging port's contract: one suite for every engine, with the same number of tests."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
from aduan_bus_engines import BusEngine, KafkaLog, SqliteLog, fresh_topics
from aduan_log_records import OTHER_TOPIC, TOPIC, an_event, drained

from aduan.messaging.partition import partition_of
from aduan.messaging.port import Bus, TopicPartition


@pytest.fixture(params=["sqlite", "kafka"])
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> BusEngine:
    """An empty log on each engine."""
    if request.param == "sqlite":
        return SqliteLog(tmp_path)
    kafka = request.getfixturevalue("kafka")
    await fresh_topics([TOPIC, OTHER_TOPIC], bootstrap_servers=kafka.address)
    return KafkaLog(kafka.address)


@pytest.fixture
async def bus(engine: BusEngine) -> AsyncIterator[Bus]:
    """The log, opened."""
    async with engine.open() as opened:
        yield opened


async def test_what_was_published_comes_out_byte_by_byte(bus: Bus, engine: BusEngine) -> None:
    """Key, value, headers with their order and duplicates."""
    sent = an_event("a", "x\x00y")
    async with bus.consumer(engine.group("g"), [TOPIC]) as consumer:
        assert await bus.publish([sent]) == [True]
        records = await drained(consumer, 1)

    assert [record.raw for record in records] == [sent]


async def test_a_new_group_starts_at_the_earliest_record(bus: Bus, engine: BusEngine) -> None:
    """Registered late, it still sees everything."""
    await bus.publish([an_event("a", str(number)) for number in range(5)])
    async with bus.consumer(engine.group("late"), [TOPIC]) as consumer:
        records = await drained(consumer, 5)

    assert [record.raw.value for record in records] == [b"0", b"1", b"2", b"3", b"4"]


async def test_equal_keys_keep_their_order_over_many_publishers(
    bus: Bus, engine: BusEngine
) -> None:
    """Each key's records come out as they went in, with gap-free offsets."""

    async def publisher(key: str) -> None:
        for number in range(20):
            await bus.publish([an_event(key, f"{key}{number:02d}")])

    keys = [f"k{number}" for number in range(8)]
    async with bus.consumer(engine.group("g"), [TOPIC]) as consumer:
        await asyncio.gather(*(publisher(key) for key in keys))
        records = await drained(consumer, 160)

    for key in keys:
        values = [r.raw.value.decode() for r in records if r.raw.key == key.encode()]
        assert values == [f"{key}{number:02d}" for number in range(20)]
    by_place: dict[TopicPartition, list[int]] = {}
    for record in records:
        by_place.setdefault(record.at, []).append(record.offset)
    assert all(offsets == list(range(len(offsets))) for offsets in by_place.values())


async def test_equal_keys_meet_in_one_partition_of_every_topic(bus: Bus, engine: BusEngine) -> None:
    """All events of a case have the same partition number."""
    topics = [TOPIC, OTHER_TOPIC]
    await bus.publish([an_event("case-1", "x", topic) for topic in topics])
    async with bus.consumer(engine.group("g"), topics) as consumer:
        records = await drained(consumer, 2)

    assert len({record.at.partition for record in records}) == 1
    assert {record.at.topic for record in records} == set(topics)


async def test_what_was_not_committed_comes_again(bus: Bus, engine: BusEngine) -> None:
    """At least once: a member that died before its commit loses nothing."""
    await bus.publish([an_event("a", str(number)) for number in range(4)])
    async with bus.consumer(engine.group("g"), [TOPIC]) as consumer:
        records = await drained(consumer, 4)
        await consumer.commit({records[0].at: 2})
    async with bus.consumer(engine.group("g"), [TOPIC]) as consumer:
        again = await drained(consumer, 2)

    assert [record.raw.value for record in again] == [b"2", b"3"]


async def test_groups_do_not_disturb_each_other(bus: Bus, engine: BusEngine) -> None:
    """Each group has offsets of its own."""
    await bus.publish([an_event("a", "1")])
    async with (
        bus.consumer(engine.group("one"), [TOPIC]) as one,
        bus.consumer(engine.group("two"), [TOPIC]) as two,
    ):
        first = await drained(one, 1)
        await one.commit({first[0].at: 1})
        second = await drained(two, 1)

    assert first == second
    assert (
        await bus.lag(engine.group("one"), [TOPIC]),
        await bus.lag(engine.group("two"), [TOPIC]),
    ) == (0, 1)


async def test_a_paused_partition_waits_and_goes_on_where_it_stood(
    bus: Bus, engine: BusEngine
) -> None:
    """Its neighbours are delivered meanwhile."""
    async with bus.consumer(engine.group("g"), [TOPIC]) as consumer:
        await bus.publish([an_event("a", "first")])
        (record,) = await drained(consumer, 1)
        consumer.pause([record.at])
        other = next(f"n{i}" for i in range(99) if partition_of(f"n{i}") != record.at.partition)
        await bus.publish([an_event("a", "second"), an_event(other, "neighbour")])
        meanwhile = await drained(consumer, 1)
        consumer.resume([record.at])
        after = await drained(consumer, 1)

    assert [r.raw.value for r in meanwhile] == [b"neighbour"]
    assert [r.raw.value for r in after] == [b"second"]


async def test_end_offsets_tell_what_was_acknowledged(bus: Bus, engine: BusEngine) -> None:
    """After publish returned, the end is behind it."""
    async with bus.consumer(engine.group("g"), [TOPIC]) as consumer:
        await bus.publish([an_event("a", "1"), an_event("a", "2")])
        ends = await consumer.end_offsets()

    assert sum(ends.values()) == 2


async def test_an_empty_poll_returns_after_its_time_out(bus: Bus, engine: BusEngine) -> None:
    """It neither hangs nor raises."""
    async with bus.consumer(engine.group("g"), [TOPIC]) as consumer:
        assert list(await consumer.poll(max_records=10, timeout=0.01)) == []


async def test_what_was_acknowledged_is_there_after_reopening(engine: BusEngine) -> None:
    """The log and its offsets survive the process."""
    group = engine.group("g")
    async with engine.open() as bus:
        await bus.publish([an_event("a", "1"), an_event("a", "2")])
        async with bus.consumer(group, [TOPIC]) as consumer:
            records = await drained(consumer, 2)
            await consumer.commit({records[0].at: 1})

    async with engine.open() as again, again.consumer(group, [TOPIC]) as consumer:
        left = await drained(consumer, 1)
        await again.publish([an_event("a", "3")])
        new = await drained(consumer, 1)

    assert [r.raw.value for r in (*left, *new)] == [b"2", b"3"]
    assert [r.offset for r in (*left, *new)] == [1, 2]


async def test_a_member_is_told_from_where_each_partition_comes(
    bus: Bus, engine: BusEngine
) -> None:
    """Before the first record: whoever counts what is unfinished starts from the truth."""
    told: list[Mapping[TopicPartition, int]] = []

    async def hear(starts: Mapping[TopicPartition, int]) -> None:
        told.append(starts)

    await bus.publish([an_event("a", str(number)) for number in range(3)])
    async with bus.consumer(engine.group("g"), [TOPIC], on_assigned=hear) as consumer:
        records = await drained(consumer, 3)
        await consumer.commit({records[0].at: 2})
    async with bus.consumer(engine.group("g"), [TOPIC], on_assigned=hear) as consumer:
        assigned = consumer.assignment()

    assert [len(starts) for starts in told] == [24, 24] and told[1].keys() == assigned
    assert [starts[records[0].at] for starts in told] == [0, 2]
    assert sum(told[1].values()) == 2


async def test_a_member_that_leaves_says_so_while_it_may_still_commit(
    bus: Bus, engine: BusEngine
) -> None:
    """What is finished by then is committed, and does not come again."""
    await bus.publish([an_event("a", "1"), an_event("a", "2")])
    lost: list[frozenset[TopicPartition]] = []

    async def hear(places: frozenset[TopicPartition]) -> None:
        lost.append(places)
        await consumer.commit({records[0].at: 1})

    async with bus.consumer(engine.group("g"), [TOPIC], on_revoked=hear) as consumer:
        records = await drained(consumer, 2)
        assigned = consumer.assignment()
    async with bus.consumer(engine.group("g"), [TOPIC]) as consumer:
        again = await drained(consumer, 1)

    assert lost == [assigned]
    assert [record.raw.value for record in again] == [b"2"]


async def test_a_sign_of_life_delivers_nothing_and_skips_nothing(
    bus: Bus, engine: BusEngine
) -> None:
    """A member that is held back stays one, and finds everything afterwards."""
    async with bus.consumer(engine.group("g"), [TOPIC]) as consumer:
        await bus.publish([an_event("a", "1")])
        signs = [list(await consumer.poll(max_records=0, timeout=0.0)) for _ in range(3)]
        records = await drained(consumer, 1)

    assert signs == [[], [], []]
    assert [record.raw.value for record in records] == [b"1"]


async def test_no_poll_gives_more_than_was_asked_for(bus: Bus, engine: BusEngine) -> None:
    """The rest comes next."""
    async with bus.consumer(engine.group("g"), [TOPIC]) as consumer:
        await bus.publish([an_event(f"k{number}", "x") for number in range(30)])
        sizes = [len(await consumer.poll(max_records=7, timeout=0.1)) for _ in range(40)]

    assert max(sizes) <= 7 and sum(sizes) == 30


async def test_a_hundred_publishers_at_once_are_all_acknowledged(
    bus: Bus, engine: BusEngine
) -> None:
    """Each learns its own outcome; each event is there once."""
    outcomes = await asyncio.gather(
        *(bus.publish([an_event(f"k{number}", f"v{number}")]) for number in range(100))
    )
    async with bus.consumer(engine.group("g"), [TOPIC]) as consumer:
        records = await drained(consumer, 100)
        more = await consumer.poll(max_records=10, timeout=0.2)

    assert outcomes == [[True]] * 100
    assert sorted(r.raw.value for r in records) == sorted(f"v{n}".encode() for n in range(100))
    assert list(more) == []
