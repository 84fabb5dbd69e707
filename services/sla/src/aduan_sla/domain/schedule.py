"""From facts and told notices to the clocks of a case, its nearest due date and its next tick."""

from dataclasses import dataclass, replace
from typing import Final

from aduan.contracts.values import ClockView
from aduan_sla.domain.calendar import Calendar, wib_date
from aduan_sla.domain.case import SlaCase, nearest, view
from aduan_sla.domain.clocks import Clock, fold
from aduan_sla.domain.policy import Rulebook
from aduan_sla.domain.telling import Notice, Told, agenda, correct, next_at

PUBLISHED: Final = 120  # about 330 bytes each, and an event holds 64 KB


@dataclass(frozen=True, slots=True)
class Schedule:
    """A case reckoned anew. undone: the notices of breaches that facts have undone now.

    notices: all that the case still has to say, by time.
    """

    case: SlaCase
    undone: tuple[Told, ...]
    notices: tuple[Notice, ...]


def reschedule(case: SlaCase, rules: Rulebook) -> Schedule:
    """Return the case with its clocks as its facts and the rules say. Raises CalendarMissing."""
    clocks = fold(case.opening, case.facts, rules)
    told = correct(case.told, clocks)
    undone = tuple(new for old, new in zip(case.told, told, strict=True) if old != new)
    views = published([view(clock, told) for clock in clocks])
    notices = agenda(clocks, told, rules, reply_waits=bool(case.waiting_replies))
    reckoned = replace(
        case,
        told=told,
        clocks=views,
        nearest=nearest(views),
        next_at=next_at(notices),
        data_version=rules.data_version,
        is_sure=all(_is_sure(clock, rules.calendar) for clock in clocks),
    )
    return Schedule(reckoned, undone, notices)


def published(views: list[ClockView]) -> tuple[ClockView, ...]:
    """Return what of a case's clocks is published: all, as long as one event can hold them.

    Of a case that was handed around some fifty times, the oldest ended instances are left out.
    """
    surplus = len(views) - PUBLISHED
    kept: list[ClockView] = []
    for one in views:
        if surplus > 0 and one.ended_at is not None:
            surplus -= 1
        else:
            kept.append(one)
    return tuple(kept)


def _is_sure(clock: Clock, calendar: Calendar) -> bool:
    counted = clock.policy.limit.unit == "working_days" and clock.ended_at is None
    if not counted or clock.due_at is None:
        return True
    return calendar.is_sure(wib_date(clock.started_at), wib_date(clock.due_at))
