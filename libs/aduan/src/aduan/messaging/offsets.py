"""Which offset may be committed: the lowest unfinished one of each partition."""

from aduan.messaging.port import TopicPartition


class OffsetTracker:
    """Remembers what was delivered and what is finished, per partition; knows the safe offset."""

    def __init__(self) -> None:
        self._open: dict[TopicPartition, set[int]] = {}
        self._next: dict[TopicPartition, int] = {}
        self._committed: dict[TopicPartition, int] = {}

    def delivered(self, place: TopicPartition, offset: int) -> None:
        """A record was handed out; it is unfinished until `finished` says so."""
        self._open.setdefault(place, set()).add(offset)
        self._next[place] = max(self._next.get(place, 0), offset + 1)

    def finished(self, place: TopicPartition, offset: int) -> None:
        """A record was applied, kept in an inbox or dead-lettered."""
        self._open[place].discard(offset)

    def safe(self, place: TopicPartition) -> int:
        """Return the lowest unfinished offset, or the one after the last delivered record."""
        unfinished = self._open.get(place)
        return min(unfinished) if unfinished else self._next.get(place, 0)

    def to_commit(self) -> dict[TopicPartition, int]:
        """Return the partitions whose safe offset has grown since `committed` was told."""
        return {
            place: safe
            for place in self._next
            if (safe := self.safe(place)) > self._committed.get(place, 0)
        }

    def committed(self, offsets: dict[TopicPartition, int]) -> None:
        """These offsets are durable now."""
        self._committed.update(offsets)

    def start_at(self, place: TopicPartition, offset: int) -> None:
        """The partition was assigned with this committed offset."""
        self._next[place] = offset
        self._committed[place] = offset
        self._open.pop(place, None)

    @property
    def in_flight(self) -> int:
        """How many delivered records are unfinished."""
        return sum(len(unfinished) for unfinished in self._open.values())
