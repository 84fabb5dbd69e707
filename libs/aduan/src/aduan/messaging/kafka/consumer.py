"""One member of a consumer group on Kafka. See the traps in the comments; each was met.

Offsets are safe whatever happens here; effects are protected by compare-and-set and the inbox.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
from aiokafka import TopicPartition as KafkaPlace
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import IllegalStateError, KafkaError

from aduan.clock import Clock
from aduan.contracts.envelope import Raw
from aduan.errors import AduanError, Busy
from aduan.messaging.kafka.connection import REFUSED, Connection, end_by_hand
from aduan.messaging.port import Assigned, Record, Revoked, TopicPartition

SESSION_MS: Final = 10_000
HEARTBEAT_MS: Final = 1_000
REBALANCE_MS: Final = 60_000
MAX_POLL_MS: Final = 300_000
ANSWER_SECONDS: Final = 10.0
# Three questions, of which the first may wait for somebody else's over the same connections.
STARTS_SECONDS: Final = 25.0
STOP_SECONDS: Final = 10.0
SIGN_OF_LIFE_SECONDS: Final = 20.0
STUCK_AFTER_SECONDS: Final = 60.0


class ConsumerStuck(AduanError):
    """The brokers answer others and not this member: it has to be made anew."""


class KafkaConsumer(ConsumerRebalanceListener):  # type: ignore[misc]
    """See aduan.messaging.port.Consumer. Made by KafkaBus.consumer."""

    def __init__(
        self,
        connection: Connection,
        clock: Clock,
        group: str,
        topics: Sequence[str],
        *,
        on_assigned: Assigned,
        on_revoked: Revoked,
        committed: Callable[[str], Awaitable[Mapping[TopicPartition, int]]],
        broker_answers: Callable[[], Awaitable[bool]],
    ) -> None:
        """committed, broker_answers: asked over connections that are not this member's."""
        self._clock = clock
        self._group = group
        self._on_assigned = on_assigned
        self._on_revoked = on_revoked
        self._committed = committed
        self._broker_answers = broker_answers
        self._failure: Exception | None = None
        # Whether the loop knows this assignment. The client fetches by it before it tells anybody.
        self._told = asyncio.Event()
        self._assignments = 0
        # What came with a sign of life, of which assignment: handed out by the next poll.
        self._came_along: tuple[int, Mapping[KafkaPlace, Any]] = (0, {})
        self._polled_at = clock.monotonic()
        self._heard_at = clock.monotonic()
        self._expected: dict[TopicPartition, int] = {}
        # No deserializer: one that raises inside the client wedges its partition for good.
        self._client = AIOKafkaConsumer(
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            max_poll_records=500,
            fetch_min_bytes=1,
            fetch_max_wait_ms=500,
            fetch_max_bytes=8 << 20,
            max_partition_fetch_bytes=1 << 20,
            session_timeout_ms=SESSION_MS,
            heartbeat_interval_ms=HEARTBEAT_MS,
            rebalance_timeout_ms=REBALANCE_MS,
            max_poll_interval_ms=MAX_POLL_MS,
            # Equal partition numbers of all topics meet in one member: all events of a case.
            partition_assignment_strategy=[RangePartitionAssignor],
            **connection.options(),
        )
        self._client.subscribe(list(topics), listener=self)

    async def start(self) -> None:
        """Join; on return the first assignment has been told. Raises KafkaError, ConsumerStuck."""
        await self._client.start()
        await self._told.wait()
        self._raise_failure()

    async def leave(self) -> None:
        """Tell the loop, then leave the group; bounded, whatever the brokers do."""
        await self._on_revoked(self.assignment())
        await self.drop()

    async def drop(self) -> None:
        """Leave without telling anybody here."""
        # stop() does not call the listener, and does not return while the brokers are away.
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self._client.stop()
        except (KafkaError, TimeoutError, OSError) as error:
            _log().warning("bus.left_unheard", group=self._group, error=type(error).__name__)
            parts = (
                getattr(self._client, "_fetcher", None), getattr(self._client, "_coordinator", None)
            )  # fmt: skip
            names = ("_fetch_task", "_heartbeat_task", "_commit_refresh_task", "_coordination_task")
            await end_by_hand(
                self._client._client,  # noqa: SLF001 - nothing public closes it then
                *(getattr(part, name, None) for part in parts for name in names),
            )

    # What the client calls during a rebalance. It swallows what a listener raises.

    async def on_partitions_revoked(self, revoked: set[KafkaPlace]) -> None:
        """Let the loop finish and commit before another member gets these partitions."""
        try:
            if revoked:
                await self._on_revoked(_ours(revoked))
        except Exception as error:  # noqa: BLE001 - raised by the next poll
            self._failure = error
        finally:
            self._told.clear()

    async def on_partitions_assigned(self, assigned: set[KafkaPlace]) -> None:
        """Tell the loop where each partition starts."""
        self._assignments += 1
        try:
            starts = await self._starts(_ours(assigned))
            self._expected |= starts
            self._heard_at = self._clock.monotonic()
            await self._on_assigned(starts)
        except Exception as error:  # noqa: BLE001 - raised by the next poll
            self._failure = error
        finally:
            self._told.set()

    async def _starts(self, places: frozenset[TopicPartition]) -> dict[TopicPartition, int]:
        if not places:
            return {}
        theirs = [KafkaPlace(*place) for place in places]
        async with asyncio.timeout(STARTS_SECONDS):
            committed = await self._committed(self._group)
            first = await self._client.beginning_offsets(theirs)
            ends = await self._client.end_offsets(theirs)
        starts: dict[TopicPartition, int] = {}
        for place in places:
            known = committed.get(place)
            low, high = first[KafkaPlace(*place)], ends[KafkaPlace(*place)]
            starts[place] = known if known is not None and low <= known <= high else low
            # A topic that was deleted takes the group's offsets with it: what we read is known here.
            read = self._expected.get(place, 0)
            if read > high or (known is not None and not low <= known <= high):
                self._tell_lost(place, read if known is None else known, low)
        return starts

    def _raise_failure(self) -> None:
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise ConsumerStuck(f"a rebalance failed: {type(failure).__name__}") from failure

    async def poll(self, *, max_records: int, timeout: float) -> Sequence[Record]:
        """See the port. Raises ConsumerStuck where only a new member helps."""
        self._raise_failure()
        if max_records == 0:
            await self._show_life()
            return []
        of, found = self._came_along
        self._came_along = (0, {})
        if not found or of != self._assignments:
            found = await self._got(max_records=max_records, timeout_ms=int(timeout * 1000))
        if found:
            # The loop would take them for somebody else's and drop them, and the next ones would
            # commit past them.
            await self._told.wait()
            self._raise_failure()
        self._polled_at = self._clock.monotonic()
        if found:
            self._heard_at = self._polled_at
        elif self._polled_at - self._heard_at > STUCK_AFTER_SECONDS:
            await self._look_whether_stuck()
        records: list[Record] = []
        for place, those in found.items():
            at = TopicPartition(*place)
            self._look_for_a_gap(at, those[0].offset)
            self._expected[at] = those[-1].offset + 1
            records += [_record(at, one) for one in those]
        return records

    async def _got(self, *, max_records: int | None, timeout_ms: int) -> Mapping[KafkaPlace, Any]:
        try:
            # Never cancelled on purpose: a cancelled poll blinds the client's own watch for good.
            found: Mapping[KafkaPlace, Any] = await self._client.getmany(
                timeout_ms=timeout_ms, max_records=max_records
            )
        except REFUSED as error:
            _log().error("bus.refused", group=self._group, error=type(error).__name__)
            await asyncio.sleep(1.0)
            raise Busy("this principal may not read its topics or its group") from error
        except KafkaError as error:
            raise ConsumerStuck(type(error).__name__) from error
        return found

    def _look_for_a_gap(self, at: TopicPartition, found: int) -> None:
        # The client goes to what is there by itself, and says so to nobody.
        expected = self._expected.get(at, found)
        if found != expected:
            self._tell_lost(at, expected, found)

    def _tell_lost(self, at: TopicPartition, counted_on: int, first: int) -> None:
        """The log lost what we counted on: its producers have to tell it again."""
        _log().error(
            "bus.log_lost_records", group=self._group, topic=at.topic, partition=at.partition,
            counted_on=counted_on, first=first,
        )  # fmt: skip

    async def _show_life(self) -> None:
        if self._clock.monotonic() - self._polled_at < SIGN_OF_LIFE_SECONDS:
            return
        running = self._client.assignment() - self._client.paused()
        self._client.pause(*running)
        # A rebalance in between ends all pauses, and may bring records.
        found = await self._got(max_records=None, timeout_ms=0)
        if found:
            await self._told.wait()
            self._came_along = (self._assignments, found)
        self._client.resume(*(running & self._client.assignment()))
        self._polled_at = self._clock.monotonic()

    async def _look_whether_stuck(self) -> None:
        if await self._broker_answers():
            raise ConsumerStuck("the brokers answer others and not this member")
        raise Busy("the brokers do not answer")

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """See the port. What is not assigned any more is left to its new owner."""
        # Offsets of the last assignment are of no use to the next, of which nobody knows yet.
        mine = self._client.assignment() if self._told.is_set() else frozenset()
        wanted = {
            KafkaPlace(*place): offset
            for place, offset in offsets.items()
            if KafkaPlace(*place) in mine
        }
        if wanted:
            await self._answered(self._client.commit(wanted))

    async def end_offsets(self) -> Mapping[TopicPartition, int]:
        """See the port."""
        mine = self._client.assignment()
        if not mine:
            await self._answered(self._client.topics())
            return {}
        ends = await self._answered(self._client.end_offsets(mine))
        return {TopicPartition(*place): end for place, end in ends.items()}

    async def _answered(self, question: Awaitable[Any]) -> Any:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                answer = await question
        except (KafkaError, IllegalStateError, TimeoutError) as error:
            raise Busy(f"the brokers did not answer: {type(error).__name__}") from error
        self._heard_at = self._clock.monotonic()
        return answer

    def pause(self, partitions: Sequence[TopicPartition]) -> None:
        """See the port. A rebalance forgets it."""
        self._client.pause(*self._still_mine(partitions))

    def resume(self, partitions: Sequence[TopicPartition]) -> None:
        """See the port."""
        self._client.resume(*self._still_mine(partitions))

    def _still_mine(self, partitions: Sequence[TopicPartition]) -> set[KafkaPlace]:
        mine: set[KafkaPlace] = self._client.assignment()
        return {KafkaPlace(*place) for place in partitions} & mine

    def assignment(self) -> frozenset[TopicPartition]:
        """See the port."""
        return _ours(self._client.assignment())


def _ours(places: set[KafkaPlace]) -> frozenset[TopicPartition]:
    return frozenset(TopicPartition(*place) for place in places)


def _record(at: TopicPartition, one: Any) -> Record:
    headers = tuple((name, value or b"") for name, value in one.headers)
    return Record(at, one.offset, Raw(at.topic, one.key or b"", one.value or b"", headers))


def _log() -> Any:
    return structlog.get_logger("aduan.messaging")
