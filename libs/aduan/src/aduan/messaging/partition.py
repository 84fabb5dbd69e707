"""The stable hash that puts all events of a case into the same partition of every topic."""

from collections.abc import Callable, Sequence
from zlib import crc32

from aduan.contracts.topics import BY_NAME, PARTITIONS

Partitions = Callable[[], Sequence[int]]
"""Tells whose cases are ours at this moment: a replica's timers and jobs keep to them."""


def every_partition() -> Sequence[int]:
    """Return all of them: what one process alone has."""
    return range(PARTITIONS)


def partition_of(key: str | bytes, partitions: int = PARTITIONS) -> int:
    """Return 0..partitions-1, the same in every process, release and engine."""
    return crc32(key if isinstance(key, bytes) else key.encode()) % partitions


def partitions_of(topic: str) -> int:
    """Return how many partitions a topic has: the table's word, one for a group's dead letters."""
    known = BY_NAME.get(topic)
    return known.partitions if known is not None else 1
