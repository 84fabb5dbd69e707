"""A principal without rights on a real broker: a named alarm, no hot loop, and on it goes once granted."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

import pytest
import structlog
from aduan_bus_engines import fresh_topics
from aduan_log_records import OTHER_TOPIC, TOPIC, an_event
from aduan_server_fixtures import Maker
from aduan_servers.kafka import Kafka
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import CreateAclsRequest

from aduan.clock import SystemClock
from aduan.errors import Busy
from aduan.messaging.kafka import Connection, KafkaBus

STRANGER: Final = "stranger"
WATCHED_SECONDS: Final = 8.0
# One line a second would still be read; a loop without a pause writes thousands.
MOST_LINES: Final = 12
# Kafka's numbers: resource types, operations.
TOPICS, GROUPS = 2, 3
READ, WRITE = 3, 4


@pytest.fixture
async def broker(own_kafka: Maker) -> Kafka:
    """One that asks for passwords and denies what nobody granted."""
    made: Kafka = await asyncio.to_thread(
        lambda: own_kafka(protocol="SASL_PLAINTEXT", users=[STRANGER])
    )
    await fresh_topics([TOPIC, OTHER_TOPIC], **made.client())
    return made


@pytest.fixture
async def bus(broker: Kafka) -> AsyncIterator[KafkaBus]:
    """As the stranger."""
    connection = Connection.of(
        f"kafka://{broker.address}", username=STRANGER, password=broker.doors.passwords[STRANGER]
    )
    made = KafkaBus(connection, SystemClock())
    yield made
    await made.close()


@pytest.fixture
def lines() -> Iterator[list[Any]]:
    """What is logged."""
    with structlog.testing.capture_logs() as found:
        yield found


async def grant(broker: Kafka, kind: int, name: str, operation: int) -> None:
    """Let the stranger do something."""
    admin = AIOKafkaAdminClient(**broker.client())
    await admin.start()
    try:
        asked = CreateAclsRequest(kind, name, 3, f"User:{STRANGER}", "*", operation, 3)
        await admin._send_request(asked)
    finally:
        await admin.close()


@pytest.mark.parametrize(
    ("granted", "name"),
    [((), "ClusterAuthorizationFailedError"), ((OTHER_TOPIC,), "TopicAuthorizationFailedError")],
)
async def test_who_may_not_write_says_so_and_waits(
    broker: Kafka, bus: KafkaBus, lines: list[Any], granted: tuple[str, ...], name: str
) -> None:
    """The relay asks again and again, and the alarm names the right that is missing."""
    for topic in granted:
        await grant(broker, TOPICS, topic, WRITE)
    began = time.monotonic()
    while time.monotonic() - began < WATCHED_SECONDS:
        with pytest.raises(Busy):
            await bus.publish([an_event("a", "1")])
        await asyncio.sleep(0.2)
    refused = [line for line in lines if line["event"] == "bus.refused"]
    await grant(broker, TOPICS, TOPIC, WRITE)
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(Busy):
                if all(await bus.publish([an_event("a", "1")])):
                    break
            await asyncio.sleep(0.2)

    assert name in {line["error"] for line in refused}
    assert {"error"} == {line["log_level"] for line in refused}
    assert len(lines) <= MOST_LINES, lines


@pytest.mark.parametrize("granted", [(), ((TOPICS, TOPIC),), ((GROUPS, "aduan.x"),)])
async def test_who_may_not_read_says_so_and_waits(
    broker: Kafka, bus: KafkaBus, lines: list[Any], granted: tuple[tuple[int, str], ...]
) -> None:
    """Whether the topic, the group or both are missing: it joins when the last right is there."""
    for kind, name in granted:
        await grant(broker, kind, name, READ)

    async def member() -> None:
        async with bus.consumer("aduan.x", [TOPIC]) as consumer:
            while True:
                with contextlib.suppress(Busy):
                    await consumer.poll(max_records=10, timeout=0.5)
                    if consumer.assignment():
                        return

    joining = asyncio.create_task(member())
    await asyncio.sleep(WATCHED_SECONDS)
    early = joining.done()
    refused = [line for line in lines if line["event"] == "bus.refused"]
    count = len(lines)
    for kind, name in ((TOPICS, TOPIC), (GROUPS, "aduan.x")):
        await grant(broker, kind, name, READ)
    async with asyncio.timeout(60):
        await joining

    assert not early, "it joined without a right"
    assert refused, lines
    assert count <= MOST_LINES, lines
