"""Working days in WIB: Monday to Friday, minus libur nasional, minus cuti bersama (DOMAIN 8).

The ministers' decree is amended in mid-year now and then, and local holidays or election days are
missing from every package, so a tenant keeps amendments with author and reason. An amendment is
known from the day of its decision on: it moves open clocks and rewrites no breach of the past.

Known gap: a release of the package that changes a day of the past is taken as always known.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from aduan.clock import WIB
from aduan.errors import AduanError

_DAY: Final = timedelta(days=1)
_HOUR: Final = timedelta(hours=1)
_SATURDAY: Final = 5


class CalendarMissing(AduanError):
    """A count of working days runs out of the years that the calendar holds."""


def wib_date(moment: datetime) -> date:
    """Return the date that a clock in Semarang shows at `moment` (aware)."""
    return moment.astimezone(WIB).date()


def start_of(day: date) -> datetime:
    """Return the first moment of a WIB date, in UTC."""
    return datetime.combine(day, time(), WIB).astimezone(UTC)


def end_of(day: date) -> datetime:
    """Return the last moment of a WIB date, in UTC: the last at which its work is still on time."""
    return start_of(day + _DAY) - timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class WorkDays:
    """The working days of a span of years as somebody knew them on one day.

    days: proleptic ordinals of the working days, ascending. first, last: the span, inclusive.
    """

    first: date
    last: date
    days: tuple[int, ...]

    def add(self, start: date, amount: int) -> date:
        """Return the `amount`-th working day after `start`; the day of the start is day zero.

        amount: at least 1. Raises ValueError below, CalendarMissing outside the span.
        """
        if amount < 1:
            raise ValueError("at least one working day is added")
        at = bisect_right(self.days, start.toordinal()) + amount - 1
        if start < self.first or at >= len(self.days):
            raise CalendarMissing(f"{start} + {amount} working days leaves the calendar")
        return date.fromordinal(self.days[at])

    def between(self, after: date, through: date) -> int:
        """Count the working days d with after < d <= through."""
        low, high = after.toordinal(), through.toordinal()
        return max(0, bisect_right(self.days, high) - bisect_right(self.days, low))

    def holds(self, day: date) -> bool:
        """Whether a date is a working day."""
        return self.between(day - _DAY, day) == 1


@dataclass(frozen=True, slots=True)
class OfficeHours:
    """When an office is open on a working day, WIB. They measure waiting; no deadline uses them."""

    opens: time
    closes: time

    def within(self, since: datetime, until: datetime, work: WorkDays) -> float:
        """Return the hours of working days between two moments in which the office was open.

        since, until: aware; 0 where `until` is not the later one.
        """
        first, last = wib_date(since), wib_date(until)
        if until <= since:
            return 0.0
        if first == last:
            return self._of_day(first, since, until, work)
        whole = work.between(first, last - _DAY) * (self._at(first)[1] - self._at(first)[0]) / _HOUR
        return (
            self._of_day(first, since, until, work) + whole + self._of_day(last, since, until, work)
        )

    def _at(self, day: date) -> tuple[datetime, datetime]:
        return datetime.combine(day, self.opens, WIB), datetime.combine(day, self.closes, WIB)

    def _of_day(self, day: date, since: datetime, until: datetime, work: WorkDays) -> float:
        opens, closes = self._at(day)
        open_for = min(until, closes) - max(since, opens)
        return max(0.0, open_for / _HOUR) if work.holds(day) else 0.0


USUAL_HOURS: Final = OfficeHours(time(8), time(16))


@dataclass(frozen=True, slots=True)
class Amendment:
    """One day that the tenant knows better than the package: who decided it, when, and why.

    working: False makes the day free, True takes a free day back. decided_on: a WIB date.
    """

    on: date
    working: bool
    name: str
    author: str
    reason: str
    decided_on: date


@dataclass(frozen=True, slots=True)
class Calendar:
    """A tenant's calendar with its history of amendments.

    version: names the data, so that a case can tell whether it was reckoned with this one.
    joint_leave_years: the years for which cuti bersama was decreed.
    changes: the moments at which an amendment became known, ascending.
    hours: when offices are open on a working day.
    """

    version: str
    joint_leave_years: frozenset[int]
    changes: tuple[datetime, ...]
    variants: tuple[WorkDays, ...] = field(repr=False)
    hours: OfficeHours = USUAL_HOURS

    def known_at(self, moment: datetime) -> WorkDays:
        """Return the working days as they were known at `moment`."""
        return self.variants[bisect_right(self.changes, moment)]

    def is_sure(self, first: date, last: date) -> bool:
        """Say whether every year from first to last has cuti bersama data; False is an alert."""
        return all(year in self.joint_leave_years for year in range(first.year, last.year + 1))


def build(
    version: str,
    first_year: int,
    last_year: int,
    days_off: Iterable[date],
    joint_leave: Iterable[date],
    amendments: Sequence[Amendment] = (),
    hours: OfficeHours = USUAL_HOURS,
) -> Calendar:
    """Return the calendar of the years first_year to last_year, inclusive.

    days_off: libur nasional and cuti bersama together. joint_leave: cuti bersama alone.
    """
    first, last = date(first_year, 1, 1), date(last_year, 12, 31)
    off = set(days_off)
    decided = sorted({amendment.decided_on for amendment in amendments})
    variants = [_work_days(first, last, off)]
    for day in decided:
        for amendment in amendments:
            if amendment.decided_on == day and amendment.working:
                off.discard(amendment.on)
            elif amendment.decided_on == day:
                off.add(amendment.on)
        variants.append(_work_days(first, last, off))
    return Calendar(
        version=version,
        joint_leave_years=frozenset(day.year for day in joint_leave),
        changes=tuple(start_of(day) for day in decided),
        variants=tuple(variants),
        hours=hours,
    )


def _work_days(first: date, last: date, off: set[date]) -> WorkDays:
    free = {day.toordinal() for day in off}
    # Ordinal 1 (1 January of year 1) was a Monday, so (ordinal - 1) % 7 is the weekday from Monday.
    span = range(first.toordinal(), last.toordinal() + 1)
    days = (day for day in span if (day - 1) % 7 < _SATURDAY and day not in free)
    return WorkDays(first, last, tuple(days))
