"""A breaker per partner: after a row of failures nobody calls for a while, then one call tries.

It lives in one process and costs nothing when it forgets: the jobs and their back-off are stored.
"""

from dataclasses import dataclass
from typing import Final, Literal

from aduan.clock import Clock

FAILURES: Final = 5
OPEN_SECONDS: Final = 15.0
TOGETHER: Final = 8

BreakerState = Literal["closed", "open", "half_open"]


@dataclass
class Breaker:
    """closed: calls go through. open: none. half_open: one call at a time until one works."""

    clock: Clock
    open_seconds: float = OPEN_SECONDS
    _failures: int = 0
    _opened_at: float | None = None

    @property
    def state(self) -> BreakerState:
        """What a metric shows."""
        if self._opened_at is None:
            return "closed"
        waited = self.clock.monotonic() - self._opened_at
        return "half_open" if waited >= self.open_seconds else "open"

    @property
    def room(self) -> int:
        """How many calls may start now; one when it is half open: the trial."""
        return {"closed": TOGETHER, "half_open": 1, "open": 0}[self.state]

    def worked(self) -> None:
        """Note a call that got an answer, a refusal included."""
        self._failures = 0
        self._opened_at = None

    def failed(self) -> None:
        """Note a call without a usable answer."""
        self._failures += 1
        if self._failures >= FAILURES or self._opened_at is not None:
            self._opened_at = self.clock.monotonic()
