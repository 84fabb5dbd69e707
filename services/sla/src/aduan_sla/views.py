"""What sla reads of other services' events: only what moves a clock."""

from pydantic import ConfigDict, Field

from aduan.contracts.values import ActorKind, Moment, ReportClass, State, View


class CreatedView(View):
    """complaint.created. test: a portal's trial; it gets no clocks."""

    ticket: str
    received_at: Moment
    class_hint: ReportClass | None = None
    test: bool = False


class RepliedView(View):
    """complaint.replied: only that something was said. Routing alone says what it means."""

    reply_id: str


class VerifiedView(View):
    """The fact that somebody verified the report."""

    at: Moment


class CaseView(View):
    """The snapshot of a case in every routing event."""

    model_config = ConfigDict(
        extra="ignore", frozen=True, validate_by_name=True, validate_by_alias=True
    )

    state: State
    report_class: ReportClass = Field(alias="class")
    class_confirmed: bool
    opd: str | None = None
    area: str | None = None
    answered_at: Moment | None = None
    verified: VerifiedView | None = None


class ActorView(View):
    """Who acted, as a kind."""

    kind: ActorKind


class FollowUpView(View):
    """The promised date of a conditional closing, in WIB."""

    on: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$")


class AssignedView(View):
    """complaint.assigned."""

    case: CaseView


class ProgressedView(View):
    """complaint.progressed."""

    case: CaseView
    actor: ActorView
    follow_up: FollowUpView | None = None
    reply_id: str | None = None
