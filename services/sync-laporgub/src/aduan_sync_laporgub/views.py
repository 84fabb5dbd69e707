"""What this service reads of the events of others: nothing more than it uses."""

from pydantic import Field

from aduan.contracts.values import Moment, PartnerSystem, ReportClass, State, View


class OriginView(View):
    """Where the report came from."""

    system: str
    external_id: str
    hops: tuple[str, ...] = ()


class PlaceView(View):
    """Where it happened, in words."""

    text: str | None = None


class CreatedView(View):
    """complaint.created."""

    ticket: str
    origin: OriginView | None = None
    received_at: Moment
    occurred_on: str | None = None
    class_hint: ReportClass | None = None
    title: str | None = None
    text: str | None = None
    content_ref: str | None = None
    place: PlaceView = PlaceView()
    anonymous: bool
    confidential: bool
    test: bool = False


class CaseView(View):
    """The snapshot that routing puts into each of its events."""

    version: int
    state: State
    report_class: ReportClass = Field(alias="class")
    category: str | None = None
    anonymous: bool
    confidential: bool
    oversight: bool


class AnswerView(View):
    """An answer; text is absent when the case is confidential."""

    text: str | None = None


class AssignedView(View):
    """complaint.assigned."""

    case: CaseView


class ProgressedView(View):
    """complaint.progressed. origin: the partner that caused it."""

    case: CaseView
    action: str
    from_state: State | None = Field(default=None, alias="from")
    to_state: State = Field(alias="to")
    citizen_text: str
    answer: AnswerView | None = None
    partner: PartnerSystem | None = None
    origin: PartnerSystem | None = None
