"""The yardstick of latency: aiokafka alone answers each record with the same bytes.

    python -m tests.load.engine.pingpong BROKERS PING PONG

No store, no decision, no offset; as durable a producer as the services'. Do not make it faster or
slower: figures of different days are compared through it.
"""

import asyncio
import sys

import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer


async def main(brokers: str, ping: str, pong: str) -> None:
    """Answer until killed."""
    producer = AIOKafkaProducer(
        bootstrap_servers=brokers, acks="all", enable_idempotence=True, linger_ms=0
    )
    consumer = AIOKafkaConsumer(
        ping, bootstrap_servers=brokers, group_id="bench.pingpong", enable_auto_commit=False,
        auto_offset_reset="earliest", isolation_level="read_committed",
    )  # fmt: skip
    await producer.start()
    await consumer.start()
    print("ready", flush=True)
    sent: set[asyncio.Future[object]] = set()
    async for record in consumer:
        future = await producer.send(
            pong, record.value, record.key, record.partition, headers=list(record.headers)
        )
        sent.add(future)
        future.add_done_callback(sent.discard)


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
