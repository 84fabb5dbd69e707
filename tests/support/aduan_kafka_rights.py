"""What a broker lets a user do, learned by doing it: write a record, read one, keep an offset."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import confluent_kafka
import confluent_kafka.admin
from aduan_servers.kafka import MECHANISM, Kafka

kafka: Final[Any] = confluent_kafka
REFUSED: Final = {
    kafka.KafkaError.TOPIC_AUTHORIZATION_FAILED,
    kafka.KafkaError.GROUP_AUTHORIZATION_FAILED,
}
# the first question about a group makes the topic of the offsets
SOON: Final = {
    kafka.KafkaError.NOT_COORDINATOR,
    kafka.KafkaError.COORDINATOR_NOT_AVAILABLE,
    kafka.KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    # a member that was killed counts until its session ends
    kafka.KafkaError.UNKNOWN_MEMBER_ID,
}
SECONDS: Final = 20.0


class User:
    """One user of one broker. Each question raises whatever is neither yes nor no."""

    def __init__(self, broker: Kafka, name: str, password: str | None = None) -> None:
        """password: of a user whom the broker did not have at its start."""
        self._options = {
            "bootstrap.servers": broker.address,
            "security.protocol": broker.doors.protocol,
            "sasl.mechanism": MECHANISM,
            "sasl.username": name,
            "sasl.password": password or broker.doors.passwords[name],
            "log_level": 0,
        }

    def may_write(self, topic: str, partition: int = 0) -> bool:
        """Whether the broker takes a record."""
        told: list[Any] = []
        producer = kafka.Producer({**self._options, "acks": "all"})
        producer.produce(
            topic, b"x", b"a compacted topic wants a key", partition=partition,
            on_delivery=lambda error, _: told.append(error),
        )  # fmt: skip
        producer.flush(SECONDS)
        assert len(told) == 1, f"no word about a record for {topic}"
        return _yes(told[0])

    def may_read(self, topic: str, partition: int = 0) -> bool:
        """Whether the broker gives the first record, which must be there."""
        with self._consumer("nobody's") as consumer:
            known = consumer.list_topics(topic, timeout=SECONDS).topics[topic].error
            if not _yes(known):
                # whoever may read may also see the topic
                return False
            consumer.assign([kafka.TopicPartition(topic, partition, 0)])
            deadline = time.monotonic() + SECONDS
            while time.monotonic() < deadline:
                message = consumer.poll(0.5)
                # librdkafka also asks for the group that it must be given, and complains
                if message is not None and not _about_the_group(message.error()):
                    return _yes(message.error())
        raise AssertionError(f"{topic} gave nothing and refused nothing")

    def may_keep_an_offset(self, group: str, topic: str, offset: int = 1) -> bool:
        """Whether the broker lets a group's place in a topic, which is readable, be set."""
        client = kafka.admin.AdminClient(self._options)
        deadline = time.monotonic() + SECONDS
        while (error := _keep(client, group, topic, offset)) is not None and error.code() in SOON:
            assert time.monotonic() < deadline, error
            time.sleep(0.2)
        return _yes(error)

    @contextmanager
    def _consumer(self, group: str) -> Iterator[Any]:
        consumer = kafka.Consumer(
            {**self._options, "group.id": group, "enable.auto.commit": False}
        )  # fmt: skip
        try:
            yield consumer
        finally:
            consumer.close()


def _keep(client: Any, group: str, topic: str, offset: int) -> Any:
    place = kafka.TopicPartition(topic, 0, offset)
    asked = kafka.ConsumerGroupTopicPartitions(group, [place])
    (answer,) = client.alter_consumer_group_offsets([asked], request_timeout=SECONDS).values()
    try:
        (kept,) = answer.result().topic_partitions
    except kafka.KafkaException as error:
        return error.args[0]
    return kept.error


def _about_the_group(error: Any) -> bool:
    group = kafka.KafkaError.GROUP_AUTHORIZATION_FAILED
    return error is not None and error.code() == group


def _yes(error: Any) -> bool:
    if error is None:
        return True
    assert error.code() in REFUSED, error
    return False
