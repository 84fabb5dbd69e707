"""What sla remembers of a case: the few facts that can move a clock.

The order of the facts is routing's `seq`, for routing is the one sequencer of a case; what is
compared with a due date is always when a fact occurred, never when it was read (DESIGN 6).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from aduan.clock import iso, parse_iso
from aduan.contracts.values import ReportClass
from aduan_sla.domain.policy import DEFAULT_CLASS, RECEIVED

JsonFact = Sequence[str | int | None]


@dataclass(frozen=True, slots=True)
class Opening:
    """The first fact of a case. class_hint: the citizen's word, until the class is confirmed."""

    received_at: datetime
    class_hint: ReportClass | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """One event of routing as far as clocks care.

    seq: its place in routing's stream. at: when it occurred; of a partner's answer, when the
    partner gave it. entered_at: when the state began for us (differs only for such an answer).
    report_class: None until a person confirmed it. opd: None while no office is responsible.
    debt_on: the promised WIB date, on entering conditionally_closed.
    """

    seq: int
    at: datetime
    state: str
    entered_at: datetime
    report_class: ReportClass | None = None
    opd: str | None = None
    debt_on: date | None = None

    def moves(self, before: "Fact | None") -> bool:
        """Say whether state, class or OPD differ from the fact before; all else sla ignores."""
        if before is None:
            return True
        mine = (self.state, self.report_class, self.opd)
        return mine != (before.state, before.report_class, before.opd)

    def dump(self) -> JsonFact:
        """Return the fact as a short JSON row; `parse` reads it."""
        return [
            self.seq,
            iso(self.at),
            self.state,
            None if self.entered_at == self.at else iso(self.entered_at),
            self.report_class,
            self.opd,
            self.debt_on.isoformat() if self.debt_on else None,
        ]


def parse(row: JsonFact) -> Fact:
    """Read what Fact.dump wrote."""
    seq, at, state, entered_at, report_class, opd, debt_on = row
    occurred = parse_iso(str(at))
    return Fact(
        seq=int(seq or 0),
        at=occurred,
        state=str(state),
        entered_at=parse_iso(str(entered_at)) if entered_at else occurred,
        report_class=report_class,  # type: ignore[arg-type]  # written by dump from a ReportClass
        opd=None if opd is None else str(opd),
        debt_on=date.fromisoformat(str(debt_on)) if debt_on else None,
    )


def effective_class(opening: Opening, fact: Fact | None) -> ReportClass:
    """Return the class that counts: confirmed, else hinted, else a complaint without oversight."""
    if fact is not None and fact.report_class is not None:
        return fact.report_class
    return opening.class_hint or DEFAULT_CLASS


def stage(fact: Fact | None) -> str:
    """Return the state of the case; `received` before routing has spoken."""
    return RECEIVED if fact is None else fact.state
