"""How long a stored job waits before it is tried again."""

from datetime import timedelta
from typing import Final

LONGEST: Final = timedelta(minutes=10)


def pause(tries: int) -> timedelta:
    """Return how long to wait after so many tries: 1, 2, 4 ... seconds, at most ten minutes."""
    return min(timedelta(seconds=2 ** min(tries, 20)), LONGEST)
