"""No record comes before its assignment is told, however long the brokers take to say where it starts."""

import asyncio
import itertools
from collections.abc import Mapping

from aduan_bus_engines import KafkaLog, fresh_topics
from aduan_log_records import TOPIC, an_event
from aduan_servers.choice import KafkaEndpoint

from aduan.clock import SystemClock
from aduan.messaging.kafka import Connection, KafkaBus
from aduan.messaging.port import TopicPartition

SLOW: float = 1.5


class SlowToSay(KafkaBus):
    """A log that takes its time to say what a group has committed; records come meanwhile."""

    async def committed(self, group: str) -> Mapping[TopicPartition, int]:
        """See KafkaBus."""
        await asyncio.sleep(SLOW)
        return await super().committed(group)


async def test_records_come_after_the_loop_knows_their_assignment(kafka: KafkaEndpoint) -> None:
    """At the first join and when another member has left: dropped, they would be committed past."""
    await fresh_topics([TOPIC], bootstrap_servers=kafka.address)
    engine = KafkaLog(kafka.address)
    group = engine.group("told")
    heard: list[str] = []

    async def assigned(_: Mapping[TopicPartition, int]) -> None:
        heard.append("assigned")

    async def revoked(_: frozenset[TopicPartition]) -> None:
        heard.append("revoked")

    slow = SlowToSay(Connection.of(f"kafka://{kafka.address}"), SystemClock())
    seen: set[bytes] = set()
    try:
        async with engine.open() as bus:
            events = [an_event(f"k{number % 40}", str(number)) for number in range(200)]
            assert all(await bus.publish(events))
            async with slow.consumer(
                group, [TOPIC], on_assigned=assigned, on_revoked=revoked
            ) as consumer:
                assert heard == ["assigned"]

                async def listen(wanted: int) -> None:
                    async with asyncio.timeout(60):
                        while len(seen) < wanted:
                            records = await consumer.poll(max_records=500, timeout=0.2)
                            if records:
                                heard.append("records")
                                seen.update(record.raw.value for record in records)

                await listen(200)
                async with bus.consumer(group, [TOPIC]) as other:
                    polling = asyncio.create_task(other.poll(max_records=1, timeout=0.1))
                    while heard.count("assigned") < 2:
                        await consumer.poll(max_records=500, timeout=0.2)
                    await polling
                more = [an_event(f"k{number % 40}", f"more {number}") for number in range(200)]
                assert all(await bus.publish(more))
                await listen(400)
    finally:
        await slow.close()

    after_revoked = [now for before, now in itertools.pairwise(heard) if before == "revoked"]
    assert set(after_revoked) == {"assigned"}
