"""The events as they are written: strict models, one per topic (DESIGN 3).

No event carries the reporter's identity, a phone number or a NIK. When a case is confidential, its
title, text, place.text, lat/lng, note, words in reasons, question and answer text and the ids of
evidence and attachments stay behind `content_ref`.
"""

from pydantic import Field

from aduan.contracts.values import (
    Actor,
    Answer,
    AssignMethod,
    AttachmentRef,
    Audience,
    Case,
    ClockName,
    ClockView,
    Correction,
    FollowUp,
    MirrorKind,
    Moment,
    Nearest,
    Office,
    Origin,
    PartnerSystem,
    Place,
    Reason,
    ReplyKind,
    ReportClass,
    ReporterRef,
    State,
    Suggestion,
    TimerName,
    Written,
)

TEXT_LIMIT = 10_000
DATA_LIMIT = 64 * 1024


class ComplaintCreated(Written):
    """A complaint was acknowledged. received_at is our clock, reported_at the portal's claim.

    text is scrubbed; absent when confidential, then content_ref names where to claim it.
    test: a portal's trial; answered alike, never counted, never sent to an office or partner.
    scrubbed: how many numbers of each kind were masked.
    """

    ticket: str
    portal: str
    inlet: str
    origin: Origin | None = None
    received_at: Moment
    reported_at: Moment | None = None
    occurred_on: str | None = Field(default=None, pattern=r"^\d{4}-\d{2}-\d{2}$")
    citizen_word: str | None = None
    class_hint: ReportClass | None = None
    category_hint: str | None = None
    opd_hint: str | None = None
    title: str | None = None
    text: str | None = Field(default=None, max_length=TEXT_LIMIT)
    content_ref: str | None = None
    place: Place = Place()
    anonymous: bool
    confidential: bool
    flags_complete: bool
    attachments: tuple[AttachmentRef, ...] = ()
    reporter: ReporterRef
    scrubbed: dict[str, int] = Field(default_factory=dict)
    test: bool = False


class ComplaintReplied(Written):
    """The reporter said something more. by: reporter, portal or partner."""

    reply_id: str
    kind: ReplyKind
    text: str | None = Field(default=None, max_length=TEXT_LIMIT)
    content_ref: str | None = None
    rating: int | None = Field(default=None, ge=1, le=5)
    attachments: tuple[AttachmentRef, ...] = ()
    replied_at: Moment
    by: str


class ComplaintAssigned(Written):
    """A new office is responsible. Written if and only if the responsible OPD changes to one."""

    case: Case
    opd: Office
    previous_opd: str | None = None
    copies: tuple[str, ...] = ()
    method: AssignMethod
    confidence: float = Field(ge=0, le=1)
    reasons: tuple[Reason, ...] = ()
    suggestions: tuple[Suggestion, ...] = Field(default=(), max_length=3)
    note: str | None = None


class ComplaintProgressed(Written):
    """Any other transition or public entry of a case. citizen_text is Bahasa Indonesia.

    origin: the partner that caused it, so that it is never pushed back there.
    suggestions: offered to the coordinator when the case rests in triage.
    """

    case: Case
    action: str
    from_state: State | None = Field(default=None, alias="from")
    to_state: State = Field(alias="to")
    actor: Actor
    reason_code: str | None = None
    citizen_text: str
    question: str | None = None
    answer: Answer | None = None
    follow_up: FollowUp | None = None
    reply_id: str | None = None
    partner: PartnerSystem | None = None
    suggestions: tuple[Suggestion, ...] = Field(default=(), max_length=3)
    reasons: tuple[Reason, ...] = ()
    origin: PartnerSystem | None = None

    model_config = Case.model_config


class SlaScheduled(Written):
    """All clocks of a case, and the one that ends first. cause: the event id that changed them."""

    clocks: tuple[ClockView, ...]
    nearest: Nearest | None = None
    cause: str
    corrects: tuple[Correction, ...] = ()


class _ClockNotice(Written):
    clock: ClockName
    instance: int
    policy: str
    policy_version: str
    legal_basis: str
    due_at: Moment
    audience: tuple[Audience, ...]
    opd: str | None = None
    area: str | None = None
    report_class: ReportClass = Field(alias="class")
    state: State | None = None

    model_config = Case.model_config


class SlaWarned(_ClockNotice):
    """A clock has used `share` (0..1) of its time."""

    share: float


class SlaBreached(_ClockNotice):
    """A deadline was missed (level 0) or its escalation is due (level 1...).

    provisional: fired before the service could be sure that no stop is on its way.
    """

    detected_at: Moment
    level: int = Field(ge=0)
    provisional: bool = False


class SlaElapsed(Written):
    """A timer ran out. Routing acts only if the case still is in the state entered at started_at."""

    timer: TimerName
    instance: int
    started_at: Moment
    due_at: Moment


class MirrorChanged(Written):
    """What a partner system has, says or refuses. kind tells which of the fields are filled."""

    system: PartnerSystem | None = None
    kind: MirrorKind
    remote_ticket: str | None = None
    raw_status: str | None = None
    status: State | None = None
    text: str | None = Field(default=None, max_length=TEXT_LIMIT)
    content_ref: str | None = None
    remote_at: Moment | None = None
    remote_key: str | None = None
    hops: tuple[str, ...] = ()
    reason_code: str | None = None
