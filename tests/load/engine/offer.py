"""Sends complaint.created events to a topic, from a process of its own.

    python -m tests.load.engine.offer BROKERS TOPIC RATE COUNT

RATE: events a second, each when it is due; 0: as fast as the broker takes them. Prints the seconds
that it took until the last one was acknowledged.
"""

import asyncio
import sys
import time

import uvloop
from aiokafka import AIOKafkaProducer
from tests.load.engine.events import created

from aduan.clock import SystemClock
from aduan.messaging.partition import partition_of


async def main(brokers: str, topic: str, rate: float, count: int) -> None:
    """Send them all."""
    producer = AIOKafkaProducer(
        bootstrap_servers=brokers, acks="all", enable_idempotence=True, linger_ms=0 if rate else 5
    )
    await producer.start()
    clock, first = SystemClock(), time.time_ns() // 1000 % 10**9
    began, waiting = time.perf_counter(), set()
    for number in range(count):
        if rate and (wait := began + number / rate - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        raw = created(clock.now(), first + number)
        waiting.add(
            await producer.send(
                topic, raw.value, raw.key, partition_of(raw.key), headers=list(raw.headers)
            )
        )
        if not number % 500:
            waiting = {one for one in waiting if not one.done()}
    await asyncio.gather(*waiting)
    print(time.perf_counter() - began, flush=True)
    await producer.stop()


if __name__ == "__main__":
    _brokers, _topic, _rate, _count = sys.argv[1:]
    uvloop.run(main(_brokers, _topic, float(_rate), int(_count)))
