"""Deadline arithmetic: from a start, a limit and the pauses to due date and warning (DESIGN 6).

Days are counted in WIB and the day of the start is day zero. While a clock is paused there is no
due date. Hour clocks run through nights and holidays.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Literal, NamedTuple

from aduan_sla.domain.calendar import WorkDays, end_of, start_of, wib_date

Unit = Literal["working_days", "days", "hours", "date", "none"]
_NOON: Final = timedelta(hours=12)
_ROUNDING: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Limit:
    """How long a step may take. amount: at least 1 in working_days, days and hours, else 0."""

    unit: Unit
    amount: int = 0


class Pause(NamedTuple):
    """A stretch in which a clock stands still; resumed_at is None while it lasts."""

    paused_at: datetime
    resumed_at: datetime | None


def due_at(
    started_at: datetime,
    limit: Limit,
    pauses: Sequence[Pause],
    work: WorkDays,
    on: date | None = None,
) -> datetime | None:
    """Return the last moment at which the step is on time; None while paused or without limit.

    A paused day clock gains the days d with pause_on < d <= resume_on, an hour clock the time.
    on: the promised WIB date where the unit is `date`. Raises CalendarMissing.
    """
    if _is_paused(pauses) or limit.unit == "none":
        return None
    if limit.unit == "date":
        return None if on is None else end_of(on)
    return _after(started_at, limit, limit.amount, pauses, work)


def warn_at(
    started_at: datetime, limit: Limit, share: float, pauses: Sequence[Pause], work: WorkDays
) -> datetime | None:
    """Return when `share` (0..1) of the time is used; None while paused or without a count.

    Hours exactly; days at the end of day floor(share x amount), but at least the first; a single
    day at 12:00 WIB of its due date.
    """
    if _is_paused(pauses) or limit.unit in ("none", "date"):
        return None
    if limit.unit == "hours":
        used = timedelta(hours=limit.amount) * share
        return started_at + used + _stood_still(pauses)
    if limit.amount == 1:
        due = _after(started_at, limit, 1, pauses, work)
        return start_of(wib_date(due)) + _NOON
    return _after(started_at, limit, max(1, int(share * limit.amount + _ROUNDING)), pauses, work)


def _after(
    started_at: datetime, limit: Limit, amount: int, pauses: Sequence[Pause], work: WorkDays
) -> datetime:
    if limit.unit == "hours":
        return started_at + timedelta(hours=amount) + _stood_still(pauses)
    start_on = wib_date(started_at)
    if limit.unit == "days":
        return end_of(start_on + timedelta(days=amount + _days_gained(pauses)))
    gained = sum(
        work.between(wib_date(pause.paused_at), wib_date(pause.resumed_at))
        for pause in pauses
        if pause.resumed_at is not None
    )
    return end_of(work.add(start_on, amount + gained))


def _is_paused(pauses: Sequence[Pause]) -> bool:
    return bool(pauses) and pauses[-1].resumed_at is None


def _stood_still(pauses: Sequence[Pause]) -> timedelta:
    stretches = (p.resumed_at - p.paused_at for p in pauses if p.resumed_at is not None)
    return sum(stretches, timedelta())


def _days_gained(pauses: Sequence[Pause]) -> int:
    return sum(
        (wib_date(p.resumed_at) - wib_date(p.paused_at)).days
        for p in pauses
        if p.resumed_at is not None
    )
