"""What sla needs from the machinery around it, in its own words."""

from datetime import datetime
from typing import Protocol


class CaughtUp(Protocol):
    """Knows how far sla has heard everything that was said.

    Returns the latest domain time T such that after T the ends of all subscribed partitions were
    asked for and everything up to there was worked off; None before the first time.
    """

    def __call__(self) -> datetime | None:
        """Return T."""
        ...
