"""How fast the postman walks, and how long he rests after a failure."""

import random
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

LONGEST_PAUSE_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How the postman walks; all of it real time."""

    poll: timedelta
    lease: timedelta
    retry_first: timedelta
    retry_longest: timedelta
    give_up_after: timedelta
    concurrency: int

    def again_after(self, tries: int) -> timedelta:
        """Return how long a row rests after its Nth try: doubling, capped, with jitter."""
        rest = min(self.retry_first * (1 << min(max(tries - 1, 0), 20)), self.retry_longest)
        return rest * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing

    def pause_seconds(self, failures: int) -> float:
        """Return how long to rest between two looks, longer after each failed one in a row."""
        first = self.poll.total_seconds()
        if not failures:
            return first
        longest = min(first * (1 << min(failures, 10)), LONGEST_PAUSE_SECONDS)
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 - the same
