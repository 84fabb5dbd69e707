"""The logs that the messaging port's suite runs on, each with what a test may ask beside the port."""

import contextlib
import uuid
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import UnknownTopicOrPartitionError

from aduan.clock import ManualClock, SystemClock
from aduan.messaging.kafka import Connection, KafkaBus
from aduan.messaging.partition import partitions_of
from aduan.messaging.port import Bus
from aduan.messaging.sqlite import SqliteBus

START: Final = datetime(2026, 12, 1, tzinfo=UTC)


class BusEngine(ABC):
    """An empty log of its own; `open` may be called again and finds what was acknowledged."""

    name: str

    @abstractmethod
    def open(self) -> contextlib.AbstractAsyncContextManager[Bus]:
        """Open the log as one process does."""

    def group(self, name: str) -> str:
        """Return a group that no other test has."""
        return name


class SqliteLog(BusEngine):
    """The embedded log."""

    name = "sqlite"

    def __init__(self, folder: Path) -> None:
        """An empty folder."""
        self._path = folder / "log.db"

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[Bus]:
        """See BusEngine."""
        bus = SqliteBus(self._path, ManualClock(START))
        try:
            yield bus
        finally:
            bus.close()


class KafkaLog(BusEngine):
    """Topics on a real broker, emptied before each test."""

    name = "kafka"

    def __init__(self, address: str) -> None:
        """The broker needs no password."""
        self._address = address
        self._suffix = uuid.uuid4().hex[:8]

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[Bus]:
        """See BusEngine."""
        bus = KafkaBus(Connection.of(f"kafka://{self._address}"), SystemClock())
        try:
            yield bus
        finally:
            await bus.close()

    def group(self, name: str) -> str:
        """See BusEngine: groups are never deleted here."""
        return f"{name}.{self._suffix}"


async def fresh_topics(names: Sequence[str], *, copies: int = 1, **client: Any) -> None:
    """Make the topics empty: delete what is there, create anew. client: as aiokafka takes it."""
    await delete_topics(names, **client)
    admin = AIOKafkaAdminClient(**client)
    await admin.start()
    try:
        new = [NewTopic(name, partitions_of(name), copies) for name in names]
        _check(await admin.create_topics(new), "create")
    finally:
        await admin.close()


async def delete_topics(names: Sequence[str], **client: Any) -> None:
    """Delete those of the topics that are there. client: as aiokafka takes it."""
    admin = AIOKafkaAdminClient(**client)
    await admin.start()
    try:
        there = set(await admin.list_topics())
        if gone := [name for name in names if name in there]:
            # What a test before this one deleted may still be listed for a moment.
            _check(
                await admin.delete_topics(gone), "delete", but=UnknownTopicOrPartitionError.errno
            )
    finally:
        await admin.close()


def _check(answer: Any, what: str, *, but: int = 0) -> None:
    errors = getattr(answer, "topic_errors", None) or answer.topic_error_codes
    failed = [(error[0], error[1]) for error in errors if error[1] not in (0, but)]
    assert not failed, f"{what}: {failed}"
