"""The figures of one process, kept by partition, so that a partition that leaves takes its share."""

from collections import Counter
from collections.abc import Mapping
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

    def turn(self, now: datetime) -> None:
        """Drop the buckets that are over. Nothing wrong is told where it comes late."""
        for part in self._parts.values():
            part.turn(now)

    # What is told may be asked by another thread than the one that counts: a scrape takes long.

    def sums(self) -> Sums:
        """Return the sums over all partitions."""
        return together(part.sums() for part in list(self._parts.values()))

    def states(self) -> Mapping[str, int]:
        """Return how many cases are held: counted, test, unopened."""
        found: Counter[str] = Counter()
        for part in list(self._parts.values()):
            found.update(part.states)
        return found
