"""A member that takes nothing for now, and whose sign of life meets a rebalance."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition as KafkaPlace

from aduan.clock import ManualClock
from aduan.messaging.kafka import Connection, consumer
from aduan.messaging.kafka.consumer import KafkaConsumer
from aduan.messaging.port import TopicPartition

PLACE = KafkaPlace("complaint.created", 0)


class Client:
    """What the member asks of aiokafka's consumer; hands out what it was given, once."""

    def __init__(self, **_: object) -> None:
        self.ready: dict[KafkaPlace, list[Any]] = {}

    async def getmany(self, **_: object) -> Mapping[KafkaPlace, Any]:
        """Hand out what is ready."""
        found, self.ready = self.ready, {}
        return found

    async def beginning_offsets(self, places: list[KafkaPlace]) -> dict[KafkaPlace, int]:
        """Nothing was ever deleted."""
        return dict.fromkeys(places, 0)

    async def end_offsets(self, places: list[KafkaPlace]) -> dict[KafkaPlace, int]:
        """There are ten records."""
        return dict.fromkeys(places, 10)

    def assignment(self) -> set[KafkaPlace]:
        """One partition."""
        return {PLACE}

    def paused(self) -> set[KafkaPlace]:
        """None."""
        return set()

    def subscribe(self, *_: object, **__: object) -> None:
        """Nothing to do here."""

    pause = resume = subscribe


def a_record(offset: int) -> Any:
    """A record as aiokafka gives it."""
    return SimpleNamespace(offset=offset, key=b"k", value=b"v", headers=())


@pytest.mark.parametrize(("moved_on", "offsets"), [(False, [3, 4]), (True, [])])
async def test_what_comes_with_a_sign_of_life_is_handed_out_unless_it_comes_again(
    monkeypatch: pytest.MonkeyPatch, *, moved_on: bool, offsets: list[int]
) -> None:
    """Dropped, it would be committed past; after another rebalance it is delivered anew."""

    async def nothing(_: object) -> None:
        return None

    async def committed(_: str) -> Mapping[TopicPartition, int]:
        return {TopicPartition(*PLACE): 3}

    async def answers() -> bool:
        return True

    monkeypatch.setattr(consumer, "AIOKafkaConsumer", Client)
    clock = ManualClock(datetime(2026, 12, 1, tzinfo=UTC))
    member = KafkaConsumer(
        Connection.of("kafka://127.0.0.1:9"), clock, "g", [PLACE.topic],
        on_assigned=nothing, on_revoked=nothing, committed=committed, broker_answers=answers,
    )  # fmt: skip
    await member.on_partitions_assigned({PLACE})
    clock.advance(timedelta(seconds=30))
    client: Any = member._client
    client.ready = {PLACE: [a_record(3), a_record(4)]}

    assert list(await member.poll(max_records=0, timeout=0)) == []
    if moved_on:
        await member.on_partitions_revoked({PLACE})
        await member.on_partitions_assigned({PLACE})
    found = await member.poll(max_records=500, timeout=0)

    assert [record.offset for record in found] == offsets
