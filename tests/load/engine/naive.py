"""The yardstick of throughput: routing's decision the way a first build would run it.

    python -m tests.load.engine.naive BROKERS IN OUT

One event at a time: a transaction in MongoDB (read, decide, write), then `send_and_wait` for what it
tells, then a commit of the offset. The decision, the events, and how durable each step is are those of
routing; there is no outbox, no inbox and no letter, which a first build would not have. Do not make
it faster or slower: figures of different days are compared through it. Settings: routing's.
"""

import json
import sys
from typing import Any

import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka import TopicPartition as Place
from pydantic import TypeAdapter
from pydantic_core import to_json
from pymongo import AsyncMongoClient
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from aduan.clock import SystemClock
from aduan.contracts.envelope import Raw, decode, encode
from aduan.settings import load
from aduan_routing.bootstrap import load_book
from aduan_routing.handlers import table
from aduan_routing.settings import Settings

TOPIC = "complaint.created"
DURABLE: dict[str, Any] = {
    "read_concern": ReadConcern("majority"),
    "write_concern": WriteConcern("majority", j=True),
}


async def main(brokers: str, source: str, target: str) -> None:
    """Work until killed."""
    settings, clock = load(Settings), SystemClock()
    handler = table(load_book(settings))[TOPIC]
    view = TypeAdapter(handler.view)
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(settings.store)
    cases = client.get_default_database()["bench_naive"]
    producer = AIOKafkaProducer(bootstrap_servers=brokers, acks="all", enable_idempotence=True)
    consumer = AIOKafkaConsumer(
        source, bootstrap_servers=brokers, group_id="bench.naive", enable_auto_commit=False,
        auto_offset_reset="earliest", isolation_level="read_committed",
    )  # fmt: skip
    await producer.start()
    await consumer.start()
    print("ready", flush=True)
    async for record in consumer:
        event = decode(Raw(TOPIC, record.key, record.value, tuple(record.headers)), view)
        async with (
            client.start_session() as session,
            await session.start_transaction(**DURABLE),
        ):
            found = await cases.find_one({"_id": event.subject}, session=session)
            now = clock.now()
            reaction = handler.react(json.loads(found["body"]) if found else None, event, now)
            events = [
                encode(
                    emit, service="routing", tenant=event.tenant, case_id=event.subject, seq=seq,
                    now=now, cause=event.cause,
                )
                for seq, emit in enumerate(reaction.emit, start=1)
            ]  # fmt: skip
            await cases.replace_one(
                {"_id": event.subject}, {"body": to_json(reaction.body).decode()}, upsert=True,
                session=session,
            )  # fmt: skip
        for raw in events:
            await producer.send_and_wait(
                target, raw.value, raw.key, record.partition, headers=list(raw.headers)
            )
        await consumer.commit({Place(record.topic, record.partition): record.offset + 1})


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
