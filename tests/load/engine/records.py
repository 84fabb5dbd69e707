"""A bare consumer: what is in the topics, and what a group has not committed yet."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as Place
from aiokafka.admin import AIOKafkaAdminClient

from aduan.contracts.topics import PARTITIONS

Ends = Mapping[Place, int]


@dataclass(frozen=True, slots=True)
class Seen:
    """A record, and the moment in ms at which its producer made it (CreateTime)."""

    topic: str
    key: bytes
    at: int


class Reader:
    """Asks the broker, in no group of its own. Made by `reader`."""

    def __init__(self, consumer: AIOKafkaConsumer, admin: AIOKafkaAdminClient) -> None:
        self._consumer = consumer
        self._admin = admin

    async def ends(self, *topics: str) -> Ends:
        """Return where the partitions end now."""
        places = [Place(topic, number) for topic in topics for number in range(PARTITIONS)]
        found: Ends = await self._consumer.end_offsets(places)
        return found

    async def between(self, begin: Ends, end: Ends) -> Sequence[Seen]:
        """Return the records from `begin` up to `end`."""
        open_ = {place: to for place, to in end.items() if to > begin[place]}
        self._consumer.assign(list(open_))
        for place in open_:
            self._consumer.seek(place, begin[place])
        found: list[Seen] = []
        while open_:
            got = await self._consumer.getmany(*open_, timeout_ms=500)
            for place, those in got.items():
                found += [
                    Seen(one.topic, one.key, one.timestamp)
                    for one in those
                    if one.offset < end[place]
                ]
                if those[-1].offset >= end[place] - 1:
                    del open_[place]
        return found

    async def lag(self, group: str, *topics: str) -> int:
        """Return how many records the group has not committed."""
        known: Mapping[Place, Any] = await self._admin.list_consumer_group_offsets(group)
        ends = await self.ends(*topics)
        done = {place: max(one.offset, 0) for place, one in known.items()}
        return sum(end - done.get(place, 0) for place, end in ends.items())


@asynccontextmanager
async def reader(brokers: str) -> AsyncIterator[Reader]:
    """Be connected until the block is left."""
    consumer = AIOKafkaConsumer(bootstrap_servers=brokers, enable_auto_commit=False)
    admin = AIOKafkaAdminClient(bootstrap_servers=brokers)
    await consumer.start()
    try:
        await admin.start()
        try:
            yield Reader(consumer, admin)
        finally:
            await admin.close()
    finally:
        await consumer.stop()
