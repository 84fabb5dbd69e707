"""Tells the life of a case in WIB, as a clerk would write it down, and asks its clocks."""

from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

from aduan.clock import WIB
from aduan.contracts.values import ReportClass
from aduan_sla.adapters.reference import load_rulebook
from aduan_sla.domain.calendar import Amendment, build
from aduan_sla.domain.clocks import Clock, fold
from aduan_sla.domain.facts import Fact, Opening, parse
from aduan_sla.domain.policy import Rulebook

REFERENCE = Path(__file__).resolve().parents[2] / "reference"


def wib(text: str) -> datetime:
    """Read `2026-03-02 09:00` (or with seconds) as WIB; return UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=WIB).astimezone(UTC)


def in_wib(moment: datetime | None) -> str | None:
    """Write a moment as `2026-03-02 09:00` in WIB; None stays None."""
    return None if moment is None else f"{moment.astimezone(WIB):%Y-%m-%d %H:%M}"


@cache
def semarang() -> Rulebook:
    """Return the rules of Kota Semarang as they are shipped."""
    return load_rulebook(REFERENCE, "33.74")


def amended(on: str, decided_on: str, *, working: bool = False) -> Rulebook:
    """Return Semarang's rules with one amendment of the calendar."""
    rules = semarang()
    base = rules.calendar.variants[0]
    span = range(base.first.toordinal(), base.last.toordinal() + 1)
    working_days = set(base.days)
    off = [date.fromordinal(day) for day in span if day not in working_days]
    change = Amendment(
        on=date.fromisoformat(on),
        working=working,
        name="Libur lokal",
        author="Bagian Organisasi",
        reason="Keputusan Wali Kota",
        decided_on=date.fromisoformat(decided_on),
    )
    calendar = build(
        f"{rules.calendar.version}+1",
        base.first.year,
        base.last.year,
        off,
        [date(year, 1, 1) for year in rules.calendar.joint_leave_years],
        [change],
    )
    return replace(rules, calendar=calendar)


class Story:
    """One case. Every `then` is one event of routing, in its order."""

    def __init__(
        self, received: str, hint: ReportClass | None = None, rules: Rulebook | None = None
    ) -> None:
        self.opening = Opening(wib(received), hint)
        self.rules = rules or semarang()
        self.facts: list[Fact] = []

    def then(
        self,
        at: str,
        state: str,
        opd: str | None = "",
        confirmed: ReportClass | None = None,
        debt_on: str | None = None,
        published: str | None = None,
    ) -> "Story":
        """Add what happened at `at`; opd "" keeps the office. published: of a partner's answer."""
        last = self.facts[-1] if self.facts else None
        kept = last.opd if last is not None else None
        self.facts.append(
            Fact(
                seq=len(self.facts) + 1,
                at=wib(at),
                state=state,
                entered_at=wib(published or at),
                report_class=confirmed or (last.report_class if last else None),
                opd=kept if opd == "" else opd,
                debt_on=date.fromisoformat(debt_on) if debt_on else None,
            )
        )
        return self

    def clocks(self) -> tuple[Clock, ...]:
        """Fold what happened, through the form in which it is stored."""
        return fold(self.opening, [parse(fact.dump()) for fact in self.facts], self.rules)

    def clock(self, name: str, number: int = 1) -> Clock:
        """Return one instance. Raises AssertionError when there is none."""
        for clock in self.clocks():
            if (clock.name, clock.number) == (name, number):
                return clock
        raise AssertionError(f"no {name} {number}")

    def count(self, name: str) -> int:
        """Return how many instances a clock had."""
        return sum(clock.name == name for clock in self.clocks())

    def due(self, name: str, number: int = 1) -> str | None:
        """Return an instance's due date as a clerk reads it."""
        return in_wib(self.clock(name, number).due_at)


def how(clock: Clock) -> str:
    """Say in one word how the facts leave a clock."""
    if clock.missed:
        return "missed"
    if clock.ending is not None:
        return clock.ending
    return "paused" if clock.paused_at is not None else "running"
