"""What routing reads of other services' events. No field tells who the reporter is."""

from aduan.contracts.values import (
    ClockState,
    MirrorKind,
    Moment,
    Nearest,
    PartnerSystem,
    ReplyKind,
    ReportClass,
    State,
    TimerName,
    View,
)


class OriginView(View):
    """Where a report came from, and what it passed."""

    system: str
    external_id: str
    hops: tuple[str, ...] = ()


class PlaceView(View):
    """Where it happened."""

    area_code: str | None = None
    lat: float | None = None
    lng: float | None = None
    text: str | None = None


class AttachmentView(View):
    """An image of the reporter; the bytes stay with intake."""

    id: str


class CreatedView(View):
    """complaint.created."""

    ticket: str
    origin: OriginView | None = None
    received_at: Moment
    occurred_on: str | None = None
    citizen_word: str | None = None
    class_hint: ReportClass | None = None
    category_hint: str | None = None
    opd_hint: str | None = None
    title: str | None = None
    text: str | None = None
    content_ref: str | None = None
    place: PlaceView = PlaceView()
    anonymous: bool
    confidential: bool
    attachments: tuple[AttachmentView, ...] = ()
    test: bool = False


class RepliedView(View):
    """complaint.replied."""

    reply_id: str
    kind: ReplyKind
    text: str | None = None
    content_ref: str | None = None
    rating: int | None = None
    attachments: tuple[AttachmentView, ...] = ()
    replied_at: Moment


class ClockLine(View):
    """One clock: whether it was missed, and still runs."""

    state: ClockState
    due_at: Moment | None = None
    ended_at: Moment | None = None


class ScheduledView(View):
    """sla.scheduled: the deadlines that a desk is sorted by."""

    clocks: tuple[ClockLine, ...] = ()

    nearest: Nearest | None = None


class ElapsedView(View):
    """sla.elapsed."""

    timer: TimerName
    started_at: Moment


class MirrorView(View):
    """mirror.changed."""

    system: PartnerSystem | None = None
    kind: MirrorKind
    remote_ticket: str | None = None
    raw_status: str | None = None
    status: State | None = None
    text: str | None = None
    content_ref: str | None = None
    remote_at: Moment | None = None
    reason_code: str | None = None
