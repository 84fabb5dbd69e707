"""Joining a group on Kafka: a client that waits for ever is thrown away, and a new one joins."""

import asyncio
from typing import Any

import pytest

from aduan.clock import SystemClock
from aduan.messaging.kafka import Connection, KafkaBus, bus


class Member:
    """The first one never gets its partitions, as seen after two of three brokers came back."""

    made: list["Member"]

    def __init__(self, *_: Any, **__: Any) -> None:
        self.dropped = False
        self.made.append(self)

    async def start(self) -> None:
        """See KafkaConsumer."""
        if len(self.made) == 1:
            await asyncio.Event().wait()

    async def drop(self) -> None:
        """See KafkaConsumer."""
        self.dropped = True

    async def leave(self) -> None:
        """See KafkaConsumer."""


async def test_a_join_that_does_not_come_to_an_end_is_begun_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else the service looks alive and consumes nothing until somebody restarts it."""
    Member.made = []
    monkeypatch.setattr(bus, "KafkaConsumer", Member)
    monkeypatch.setattr(bus, "JOIN_SECONDS", 0.05)
    kafka = KafkaBus(Connection.of("kafka://127.0.0.1:9"), SystemClock())
    async with asyncio.timeout(10), kafka.consumer("g", ["complaint.created"]) as member:
        pass

    first, second = Member.made
    assert (True, False, second) == (first.dropped, second.dropped, member)
