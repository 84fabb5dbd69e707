"""The figures of one process, kept by partition, so that a partition that leaves takes its share."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime

from aduan.messaging.partition import partition_of
from aduan_sla.domain.statistics.facts import CaseFacts
from aduan_sla.domain.statistics.figures import Figures, Sums, together
from aduan_sla.domain.statistics.labels import Labels


class Board:
    """Sums over the cases of the partitions that this process has."""

    def __init__(self, labels: Mapping[str, Labels]) -> None:
        """labels: by tenant, of those that are counted."""
        self._labels = labels
        self._parts: dict[int, Figures] = {}

    @property
    def tenants(self) -> frozenset[str]:
        """Whose cases are counted."""
        return frozenset(self._labels)

    def rebuild(self, cases: Iterable[tuple[str, CaseFacts]], now: datetime) -> None:
        """Forget everything, and count these cases. cases: complaint id and facts."""
        self._parts = {}
        for case_id, facts in cases:
            self.change(case_id, None, facts, now)

    def forget(self) -> None:
        """Another process counts these cases from now on, or we do it anew."""
        self._parts = {}

    def change(
        self, case_id: str, before: CaseFacts | None, after: CaseFacts, now: datetime
    ) -> None:
        """A case counted for `before` and counts for `after`."""
        partition = partition_of(case_id)
        if partition not in self._parts:
            self._parts[partition] = Figures(self._labels, now)
        self._parts[partition].change(before, after)

    def sums(self, now: datetime) -> Sums:
        """Return the sums over all partitions, without the buckets that are over."""
        for part in self._parts.values():
            part.turn(now)
        return together(part.sums() for part in self._parts.values())

    def states(self) -> Mapping[str, int]:
        """Return how many cases are held: counted, test, unopened."""
        found: Counter[str] = Counter()
        for part in self._parts.values():
            found.update(part.states)
        return found
