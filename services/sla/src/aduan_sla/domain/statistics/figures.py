"""Figures as sums over cases, kept up to date by the difference that an event makes.

A case is added with what it counts for now, and taken away with what it counted for before: an event
that says nothing new changes nothing, and the sums over several workers, each with cases of its own,
are the sums over all cases. Only running and last complete buckets are kept.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final, Literal, NamedTuple, get_args

from aduan_sla.domain.statistics.buckets import PERIODS, Period, live, start_of
from aduan_sla.domain.statistics.facts import CaseFacts
from aduan_sla.domain.statistics.labels import DIMENSIONS, Dimension, Labels

Figure = Literal[
    "inflow",
    "waiting",
    "answered",
    "owed",
    "responses",
    "response_seconds",
    "completions",
    "completion_seconds",
    "handle_in_time",
    "handle_late",
    "complete_in_time",
    "complete_late",
]
Stage = Literal["waiting", "answered", "owed"]
STAGES: Final[tuple[Stage, ...]] = ("waiting", "answered", "owed")
CaseState = Literal["counted", "test", "unopened"]
NOW: Final = "now"
# Open are all but these (DESIGN 5).
CLOSED: Final = frozenset(("closed", "rejected", "archived"))
# An hour has one or two complaints of a city: cut further, it would tell of single reports.
FINE: Final[Mapping[Dimension, tuple[Period, ...]]] = {
    name: PERIODS if name == "all" else ("day", "week") for name in DIMENSIONS
}


class Cell(NamedTuple):
    """One sum. period: `now` for a stock, which has no bucket; start: see buckets."""

    figure: Figure
    tenant: str
    dimension: Dimension
    value: str
    period: Period | Literal["now"]
    start: int


Sums = Mapping[Cell, int]


class _Event(NamedTuple):
    figure: Figure
    at: datetime
    amount: int = 1


def _events(facts: CaseFacts) -> Iterator[_Event]:
    opened = facts.opened
    assert opened is not None
    yield _Event("inflow", opened.received_at)
    if facts.responded_at is not None:
        yield _Event("responses", facts.responded_at)
        took = _seconds(opened.received_at, facts.responded_at)
        yield _Event("response_seconds", facts.responded_at, took)
    done = facts.answered
    if done is not None and facts.shown is not None and facts.shown.state in ("answered", "closed"):
        yield _Event("completions", done.at)
        yield _Event("completion_seconds", done.at, _seconds(opened.received_at, done.at))
    for one in facts.clocks.decided if facts.clocks is not None else ():
        if one.clock == "handle":
            yield _Event("handle_in_time" if one.in_time else "handle_late", one.at)
        else:
            yield _Event("complete_in_time" if one.in_time else "complete_late", one.at)


def _seconds(since: datetime, until: datetime) -> int:
    return max(0, int((until - since).total_seconds()))


def stage_of(facts: CaseFacts) -> Stage | None:
    """Return how an open case is open; None once it is not."""
    state = facts.shown.state if facts.shown is not None else "triage"
    if state in CLOSED:
        return None
    if state == "answered":
        return "answered"
    return "owed" if state == "conditionally_closed" else "waiting"


def state_of(facts: CaseFacts) -> CaseState:
    """Return whether a case counts, and if not, why."""
    if facts.opened is None:
        return "unopened"
    return "test" if facts.opened.test else "counted"


def counted(facts: CaseFacts | None, labels: Labels, kept: Mapping[Period, int]) -> Sums:
    """Return everything that a case counts for. kept: by period, the first bucket that is asked for."""
    found: Counter[Cell] = Counter()
    if facts is None or not facts.counts:
        return found
    where = labels.of(facts)
    stage = stage_of(facts)
    if stage is not None:
        for dimension, value in where.items():
            found[Cell(stage, facts.tenant, dimension, value, NOW, 0)] += 1
    for figure, at, amount in _events(facts):
        for period in PERIODS:
            start = start_of(at, period)
            if start < kept[period]:
                continue
            for dimension, value in where.items():
                if period in FINE[dimension]:
                    found[Cell(figure, facts.tenant, dimension, value, period, start)] += amount
    return found


class Figures:
    """The sums over some cases, for instance those of one partition."""

    def __init__(self, labels: Mapping[str, Labels], now: datetime) -> None:
        """labels: by tenant, of the tenants that are counted. now: no bucket before is kept."""
        self._labels = labels
        self._sums: Counter[Cell] = Counter()
        self._kept: dict[Period, int] = {}
        self.states: dict[CaseState, int] = dict.fromkeys(get_args(CaseState), 0)
        self.turn(now)

    def change(self, before: CaseFacts | None, after: CaseFacts) -> None:
        """A case counted for `before` and counts for `after`. None: it is new."""
        if before == after:
            return
        if before is not None:
            self.states[state_of(before)] -= 1
        self.states[state_of(after)] += 1
        labels = self._labels.get(after.tenant)
        if labels is None:
            return
        # What lies before the first bucket was dropped, or never added: it only ever moves forward.
        for cell, amount in counted(before, labels, self._kept).items():
            self._sums[cell] -= amount
        for cell, amount in counted(after, labels, self._kept).items():
            self._sums[cell] += amount

    def turn(self, now: datetime) -> None:
        """Drop the buckets before the last complete ones. A `now` that went back changes nothing."""
        first = {period: live(now, period)["previous"] for period in PERIODS}
        if all(self._kept.get(period, -1) >= start for period, start in first.items()):
            return
        for period, start in first.items():
            self._kept[period] = max(start, self._kept.get(period, start))
        gone = [c for c in self._sums if c.period != NOW and c.start < self._kept[c.period]]
        for cell in gone:
            del self._sums[cell]

    def sums(self) -> Sums:
        """Return the sums that are not zero; also for another thread than the one that counts."""
        copied = dict.copy(self._sums)  # in one step, as no iteration would be
        return {cell: amount for cell, amount in copied.items() if amount}


def together(parts: Iterable[Sums]) -> Sums:
    """Return the sums over all parts."""
    found: Counter[Cell] = Counter()
    for part in parts:
        found.update(part)
    return {cell: amount for cell, amount in found.items() if amount}
