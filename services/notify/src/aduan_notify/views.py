"""What this service reads of the events of others: nothing more than it uses, and no free text."""

from pydantic import Field

from aduan.contracts.values import (
    ActorKind,
    Audience,
    ClockName,
    MirrorKind,
    Moment,
    PartnerSystem,
    ReportClass,
    State,
    TimerName,
    View,
)

OVERSIGHT: ReportClass = "pengaduan_berkadar_pengawasan"


class ReporterView(View):
    """By which kinds of channel intake could reach the reporter."""

    reachable_by: tuple[str, ...] = ()


class CreatedView(View):
    """complaint.created."""

    ticket: str
    received_at: Moment
    class_hint: ReportClass | None = None
    anonymous: bool
    confidential: bool
    reporter: ReporterView = ReporterView()
    test: bool = False


class CaseView(View):
    """The snapshot that routing puts into each of its events."""

    state: State
    report_class: ReportClass = Field(alias="class")
    opd: str | None = None
    confidential: bool
    oversight: bool


class OfficeView(View):
    """The responsible unit."""

    code: str


class AssignedView(View):
    """complaint.assigned."""

    case: CaseView
    opd: OfficeView


class ActorView(View):
    """Who acted."""

    kind: ActorKind
    opd: str | None = None


class FollowUpView(View):
    """The date and the budget year of a promise."""

    on: str
    fiscal_year: int


class ProgressedView(View):
    """complaint.progressed."""

    case: CaseView
    action: str
    from_state: State | None = Field(default=None, alias="from")
    to_state: State = Field(alias="to")
    actor: ActorView
    reason_code: str | None = None
    follow_up: FollowUpView | None = None
    partner: PartnerSystem | None = None
    origin: PartnerSystem | None = None


class WarnedView(View):
    """sla.warned, and what sla.breached has in common with it."""

    clock: ClockName
    due_at: Moment
    audience: tuple[Audience, ...]
    opd: str | None = None
    report_class: ReportClass = Field(alias="class")


class BreachedView(WarnedView):
    """sla.breached."""

    level: int


class ElapsedView(View):
    """sla.elapsed."""

    timer: TimerName
    due_at: Moment


class MirrorView(View):
    """mirror.changed."""

    system: PartnerSystem | None = None
    kind: MirrorKind
