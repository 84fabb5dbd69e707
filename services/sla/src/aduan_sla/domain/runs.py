"""One instance of a clock while its facts are folded: how it pauses, changes and ends (DESIGN 6).

A run knows only facts, so whether it was missed follows from them: it is late when something
happens after its due date. Whether the miss was told already is kept elsewhere (telling.py).
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from aduan.contracts.values import ClockName
from aduan_sla.domain.calendar import Calendar
from aduan_sla.domain.policy import FINAL, Policy
from aduan_sla.domain.reckon import Pause, due_at, warn_at

Ending = Literal["met", "cancelled", "voided"]


@dataclass(slots=True)
class Run:
    """A started clock. due: None while paused or without limit; frozen once it was missed.

    known_at: the calendar as of then counts. superseded: a change of class gave its work to a
    later instance after it was missed.
    """

    name: ClockName
    number: int
    policy: Policy
    started_at: datetime
    known_at: datetime
    on: date | None = None
    pauses: list[Pause] = field(default_factory=list)
    due: datetime | None = None
    warn: datetime | None = None
    missed: bool = False
    superseded: bool = False
    ended_at: datetime | None = None
    ending: Ending | None = None

    @property
    def paused_at(self) -> datetime | None:
        """When it was paused, if it still is."""
        if self.pauses and self.pauses[-1].resumed_at is None:
            return self.pauses[-1].paused_at
        return None

    def reckon(self, calendar: Calendar) -> None:
        """Set due date and warning from start, limit and pauses; a missed one keeps its date."""
        if self.missed:
            return
        work = calendar.known_at(self.known_at)
        limit, share = self.policy.limit, self.policy.warn_share
        self.due = due_at(self.started_at, limit, self.pauses, work, self.on)
        self.warn = None
        if share is not None:
            self.warn = warn_at(self.started_at, limit, share, self.pauses, work)

    def note_time(self, at: datetime) -> None:
        """A fact occurred at `at`: after the due date it proves that the clock was missed."""
        if self.due is not None and at > self.due and self.ended_at is None:
            self.missed = True

    def pause(self, at: datetime, calendar: Calendar) -> None:
        """Stand still from `at`; at or before a missed due date this undoes the miss."""
        if self.paused_at is not None:
            return
        if self.due is not None and at <= self.due:
            self.missed = False
        self.pauses.append(Pause(at, None))
        self.reckon(calendar)

    def resume(self, at: datetime, calendar: Calendar) -> None:
        """Go on from `at`."""
        if self.paused_at is None:
            return
        self.pauses[-1] = Pause(self.paused_at, max(at, self.paused_at))
        self.reckon(calendar)

    def end(self, at: datetime, ending: Ending, calendar: Calendar) -> None:
        """End at `at`. At or before the due date it is in time, whenever we came to know it."""
        self.resume(at, calendar)
        self.missed = self.due is not None and at > self.due
        self.superseded = False
        self.ended_at = at
        self.ending = ending

    def lies_ahead(self, at: datetime, calendar: Calendar) -> bool:
        """Say whether, going on at `at`, there would be no limit or one that is not over yet."""
        pauses = [pause._replace(resumed_at=pause.resumed_at or at) for pause in self.pauses]
        work = calendar.known_at(self.known_at)
        due = due_at(self.started_at, self.policy.limit, pauses, work, self.on)
        return due is None or due > at

    def supersede(self, at: datetime) -> None:
        """Stop following a missed clock, because a later instance runs for its work."""
        self.superseded = True
        self.ended_at = at


def ending_on(policy: Policy, state: str) -> Ending | None:
    """Say how entering `state` ends a clock of this row; None when it runs on."""
    if state in policy.stop or (policy.stops_on_leaving and state != policy.start):
        return "met"
    if state in policy.void:
        return "voided"
    if state in policy.cancel or state in FINAL:
        return "cancelled"
    return None
