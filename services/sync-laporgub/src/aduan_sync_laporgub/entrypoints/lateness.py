"""By how much calls to partners are late: what the gauge `aduan_sync_due_late_seconds` tells.

Work that is due at once bears no time (rules know domain time only, and workers look by real time),
so it is late since this process first saw it waiting. A restart forgets that; it is a gauge, and
the work itself is stored.
"""

from typing import Final

from aduan.clock import Clock, iso, parse_iso
from aduan.contracts.topics import PARTITIONS
from aduan.storage.port import Store
from aduan_sync_laporgub.domain.case import AT_ONCE
from aduan_sync_laporgub.domain.collection import CASES, due_at
from aduan_sync_laporgub.domain.systems import MirrorSystem

_AFTER: Final = "0001-01-01T00:00:00.000001Z"  # the first moment that is not "at once"
_PAGE: Final = 200


class Lateness:
    """One object per process; `of` is asked at each look."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._seen: dict[MirrorSystem, dict[str, float]] = {}

    async def of(self, system: MirrorSystem) -> float:
        """Return by how many real seconds the oldest call that is due is late, 0 for none.

        Raises Busy.
        """
        now, index = self._clock.wall(), f"due_{system}"
        high = iso(now)
        waiting: list[str] = []
        oldest = now
        for partition in await self._store.partitions_due(
            CASES, index, range(PARTITIONS), high=high
        ):
            at_once = await self._store.find(
                CASES, index, equal=(partition,), high=_AFTER, limit=_PAGE
            )
            waiting += [document.id for document in at_once.documents]
            timed = await self._store.find(
                CASES, index, equal=(partition,), low=_AFTER, high=high, limit=1
            )
            for document in timed.documents:
                due = due_at(document.body, system) if document.body is not None else None
                if due is not None and due != AT_ONCE:
                    oldest = min(oldest, parse_iso(due))
        return max((now - oldest).total_seconds(), self._longest(system, waiting))

    def _longest(self, system: MirrorSystem, waiting: list[str]) -> float:
        before, now = self._seen.get(system, {}), self._clock.monotonic()
        self._seen[system] = {id: before.get(id, now) for id in waiting}
        return max((now - first for first in self._seen[system].values()), default=0.0)
