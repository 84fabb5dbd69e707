"""Which offset may be committed: the lowest unfinished one of each partition."""

from collections.abc import Iterable, Mapping

from aduan.messaging.port import TopicPartition


class OffsetTracker:
    """Remembers what was delivered and what is finished, per partition; knows the safe offset."""

    def __init__(self) -> None:
        self._open: dict[TopicPartition, set[int]] = {}
        self._next: dict[TopicPartition, int] = {}
        self._committed: dict[TopicPartition, int] = {}
        self._leaving: set[TopicPartition] = set()

    def start(self, starts: Mapping[TopicPartition, int]) -> None:
        """These are all partitions now, each with the offset from which it is delivered."""
        self._open = {}
        self._next = dict(starts)
        self._committed = dict(starts)
        self._leaving = set()

    def leave(self, places: Iterable[TopicPartition]) -> None:
        """From now on nothing of these partitions is taken; what is open may still finish."""
        self._leaving.update(places)

    def delivered(self, place: TopicPartition, offset: int) -> bool:
        """A record was handed out: it is unfinished until `finished` says so.

        False: the partition is somebody else's by now, who gets the record too; let it be.
        """
        if place in self._leaving or place not in self._next:
            return False
        if offset < self._committed[place]:
            # The log began anew or was rewound: what was committed counts no more.
            self._next[place] = self._committed[place] = offset
        self._open.setdefault(place, set()).add(offset)
        self._next[place] = max(self._next[place], offset + 1)
        return True

    def finished(self, place: TopicPartition, offset: int) -> None:
        """A record was applied, kept in an inbox or dead-lettered."""
        unfinished = self._open.get(place)
        if unfinished is not None:
            unfinished.discard(offset)

    def safe(self, place: TopicPartition) -> int:
        """Return the lowest unfinished offset, or the one after the last delivered record."""
        unfinished = self._open.get(place)
        return min(unfinished) if unfinished else self._next.get(place, 0)

    def to_commit(self) -> dict[TopicPartition, int]:
        """Return the partitions whose safe offset has grown since `committed` was told."""
        return {
            place: safe
            for place in self._next
            if (safe := self.safe(place)) > self._committed[place]
        }

    def committed(self, offsets: Mapping[TopicPartition, int]) -> None:
        """These offsets are durable now."""
        for place, offset in offsets.items():
            if place in self._committed:
                self._committed[place] = offset

    @property
    def places(self) -> frozenset[TopicPartition]:
        """The partitions that are ours and stay ours."""
        return frozenset(self._next) - self._leaving

    @property
    def in_flight(self) -> int:
        """How many delivered records are unfinished."""
        return sum(len(unfinished) for unfinished in self._open.values())

    def open_in(self, places: Iterable[TopicPartition]) -> int:
        """Return how many delivered records of these partitions are unfinished."""
        return sum(len(self._open.get(place, ())) for place in places)
