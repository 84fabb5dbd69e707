"""What the HTTP side of sla answers."""

from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from aduan.contracts.values import Audience, ClockName, ClockView, Moment, Nearest, ReportClass
from aduan_sla.domain.policy import Confidence, Stage
from aduan_sla.domain.reckon import Unit


class _Shape(BaseModel):
    model_config = ConfigDict(frozen=True, validate_by_name=True, validate_by_alias=True)


class Notice(_Shape):
    """One notice that went out. level: 0 the breach, 1... its escalations.

    corrected: a fact that occurred before the due date has undone the breach.
    """

    kind: Literal["warn", "breach", "elapsed"]
    clock: ClockName
    instance: int
    due_at: Moment
    level: int
    told_at: Moment
    provisional: bool
    corrected: bool


class CaseClocks(_Shape):
    """All clocks of one case. nearest: the running one that ends first.

    sure: false when a due date lies in a year without cuti bersama data and may still move.
    """

    complaint_id: str
    ticket: str
    state: Stage
    opd: str | None
    report_class: ReportClass = Field(alias="class")
    received_at: Moment
    clocks: list[ClockView]
    nearest: Nearest | None
    sure: bool
    notices: list[Notice]


class CasePage(_Shape):
    """One page of a listing; `next` goes into `cursor`, null at the end."""

    items: list[CaseClocks]
    next: str | None


class PolicyShape(_Shape):
    """One policy row. amount counts in `unit`; effective_to null is open."""

    id: str
    version: str
    active: bool
    clock: str
    classes: list[ReportClass]
    scope: str
    amount: int
    unit: Unit
    start: str
    stop: list[str]
    pauses_in: list[str]
    restarts_on_new_opd: bool
    warn_share: float | None
    effective_from: date
    effective_to: date | None
    legal_basis: str
    confidence: Confidence


class EscalationShape(_Shape):
    """Whom a breach is told to: level 0 at once, the others `amount` after the missed due date."""

    level: int
    amount: int
    unit: Unit
    office: tuple[Audience, ...]
    coordinator: tuple[Audience, ...]


class PolicyPage(_Shape):
    """The tenant's rules as data, and which calendar counts the days."""

    tenant: str
    version: str
    calendar_version: str
    joint_leave_years: list[int]
    items: list[PolicyShape]
    escalations: list[EscalationShape]
