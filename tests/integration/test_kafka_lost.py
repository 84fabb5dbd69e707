"""A real broker that lost what a running member counted on: it goes on, and an alarm says so."""

import asyncio
from typing import Any

import pytest
import structlog
from aduan_bus_engines import fresh_topics
from aduan_log_records import TOPIC, an_event, drained
from aduan_servers.choice import KafkaEndpoint

from aduan.clock import SystemClock
from aduan.messaging.kafka import Connection, KafkaBus


@pytest.mark.by_hand
async def test_a_topic_that_began_anew_under_a_member_is_an_alarm(kafka: KafkaEndpoint) -> None:
    """It reads from the new start; without the word, an operator would not know to re-emit."""
    await fresh_topics([TOPIC], bootstrap_servers=kafka.address)
    bus = KafkaBus(Connection.of(f"kafka://{kafka.address}"), SystemClock())
    with structlog.testing.capture_logs() as lines:
        async with bus.consumer("aduan.lost", [TOPIC]) as consumer:
            await bus.publish([an_event("a", str(number)) for number in range(3)])
            before = await drained(consumer, 3)
            quiet = _alarms(lines)
            await fresh_topics([TOPIC], bootstrap_servers=kafka.address)
            await _published(bus, 2)
            after = await _first_again(consumer)
    await bus.close()

    assert [0, 1, 2] == [record.offset for record in before]
    assert [] == quiet
    assert (b"0", 0) == (after.raw.value, after.offset)
    assert [(3, 0)] == [(line["counted_on"], line["first"]) for line in _alarms(lines)]


def _alarms(lines: list[Any]) -> list[Any]:
    return [line for line in lines if line["event"] == "bus.log_lost_records"]


async def _published(bus: KafkaBus, count: int) -> None:
    async with asyncio.timeout(60):
        for number in range(count):
            while not all(await bus.publish([an_event("a", str(number))])):
                await asyncio.sleep(0.2)


async def _first_again(consumer: Any) -> Any:
    async with asyncio.timeout(90):
        while True:
            for record in await consumer.poll(max_records=10, timeout=0.5):
                return record
