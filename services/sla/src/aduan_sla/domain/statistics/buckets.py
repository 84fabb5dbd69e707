"""The hours, days and weeks of WIB into which figures are cut.

WIB is UTC+7 without daylight saving. A week is an ISO week: it begins on Monday at 00:00 WIB.
A bucket is named by its first moment in Unix seconds.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, Literal

Period = Literal["hour", "day", "week"]
Bucket = Literal["current", "previous"]

PERIODS: Final[tuple[Period, ...]] = ("hour", "day", "week")
BUCKETS: Final[tuple[Bucket, ...]] = ("current", "previous")
SECONDS: Final[Mapping[Period, int]] = {"hour": 3_600, "day": 86_400, "week": 604_800}

_WIB_SECONDS: Final = int(timedelta(hours=7).total_seconds())
# Unix time began on a Thursday; the Monday of that week lies three days before.
_MONDAY: Final[Mapping[Period, int]] = {"hour": 0, "day": 0, "week": 3 * 86_400}


def start_of(moment: datetime, period: Period) -> int:
    """Return the bucket in which `moment` (aware) lies."""
    shift = _WIB_SECONDS + _MONDAY[period]
    local = int(moment.timestamp() // 1) + shift
    return local - local % SECONDS[period] - shift


def live(now: datetime, period: Period) -> Mapping[Bucket, int]:
    """Return the bucket that is running at `now`, and the complete one before it."""
    current = start_of(now, period)
    return {"current": current, "previous": current - SECONDS[period]}
