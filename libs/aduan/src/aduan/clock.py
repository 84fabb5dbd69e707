"""The two times of DESIGN 7: the domain clock (received, occurred, due) and real time.

The only module that reads the machine's clock. Everything else gets `now` as an argument.
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo

WIB = ZoneInfo("Asia/Jakarta")


class Clock(Protocol):
    """Tells the domain time and the real time."""

    def now(self) -> datetime:
        """Return the domain time: aware, UTC."""
        ...

    def wall(self) -> datetime:
        """Return the real time: aware, UTC. For retention, token expiry and back-off on disk."""
        ...

    def monotonic(self) -> float:
        """Return real seconds that never go back, for time-outs inside one process."""
        ...


@dataclass(frozen=True, slots=True)
class SystemClock:
    """Domain time = anchor_domain + speed x (wall - anchor_wall); by default simply the wall clock."""

    anchor_wall: datetime | None = None
    anchor_domain: datetime | None = None
    speed: float = 1.0

    def now(self) -> datetime:
        """See Clock."""
        wall = self.wall()
        if self.anchor_wall is None or self.anchor_domain is None:
            return wall
        return self.anchor_domain + (wall - self.anchor_wall) * self.speed

    def wall(self) -> datetime:
        """See Clock."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """See Clock."""
        return time.monotonic()


@dataclass(slots=True)
class ManualClock:
    """A clock that moves only when told to: for tests and simulations."""

    domain: datetime
    real: datetime | None = None
    ticks: float = 0.0

    def now(self) -> datetime:
        """See Clock."""
        return self.domain

    def wall(self) -> datetime:
        """See Clock."""
        return self.real or self.domain

    def monotonic(self) -> float:
        """See Clock."""
        return self.ticks

    def advance(self, step: timedelta) -> None:
        """Move domain time, real time and the monotonic seconds forward together."""
        self.real = self.wall() + step
        self.domain += step
        self.ticks += step.total_seconds()


def wall_ns() -> int:
    """Return real time in nanoseconds since 1970, for measurements that are compared elsewhere."""
    return time.time_ns()


def iso(moment: datetime) -> str:
    """Return `moment` as fixed-width UTC text that sorts like the time it names.

    moment: aware. The result looks like 2026-12-01T02:00:00.000000Z.
    Raises ValueError for a naive datetime.
    """
    if moment.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    return _written(moment if moment.tzinfo is UTC else moment.astimezone(UTC))


# One decision writes the same moment down about ten times.
@lru_cache(maxsize=64)
def _written(utc: datetime) -> str:
    return utc.isoformat(timespec="microseconds")[:-6] + "Z"


def parse_iso(text: str) -> datetime:
    """Read what `iso` wrote: aware, UTC. Raises ValueError for anything that is not ISO 8601."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    return moment.astimezone(UTC)
