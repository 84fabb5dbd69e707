"""The clocks of a case as a pure fold of its facts (DESIGN 6).

What starts, pauses, stops and restarts a clock stands in its policy row; this module only applies
the rows to the facts. It holds no `now`: the same facts give the same clocks, in whatever order and
however late they were read.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from aduan.contracts.values import ClockName, ReportClass
from aduan_sla.domain.facts import Fact, Opening, effective_class, stage
from aduan_sla.domain.policy import RECEIVED, Policy, Rulebook
from aduan_sla.domain.reckon import Pause
from aduan_sla.domain.runs import Ending, Run, ending_on


@dataclass(frozen=True, slots=True)
class Clock:
    """One instance of a clock as the facts show it.

    due_at: None while it is paused. missed: a fact after due_at proves the breach (or, of a timer,
    that it ran out); an open clock can be overdue without such a fact.
    known_at: the calendar as of then was used.
    """

    name: ClockName
    number: int
    policy: Policy
    started_at: datetime
    due_at: datetime | None
    warn_at: datetime | None
    paused_at: datetime | None
    ended_at: datetime | None
    ending: Ending | None
    missed: bool
    known_at: datetime
    pauses: tuple[Pause, ...]


def fold(opening: Opening, facts: Iterable[Fact], rules: Rulebook) -> tuple[Clock, ...]:
    """Return every clock of a case that has a limit, in the order in which they began.

    facts: in any order. Raises CalendarMissing when a deadline leaves the calendar.
    """
    case = _Fold(opening, rules)
    for step in _in_order(facts, rules.calendar.changes):
        if isinstance(step, Fact):
            case.apply(step)
        else:
            case.amend(step)
    return tuple(_seen(run) for run in case.runs if run.policy.limit.unit != "none")


def _in_order(facts: Iterable[Fact], changes: Sequence[datetime]) -> Iterator[Fact | datetime]:
    left = list(changes)
    for fact in sorted(facts, key=lambda fact: fact.seq):
        while left and left[0] < fact.at:
            yield left.pop(0)
        yield fact
    yield from left


class _Fold:
    def __init__(self, opening: Opening, rules: Rulebook) -> None:
        self._opening = opening
        self._rules = rules
        self._last: Fact | None = None
        self._office: str | None = None
        self._class = effective_class(opening, None)
        self.runs: list[Run] = []
        for name in rules.beginning.get(RECEIVED, ()):
            row = rules.row(name, self._class, opening.received_at)
            if row is not None and row.start == RECEIVED:
                self._start(name, row, opening.received_at)

    def apply(self, fact: Fact) -> None:
        for run in self.runs:
            run.note_time(fact.at)
        report_class = effective_class(self._opening, fact)
        if report_class != self._class:
            self._class = report_class
            self._reclassify(report_class, fact.at)
        origin = stage(self._last)
        if fact.state != origin:
            self._enter(origin, fact)
        self._begin(origin, fact)
        self._office = fact.opd or self._office
        self._last = fact

    def amend(self, at: datetime) -> None:
        """The calendar changed at `at`: open clocks that were not missed by then are recomputed."""
        for run in self._open():
            run.note_time(at)
            if at > run.known_at:
                run.known_at = at
                run.reckon(self._rules.calendar)

    def _open(self) -> list[Run]:
        return [run for run in self.runs if run.ended_at is None]

    def _start(self, name: ClockName, row: Policy, at: datetime, fact: Fact | None = None) -> None:
        number = 1 + sum(run.name == name for run in self.runs)
        on = fact.debt_on if fact is not None else None
        run = Run(name, number, row, started_at=at, known_at=at, on=on)
        run.reckon(self._rules.calendar)
        self.runs.append(run)

    def _enter(self, origin: str, fact: Fact) -> None:
        calendar = self._rules.calendar
        for run in self.runs:
            ending = ending_on(run.policy, fact.state)
            if run.superseded and ending == "met" and run.due is not None and fact.at <= run.due:
                run.end(fact.at, ending, calendar)  # the stop was earlier than the change of class
            if run.ended_at is not None:
                continue
            if origin in run.policy.pauses_in and fact.state not in run.policy.pauses_in:
                run.resume(fact.at, calendar)
            if ending is not None:
                run.end(fact.at, ending, calendar)
            elif fact.state in run.policy.pauses_in:
                run.pause(fact.at, calendar)

    def _begin(self, origin: str, fact: Fact) -> None:
        entered = fact.state != origin
        new_office = fact.opd is not None and fact.opd != self._office
        for name in self._rules.beginning.get(fact.state, ()):
            row = self._rules.row(name, self._class, fact.entered_at)
            if row is None:
                continue
            running = [run for run in self._open() if run.name == name]
            if row.start == fact.state and row.restarts_on_new_opd and new_office:
                for run in running:
                    run.end(fact.at, "cancelled", self._rules.calendar)
                self._start(name, row, fact.entered_at, fact)
            elif entered and not running and self._starts(row, origin, fact.state):
                self._start(name, row, fact.entered_at, fact)

    @staticmethod
    def _starts(row: Policy, origin: str, state: str) -> bool:
        return row.start == state or any(arrow.fits(origin, state) for arrow in row.again_on)

    def _reclassify(self, report_class: ReportClass, at: datetime) -> None:
        for run in self._open():
            row = self._rules.row(run.name, report_class, run.started_at)
            if row is None or row is run.policy:
                continue
            if not run.missed:
                run.policy = row
                run.reckon(self._rules.calendar)
                continue
            number = 1 + sum(other.name == run.name for other in self.runs)
            successor = Run(run.name, number, row, run.started_at, known_at=at, on=run.on)
            successor.pauses = list(run.pauses)
            if successor.lies_ahead(at, self._rules.calendar):
                run.supersede(at)
                successor.reckon(self._rules.calendar)
                self.runs.append(successor)


def _seen(run: Run) -> Clock:
    return Clock(
        name=run.name,
        number=run.number,
        policy=run.policy,
        started_at=run.started_at,
        due_at=run.due,
        warn_at=run.warn,
        paused_at=run.paused_at if run.ended_at is None else None,
        ended_at=run.ended_at,
        ending=run.ending,
        missed=run.missed,
        known_at=run.known_at,
        pauses=tuple(run.pauses),
    )
