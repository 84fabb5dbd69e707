"""What is done to the log itself: repeats, rewinds, losses and records that nobody should write."""

import asyncio
import shutil
import uuid
from collections.abc import Sequence
from typing import Any, Final

from aduan_bus_engines import fresh_topics
from aduan_cluster import DLQ, TENANT
from aduan_engine_audit import Logged
from aduan_engine_faults import PATIENCE, Load, World
from aduan_engine_strikes import STOP_LIMIT
from aduan_faults import SERVICES
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.records_to_delete import RecordsToDelete

from aduan.contracts.topics import TOPICS, streams_for, topics_of
from aduan.messaging.dead_letters import group_of
from aduan.messaging.partition import partition_of, partitions_of

TOPIC_NAMES: Final = tuple(topic.name for topic in TOPICS)
# The largest record that the broker takes by default is 1 MiB, headers and all.
OVERSIZE: Final = 1_048_576 - 1_200
READERS: Final = ("routing", "sla", "sync-laporgub", "notify")


async def repeated_and_shuffled(world: World, load: Load) -> None:
    """Hundreds of records are written again, twice, in any order, among the new ones."""
    load.struck()
    there = await world.read()
    some = world.dice.sample(there, min(len(there), 200)) * 2
    world.dice.shuffle(some)
    await write_again(world, some)


async def write_again(world: World, records: Sequence[Logged]) -> None:
    """Append the records as they are, each to its own partition, one after the other."""
    async with _producer(world) as producer:
        for record in records:
            await producer.send(
                record.topic, record.told.value, record.key, record.partition,
                headers=[*record.told.headers],
            )  # fmt: skip
        await producer.flush()


def _producer(world: World) -> AIOKafkaProducer:
    return AIOKafkaProducer(bootstrap_servers=world.brokers, acks="all", max_request_size=4_000_000)


async def replayed_from_0(world: World, load: Load) -> None:
    """All groups begin again at the first record that is there, after their offsets were reset."""
    load.struck()
    await world.stop_all(STOP_LIMIT)
    for service in SERVICES:
        names = [topic.name for topic in topics_of(*streams_for(service))]
        places = [TopicPartition(name, n) for name in names for n in range(partitions_of(name))]
        member = AIOKafkaConsumer(
            bootstrap_servers=world.brokers, group_id=group_of(service), enable_auto_commit=False
        )
        await member.start()
        try:
            member.assign(places)
            await member.commit(await member.beginning_offsets(places))
        finally:
            await member.stop()
    await world.start_again(*world.cluster.replicas)


async def records_deleted(world: World, load: Load) -> None:
    """Records that nobody has read yet are gone; the documents tell them again."""
    readers = [one for one in world.cluster.replicas if one.service != "intake"]
    await asyncio.gather(*(one.stop(STOP_LIMIT) for one in readers))
    await load.more(20)
    await load.until(world.nothing_pending, PATIENCE, "intake still had something to publish")
    load.struck()
    admin = AIOKafkaAdminClient(bootstrap_servers=world.brokers)
    await admin.start()
    try:
        places = [
            TopicPartition(name, n) for name in TOPIC_NAMES for n in range(partitions_of(name))
        ]
        # -1: up to the end, wherever it is
        await admin.delete_records({place: RecordsToDelete(before_offset=-1) for place in places})
    finally:
        await admin.close()
    await world.start_again(*readers)
    await world.cluster.command("re-emit", *world.cluster.to())


async def cluster_lost(world: World, load: Load) -> None:
    """The broker comes back with an empty disk: no topic, no offset, no group."""
    load.struck()
    await asyncio.to_thread(world.kafka.kill)
    shutil.rmtree(world.kafka.nodes[0].data)
    world.forged.clear()  # their places will be those of others
    await load.more(5)
    await asyncio.to_thread(world.kafka.start)
    await fresh_topics([*TOPIC_NAMES, *DLQ], bootstrap_servers=world.brokers)
    await world.cluster.command("re-emit", *world.cluster.to())


# ---- poison


def _forged(type_: str, value: bytes | None, **other: bytes | None) -> dict[str, Any]:
    """Return a record of a case that no service knows, as the first event of intake's stream."""
    case = str(uuid.uuid4())
    headers: dict[str, bytes | None] = {
        "specversion": b"1.0", "id": str(uuid.uuid4()).encode(), "source": b"/aduan/test",
        "type": type_.encode(), "subject": case.encode(), "time": b"2026-11-28T00:00:00Z",
        "tenant": TENANT.encode(), "stream": b"intake", "seq": b"1",
    }  # fmt: skip
    headers |= other
    return {
        "topic": "complaint.created", "key": case.encode(), "value": value,
        "partition": partition_of(case.encode(), partitions_of("complaint.created")),
        "headers": [(f"ce_{name}", kept) for name, kept in headers.items() if kept is not None],
    }  # fmt: skip


CREATED: Final = "id.aduan.complaint.created.v1"


def poisons() -> list[dict[str, Any]]:
    """Return records that can never work: each becomes one letter in each of the four readers."""
    return [
        _forged(CREATED, b"{not json"),
        _forged("id.aduan.complaint.created.v2", b"{}"),
        _forged(CREATED, b'{"text": "' + b"x" * OVERSIZE + b'"}'),
        _forged(CREATED, None),
        _forged(CREATED, b"{}", subject=b"\xff\xfe"),
        _forged(CREATED, b"{}", seq=b"first"),
        _forged(CREATED, b"{}", stream=None),
        {**_forged(CREATED, b"{}"), "key": None, "headers": []},
    ]


async def poisoned(world: World, load: Load) -> None:
    """Each reader keeps every such record as a letter; neighbours go on, and skips end it."""
    load.struck()
    records = [*poisons(), _forged("id.aduan.complaint.imagined.v1", b"{}")]
    async with _producer(world) as producer:
        for record in records:
            done = await producer.send_and_wait(**record)
            world.forged.add((done.topic, done.partition, done.offset))
    wanted = len(records) - 1  # an unknown type is done without effect

    async def all_lettered() -> bool:
        return [len(await world.letters(name)) for name in READERS] == [wanted] * len(READERS)

    await load.until(all_lettered, PATIENCE, "not every poison became a letter")
    await load.more(10)
    for replica in world.cluster.replicas:
        code, checks = await world.readiness(replica)
        assert code == 200, f"{replica.name}: {checks}"
    copies = [f"aduan.{name}.dlq" for name in READERS]

    async def all_copied() -> bool:
        return len(await world.read(copies)) >= wanted * len(READERS)

    await load.until(all_copied, PATIENCE, "not every letter was copied to its topic")
    for name in READERS:
        for letter in await world.letters(name):
            await world.skip(name, letter["id"])
