"""The bus on Kafka: one producer, one consumer a group, and side connections for questions."""

import asyncio
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as KafkaPlace
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError
from aiokafka.protocol.metadata import MetadataRequest

from aduan.clock import Clock
from aduan.contracts.envelope import Raw
from aduan.errors import Busy
from aduan.messaging.kafka.connection import REFUSED, Connection, end_by_hand
from aduan.messaging.kafka.consumer import REBALANCE_MS, ConsumerStuck, KafkaConsumer
from aduan.messaging.kafka.producer import ReliableProducer
from aduan.messaging.partition import partitions_of
from aduan.messaging.port import (
    Assigned,
    Revoked,
    TopicPartition,
    ignore_assignment,
    ignore_partitions,
)

ANSWER_SECONDS: Final = 10.0
LONGEST_PAUSE: Final = 10.0
SETTLING_SECONDS: Final = (0.5, 1.5, 0.0)
JOIN_SECONDS: Final = REBALANCE_MS / 1000 + 30.0

T = TypeVar("T")


class KafkaBus:
    """See aduan.messaging.port.Bus. Connects when it is first needed; close it."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        """Raises BadAddress."""
        connection.options()
        self._connection = connection
        self._clock = clock
        self._producer = ReliableProducer(connection)
        self._admin: AIOKafkaAdminClient | None = None
        self._looker: AIOKafkaConsumer | None = None
        self._asking = asyncio.Lock()

    async def close(self) -> None:
        """Stop every connection, bounded."""
        await self._producer.close()
        await self._forget_connections()

    @property
    def rebuilt_producers(self) -> int:
        """How often an error made the producer start anew."""
        return self._producer.rebuilt

    async def publish(self, events: Sequence[Raw]) -> Sequence[bool]:
        """See the port."""
        if not events:
            return []
        return await self._producer.publish(events)

    def consumer(
        self,
        group: str,
        topics: Sequence[str],
        *,
        on_assigned: Assigned = ignore_assignment,
        on_revoked: Revoked = ignore_partitions,
    ) -> Any:
        """See the port. Waits for as long as the brokers are away; says so in the log."""
        return self._member(group, topics, on_assigned, on_revoked)

    @asynccontextmanager
    async def _member(
        self, group: str, topics: Sequence[str], on_assigned: Assigned, on_revoked: Revoked
    ) -> AsyncIterator[KafkaConsumer]:
        pause = 0.5
        while True:
            member = KafkaConsumer(
                self._connection,
                self._clock,
                group,
                topics,
                on_assigned=on_assigned,
                on_revoked=on_revoked,
                committed=self.committed,
                broker_answers=self.answers,
            )
            try:
                # The client may wait for an assignment that never comes, when brokers went away and
                # came back as it joined. Others may take their whole time to leave theirs.
                async with asyncio.timeout(JOIN_SECONDS):
                    await member.start()
                break
            except (KafkaError, ConsumerStuck, OSError) as error:
                await member.drop()
                log = structlog.get_logger("aduan.messaging").bind(
                    group=group, error=type(error).__name__
                )
                if isinstance(error, REFUSED):
                    log.error("bus.refused")  # noqa: TRY400 - no trace: nobody here made a mistake
                else:
                    hint = "brokers away, topics missing (aduan topics apply), or credentials?"
                    log.warning("bus.cannot_join", hint=hint)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
            except BaseException:
                await member.drop()
                raise
        try:
            yield member
        finally:
            await member.leave()

    async def committed(self, group: str) -> Mapping[TopicPartition, int]:
        """Return a group's committed offsets, where there is one. Raises Busy."""

        async def ask(admin: AIOKafkaAdminClient, _: AIOKafkaConsumer) -> Any:
            return await admin.list_consumer_group_offsets(group)

        found = await self._ask(ask)
        return {
            TopicPartition(*place): known.offset for place, known in found.items()
            if known.offset >= 0
        }  # fmt: skip

    async def lag(self, group: str, topics: Sequence[str]) -> int:
        """See the port."""
        return sum((await self.lags(group, topics)).values())

    async def lags(self, group: str, topics: Sequence[str]) -> Mapping[TopicPartition, int]:
        """Return how many records of each partition the group has not committed yet. Raises Busy."""
        places = [
            KafkaPlace(name, number) for name in topics for number in range(partitions_of(name))
        ]

        async def ask(_: AIOKafkaAdminClient, looker: AIOKafkaConsumer) -> Any:
            first = await looker.beginning_offsets(places)
            return first, await looker.end_offsets(places)

        done = await self.committed(group)
        first, ends = await self._ask(ask)
        return {
            TopicPartition(*place): ends[place]
            - max(done.get(TopicPartition(*place), 0), first[place])
            for place in places
        }

    async def partition_counts(self, topics: Sequence[str]) -> Mapping[str, int]:
        """Return how many partitions each topic has, of those that are there for us. Raises Busy."""

        async def ask(admin: AIOKafkaAdminClient, _: AIOKafkaConsumer) -> Any:
            return await admin.describe_topics(list(topics))

        found = await self._ask(ask)
        return {one["topic"]: len(one["partitions"]) for one in found if not one["error_code"]}

    async def unfit(self, topics: Mapping[str, int]) -> Sequence[str]:
        """See the port. A topic that this principal may not see is left to the alarm about rights."""
        # named one by one, and without the request to make them: an answer must not create anything
        asked = MetadataRequest(list(topics), allow_auto_topic_creation=False)

        async def ask(admin: AIOKafkaAdminClient, _: AIOKafkaConsumer) -> Any:
            return await admin._send_request(asked)  # noqa: SLF001 - its own call lets topics be made

        found: list[str] = []
        for pause in SETTLING_SECONDS:
            try:
                answer = await self._ask(ask)
            except Busy:
                return ()
            found = list(_unfit(answer.to_object()["topics"], topics))
            if not found:
                break
            # a topic that was just made is not known to every broker yet
            await asyncio.sleep(pause)
        return found

    async def answers(self) -> bool:
        """Whether a broker answers a connection that was just made."""
        client = AIOKafkaClient(**self._connection.options())
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await client.bootstrap()
        except (KafkaError, TimeoutError, OSError):
            return False
        finally:
            await end_by_hand(client)
        return True

    async def _ask(
        self, question: Callable[[AIOKafkaAdminClient, AIOKafkaConsumer], Awaitable[T]]
    ) -> T:
        async with self._asking:
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    return await question(*await self._connections())
            except (KafkaError, TimeoutError, OSError) as error:
                await self._forget_connections()
                raise Busy(f"the brokers did not answer: {type(error).__name__}") from error
            except asyncio.CancelledError:
                # In the middle of a start or of an answer: nobody may go on with these.
                await self._forget_connections()
                raise

    async def _connections(self) -> tuple[AIOKafkaAdminClient, AIOKafkaConsumer]:
        if self._admin is None or self._looker is None:
            options = self._connection.options()
            self._admin = AIOKafkaAdminClient(**options)
            self._looker = AIOKafkaConsumer(group_id=None, enable_auto_commit=False, **options)
            await self._admin.start()
            await self._looker.start()
        return self._admin, self._looker

    async def _forget_connections(self) -> None:
        admin, looker = self._admin, self._looker
        self._admin, self._looker = None, None
        for stop in (
            *((admin.close,) if admin is not None else ()),
            *((looker.stop,) if looker is not None else ()),
        ):
            try:
                async with asyncio.timeout(5.0):
                    await stop()
            except (KafkaError, TimeoutError, OSError) as error:
                structlog.get_logger("aduan.messaging").warning(
                    "bus.left_unheard", error=type(error).__name__
                )


def _unfit(told: Iterable[Mapping[str, Any]], topics: Mapping[str, int]) -> Iterator[str]:
    partitions = {one["topic"]: len(one["partitions"]) for one in told if one["error_code"] == 0}
    unknown = UnknownTopicOrPartitionError.errno
    missing = sorted(one["topic"] for one in told if one["error_code"] == unknown)
    if missing:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        yield f"the brokers have no topic {', '.join(missing[:3])}{more}: run `aduan topics apply`"
    for name, least in topics.items():
        there = partitions.get(name, least)
        if there < least:
            yield (
                f"the topic {name} has {there} partitions and needs {least}: `aduan topics plan` says"
                " more; where it holds nothing, delete it and run `aduan topics apply`"
            )
