"""What a clock has to say, when, to whom, and what was said already (DESIGN 3 and 6).

A notice is told once per clock instance and due date. A breach that a late fact undoes is
corrected, never deleted; its record stays beside the correction.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from aduan.clock import iso, parse_iso
from aduan.contracts.values import Audience
from aduan_sla.domain.clocks import Clock
from aduan_sla.domain.policy import Rulebook
from aduan_sla.domain.reckon import due_at

Kind = Literal["warn", "breach", "elapsed"]
JsonTold = Sequence[str | int | bool | None]
_WITH_COORDINATOR = frozenset(("triage", "returned", "forwarded", "received"))


@dataclass(frozen=True, slots=True)
class Told:
    """One notice that went out. level: 0 the breach, 1... its escalations; 0 for other kinds."""

    kind: Kind
    clock: str
    number: int
    due_at: datetime
    level: int
    told_at: datetime
    provisional: bool = False
    corrected: bool = False

    def about(self, clock: Clock) -> bool:
        """Whether it was said of this clock with this due date, and still stands."""
        mine = (self.clock, self.number, self.due_at)
        return not self.corrected and mine == (clock.name, clock.number, clock.due_at)

    def dump(self) -> JsonTold:
        """Return a short JSON row; `parse` reads it."""
        where = (self.kind, self.clock, self.number, iso(self.due_at), self.level)
        return [*where, iso(self.told_at), self.provisional, self.corrected]


def parse(row: JsonTold) -> Told:
    """Read what Told.dump wrote."""
    kind, clock, number, due, level, told_at, provisional, corrected = row
    return Told(
        kind=kind,  # type: ignore[arg-type]  # written by dump from a Kind
        clock=str(clock),
        number=int(number or 0),
        due_at=parse_iso(str(due)),
        level=int(level or 0),
        told_at=parse_iso(str(told_at)),
        provisional=bool(provisional),
        corrected=bool(corrected),
    )


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that is to be said at `at`, if nothing happens before."""

    kind: Kind
    clock: Clock
    due_at: datetime
    at: datetime
    level: int = 0


def agenda(
    clocks: Sequence[Clock], told: Sequence[Told], rules: Rulebook, *, reply_waits: bool
) -> tuple[Notice, ...]:
    """Return all that is still to be said, by time.

    reply_waits: routing has not spoken about a reply yet, so no timer of the case elapses.
    Raises CalendarMissing.
    """
    found: list[Notice] = []
    for clock in clocks:
        said = {(one.kind, one.level) for one in told if one.about(clock)}
        if ("breach", 0) in said:
            said.add(("warn", 0))  # too late to warn
        notices = _timer(clock) if clock.policy.is_timer else _deadline(clock, rules)
        for notice in notices:
            blocked = notice.kind == "elapsed" and reply_waits
            if not blocked and (notice.kind, notice.level) not in said:
                found.append(notice)
    return tuple(sorted(found, key=lambda notice: (notice.at, notice.level)))


def _timer(clock: Clock) -> Iterator[Notice]:
    if clock.ended_at is None and clock.due_at is not None:
        yield Notice("elapsed", clock, clock.due_at, at=clock.due_at)


def _deadline(clock: Clock, rules: Rulebook) -> Iterator[Notice]:
    due = clock.due_at
    if due is None or (clock.ended_at is not None and not clock.missed):
        return
    if clock.warn_at is not None and not clock.missed:
        yield Notice("warn", clock, due, at=min(clock.warn_at, due))
    # Also of a clock that was stopped too late before anybody noticed: the miss is a fact.
    yield Notice("breach", clock, due, at=due)
    if clock.ended_at is not None:
        return
    after = [pause for pause in clock.pauses if pause.paused_at > due]
    for step in rules.escalations:
        work = rules.calendar.known_at(clock.known_at)
        at = due_at(due, step.after, after, work)
        if step.level > 0 and at is not None:
            yield Notice("breach", clock, due, at=at, level=step.level)


def due_now(notices: Sequence[Notice], through: datetime) -> tuple[Notice, ...]:
    """Return what is to be said when all facts up to `through` are known, in order of time.

    A warning whose due date passed as well is not given any more.
    """
    ready = (notice for notice in notices if notice.at <= through)
    return tuple(one for one in ready if one.kind != "warn" or one.due_at > through)


def next_at(notices: Sequence[Notice]) -> datetime | None:
    """Return when the case has something to say next."""
    return notices[0].at if notices else None


def correct(told: Sequence[Told], clocks: Sequence[Clock]) -> tuple[Told, ...]:
    """Return the record with every breach marked that the facts have undone."""
    return tuple(
        replace(one, corrected=True)
        if one.kind == "breach" and not one.corrected and not _stands(one, clocks)
        else one
        for one in told
    )


def _stands(breach: Told, clocks: Sequence[Clock]) -> bool:
    return any(breach.about(clock) and (clock.ended_at is None or clock.missed) for clock in clocks)


def audience(
    clock: Clock, state: str, opd: str | None, level: int, rules: Rulebook
) -> tuple[Audience, ...]:
    """Return who is told: the chain of the office, or the coordinator's while none works on it."""
    with_office = opd is not None and state not in _WITH_COORDINATOR
    chain = "office" if clock.policy.responsible == "office" and with_office else "coordinator"
    step = next(step for step in rules.escalations if step.level == level)
    return step.office if chain == "office" else step.coordinator
