"""The messaging port: a durable, partitioned log with consumer groups.

Both engines pass one contract suite. At least once, in order per partition; what is acknowledged
stays. Raw bytes only: nothing is decoded inside a client.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from aduan.contracts.envelope import Raw


class TopicPartition(NamedTuple):
    """One partition of one topic."""

    topic: str
    partition: int


@dataclass(frozen=True, slots=True)
class Record:
    """One record of the log: where it stands, and what was published."""

    at: TopicPartition
    offset: int
    raw: Raw


class Consumer(Protocol):
    """A member of a consumer group. Polling is its sign of life; offsets are committed by hand."""

    async def poll(self, *, max_records: int, timeout: float) -> Sequence[Record]:
        """Return the next records of the partitions that are assigned and not paused.

        In offset order per partition. Empty after `timeout` real seconds without any.
        max_records=0 delivers nothing, at once: the sign of life of a member that is held back.
        Raises Busy when the engine is away.
        """
        ...

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Remember, durably, the next offset to read of each partition. Raises Busy."""
        ...

    def pause(self, partitions: Sequence[TopicPartition]) -> None:
        """Stop delivering these partitions until `resume`."""
        ...

    def resume(self, partitions: Sequence[TopicPartition]) -> None:
        """Deliver these partitions again, from where they stood."""
        ...

    def assignment(self) -> frozenset[TopicPartition]:
        """Return the partitions that this member has now."""
        ...

    async def end_offsets(self) -> Mapping[TopicPartition, int]:
        """Ask the log for the end (next offset to be written) of each assigned partition."""
        ...


Assigned = Callable[[Mapping[TopicPartition, int]], Awaitable[None]]
"""Told what a member has now: each partition with the offset from which it is delivered."""
Revoked = Callable[[frozenset[TopicPartition]], Awaitable[None]]
"""Told what a member is about to lose; it may still commit until it returns."""


async def ignore_assignment(_: Mapping[TopicPartition, int]) -> None:
    """A listener that does nothing."""


async def ignore_partitions(_: frozenset[TopicPartition]) -> None:
    """A listener that does nothing."""


class Bus(Protocol):
    """The log of events."""

    async def publish(self, events: Sequence[Raw]) -> Sequence[bool]:
        """Append the events in order; for each, whether it was acknowledged as durable.

        False means unknown: it may or may not be in the log. Equal keys keep their order among the
        acknowledged. Raises Busy when nothing could be appended.
        """
        ...

    def consumer(
        self,
        group: str,
        topics: Sequence[str],
        *,
        on_assigned: Assigned = ignore_assignment,
        on_revoked: Revoked = ignore_partitions,
    ) -> AbstractAsyncContextManager[Consumer]:
        """Join `group` on whole topics, a new group at the earliest offset. Leaves it on exit.

        on_assigned: called after each rebalance with the whole assignment, the first time before
        the consumer is given. on_revoked: returns before another member gets the partitions.
        """
        ...

    async def lag(self, group: str, topics: Sequence[str]) -> int:
        """Return how many records of `topics` the group has not committed yet."""
        ...

    async def unfit(self, topics: Mapping[str, int]) -> Sequence[str]:
        """Say, a sentence each, which topics are missing or have fewer partitions than they need.

        topics: name -> the least number of partitions. Empty where all is well, where the log makes
        what it needs, and where it does not answer, which is no fault of the topics.
        """
        ...
