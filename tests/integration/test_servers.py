"""The test servers themselves: a fault test on a server that forgets, or lets anybody in, proves nothing."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from aduan_server_fixtures import Maker
from aduan_servers.choice import KafkaEndpoint, MongoEndpoint
from aduan_servers.mongo import Mongo, as_user, connected
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from pymongo.errors import OperationFailure
from pymongo.write_concern import WriteConcern


async def make_topic(client: dict[str, Any], name: str) -> None:
    """Make a topic with one partition."""
    admin = AIOKafkaAdminClient(**client)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, 1, 1)])
    finally:
        await admin.close()


async def append(client: dict[str, Any], topic: str, value: bytes) -> int:
    """Append a record; its offset, once all replicas have it."""
    producer = AIOKafkaProducer(**client, acks="all", enable_idempotence=True)
    await producer.start()
    try:
        return int((await producer.send_and_wait(topic, value, partition=0)).offset)
    finally:
        await producer.stop()


async def read(client: dict[str, Any], topic: str) -> list[bytes]:
    """Read partition 0 from the beginning to its end as it is now."""
    consumer = AIOKafkaConsumer(**client)
    await consumer.start()
    try:
        partition = TopicPartition(topic, 0)
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        end = (await consumer.end_offsets([partition]))[partition]
        found: list[bytes] = []
        while len(found) < end:
            batch = await consumer.getmany(timeout_ms=500)
            found += [record.value for records in batch.values() for record in records]
        return found
    finally:
        await consumer.stop()


async def test_the_shared_broker_keeps_what_it_acknowledged(kafka: KafkaEndpoint) -> None:
    """It answers by the protocol that the services speak, and says who it is."""
    client, topic = {"bootstrap_servers": kafka.address}, f"t-{uuid4()}"
    await make_topic(client, topic)

    assert await append(client, topic, b"one") == 0
    assert await read(client, topic) == [b"one"]
    assert "unknown" not in kafka.facts.version


def test_a_database_user_reaches_his_own_database_only(mongo: MongoEndpoint) -> None:
    """The server itself refuses the others: services on one server stay strangers."""
    mine, other = f"a-{uuid4().hex[:8]}", f"b-{uuid4().hex[:8]}"
    with connected(mongo.user_for(mine)) as client:
        client[mine]["things"].insert_one({"_id": 1})
        with pytest.raises(OperationFailure) as refused:
            client[other]["things"].insert_one({"_id": 1})

    assert refused.value.code == 13


def test_a_wrong_password_does_not_open_the_database(mongo: MongoEndpoint) -> None:
    """Authentication is on: a test of access rights tests something."""
    with (
        connected(as_user(mongo.url, "root", "not-the-password")) as client,
        pytest.raises(OperationFailure) as refused,
    ):
        client.admin.command("ping")

    assert refused.value.code == 18


async def test_an_acknowledged_record_survives_kill_9(own_kafka: Maker) -> None:
    """Same port, same data, another process."""
    broker = own_kafka()
    client, before = broker.client(), (broker.address, broker.pid)
    await make_topic(client, "t")
    await append(client, "t", b"one")

    broker.kill()
    broker.restart()

    assert await read(client, "t") == [b"one"]
    assert broker.address == before[0]
    assert broker.pid != before[1]
    assert broker.facts().pids == (broker.pid,)


def test_an_acknowledged_document_survives_kill_9(own_mongo: Callable[[], Mongo]) -> None:
    """Majority and journal, as the services write."""
    server = own_mongo()
    with connected(server.url) as client:
        concern = WriteConcern(w="majority", j=True)
        things = client["a"].get_collection("things", write_concern=concern)
        things.insert_one({"_id": 1})

    server.kill()
    server.restart()

    with connected(server.url) as client:
        assert client["a"]["things"].find_one() == {"_id": 1}
    assert server.facts().pids == (server.pid,)
