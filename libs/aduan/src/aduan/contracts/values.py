"""The closed sets and small shapes that several events share (DESIGN 3)."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Final, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
)

from aduan.clock import iso


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


Moment = Annotated[
    AwareDatetime, AfterValidator(_utc), PlainSerializer(iso, return_type=str, when_used="json")
]
"""An aware moment; read from any zone, written as fixed-width UTC."""

State = Literal[
    "triage",
    "assigned",
    "accepted",
    "in_progress",
    "awaiting_reporter",
    "answered",
    "closed",
    "conditionally_closed",
    "returned",
    "forwarded",
    "rejected",
    "archived",
]
ReportClass = Literal[
    "aspirasi",
    "permintaan_informasi",
    "pengaduan_tidak_berkadar_pengawasan",
    "pengaduan_berkadar_pengawasan",
]
ReplyKind = Literal["reply", "supplement", "rating", "objection", "withdrawal"]
ActorKind = Literal["system", "coordinator", "office", "reporter", "partner"]
AssignMethod = Literal["rule", "person", "area", "mirror", "model"]
PartnerSystem = Literal["laporgub", "sp4n"]
ClockName = Literal[
    "verify",
    "forward",
    "first_follow_up",
    "handle",
    "complete",
    "auto_close",
    "debt",
    "reply_timeout",
]
ClockState = Literal["running", "paused", "met", "breached", "cancelled", "voided", "elapsed"]
TimerName = Literal["auto_close", "reply_timeout", "debt_due"]
MirrorKind = Literal[
    "linked",
    "held",
    "not_due",
    "status",
    "answer",
    "reroute_requested",
    "reopened",
    "failed",
]
Audience = Literal["reporter", "office", "office_head", "coordinator", "leadership"]

CANARY_TENANT: Final = "00.00"
"""The reserved tenant of the synthetic complaints (ADR 10): they are in no figure about complaints."""


def counted(tenants: Iterable[str]) -> tuple[str, ...]:
    """Return the tenants whose complaints count, in their order: all but the canary's."""
    return tuple(tenant for tenant in tenants if tenant != CANARY_TENANT)


class Written(BaseModel):
    """Base of everything that is written into an event: strict, frozen, no unknown field."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class View(BaseModel):
    """Base of a reader's narrow view of an event: only what it uses, the rest is ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Origin(Written):
    """Where a report came from: the identity for de-duplication and the way back for echo guards.

    hops: the systems it passed, oldest first.
    """

    system: str
    external_id: str
    hops: tuple[str, ...] = ()


class Place(Written):
    """Where it happened, as far as the citizen said. text is scrubbed; absent when confidential."""

    area_code: str | None = None
    lat: float | None = Field(default=None, ge=-90, le=90)
    lng: float | None = Field(default=None, ge=-180, le=180)
    text: str | None = None


class AttachmentRef(Written):
    """An image that belongs to a complaint or reply; the bytes stay with intake."""

    id: str
    media_type: str
    bytes: int
    sha256: str
    public: bool


class ReporterRef(Written):
    """Nothing but a pseudonym (per case) and the kinds of channel that can reach the reporter."""

    pseudonym: str
    reachable_by: tuple[Literal["email", "phone", "portal"], ...] = ()


class Verified(Written):
    """The fact that a case was verified: when, and by which officer role or model version."""

    at: Moment
    by: str


class Case(Written):
    """The snapshot of a case in every routing event. opd is empty in triage and forwarded."""

    version: int
    state: State
    report_class: ReportClass = Field(alias="class")
    class_confirmed: bool
    category: str | None = None
    opd: str | None = None
    area: str | None = None
    anonymous: bool
    confidential: bool
    oversight: bool
    origin: Origin | None = None
    verified: Verified | None = None
    received_at: Moment
    assigned_at: Moment | None = None
    accepted_at: Moment | None = None
    answered_at: Moment | None = None
    closed_at: Moment | None = None
    reopened_count: int = 0

    model_config = ConfigDict(
        extra="forbid", frozen=True, validate_by_name=True, validate_by_alias=True
    )


class Office(Written):
    """The responsible unit; level as in the tenant's directory (dinas, badan, kecamatan ...)."""

    code: str
    level: str


class Reason(Written):
    """Why a decision was taken: a stable code, and words for people (absent when confidential)."""

    code: str
    words: str | None = None


class Suggestion(Written):
    """An office that may be the right one, with the confidence 0..1 of the method."""

    opd: str
    confidence: float = Field(ge=0, le=1)


class Actor(Written):
    """Who acted, as a kind and a unit; never a person."""

    kind: ActorKind
    opd: str | None = None


class EvidenceRef(Written):
    """A proof of work; the bytes stay with routing."""

    id: str
    sha256: str
    public: bool


class Answer(Written):
    """The unit's answer. kind: final, interim, conditional or partner. text or content_ref."""

    kind: Literal["final", "interim", "conditional", "partner"]
    text: str | None = None
    content_ref: str | None = None
    evidence: tuple[EvidenceRef, ...] = ()
    unit: str | None = None


class FollowUp(Written):
    """What a conditional closing owes: a date in WIB, the fiscal year and the responsible unit."""

    on: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$")
    fiscal_year: int
    unit: str


class ClockView(Written):
    """One clock of a case. scope: sp4n, tenant code or ours; unit: working_days, hours or date."""

    name: ClockName
    instance: int
    policy: str
    policy_version: str
    scope: str
    unit: str
    state: ClockState
    started_at: Moment
    due_at: Moment | None = None
    paused_at: Moment | None = None
    ended_at: Moment | None = None


class Nearest(Written):
    """The clock that ends first and when."""

    name: ClockName
    due_at: Moment


class Correction(Written):
    """A breach that a fact which occurred before the due date has undone."""

    clock: ClockName
    instance: int
    due_at: Moment
