"""Cases as they are shown over HTTP. Words of a confidential case stay where they are."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from aduan.clock import Clock
from aduan.contracts.values import PartnerSystem, ReportClass, State
from aduan.storage.port import Body
from aduan.web.keys import Principal
from aduan_routing.domain.commands import allowed_for
from aduan_routing.domain.fetching import report_in
from aduan_routing.domain.rules import Rules
from aduan_routing.domain.telling import Who, reasons_of


class _Shape(BaseModel):
    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)


class NearestShape(_Shape):
    """The deadline that ends first."""

    name: str
    due_at: str


class SuggestionShape(_Shape):
    """An office that may be the right one; confidence 0..1."""

    opd: str
    confidence: float


class ReasonShape(_Shape):
    """Why the rules think so."""

    code: str
    words: str | None = None


class ActorShape(_Shape):
    """Who did it, as a kind and a unit."""

    kind: str
    opd: str | None = None


class EntryShape(_Shape):
    """One thing that happened. words: by name (answer, question, reason, note, title, proposed)."""

    at: str
    action: str
    from_state: State | None = Field(alias="from")
    to_state: State = Field(alias="to")
    actor: ActorShape
    citizen_text: str
    reason_code: str | None = None
    reply_id: str | None = None
    words: dict[str, str]
    evidence: list[str]


class ReplyShape(_Shape):
    """What the reporter said, and what became of it."""

    reply_id: str
    kind: str
    at: str
    rating: int | None = None
    attachments: int = 0
    outcome: str
    text: str | None = None


class CaseItem(_Shape):
    """A case in a listing. title, text: null when confidential."""

    id: str
    ticket: str
    state: State
    report_class: ReportClass = Field(alias="class")
    class_confirmed: bool
    category: str | None
    physical: bool
    opd: str | None
    area: str | None
    partner: PartnerSystem | None
    title: str | None
    text: str | None
    place: dict[str, str | float]
    anonymous: bool
    confidential: bool
    oversight: bool
    verified: dict[str, str] | None
    received_at: str
    assigned_at: str | None
    accepted_at: str | None
    answered_at: str | None
    closed_at: str | None
    reopened_count: int
    copies: list[str]
    nearest: NearestShape | None
    proposed: str | None
    follow_up: dict[str, str | int] | None
    conflict: bool
    method: str
    confidence: float
    suggestions: list[SuggestionShape]
    allowed: list[str]
    version: int


class CaseFull(CaseItem):
    """A case with everything that happened. The words of a confidential one: see .../content."""

    reasons: list[ReasonShape]
    entries: list[EntryShape]
    replies: list[ReplyShape]
    mirrors: dict[str, Any]
    conflicts: list[dict[str, Any]]
    ever: list[State]
    test: bool


class CasePage(_Shape):
    """One page; next: the cursor of the following one."""

    items: list[CaseItem]
    next: str | None


class Content(_Shape):
    """The words of a case. words: by reference (entry-3-answer, reply-...)."""

    title: str | None
    text: str | None
    place_text: str | None
    lat: float | None
    lng: float | None
    words: dict[str, str]


_SAME: Final = (
    "ticket", "state", "class", "class_confirmed", "category", "opd", "area", "partner",
    "anonymous", "confidential", "oversight", "verified", "received_at", "assigned_at",
    "accepted_at", "answered_at", "closed_at", "reopened_count", "copies", "nearest", "proposed",
    "follow_up", "version",
)  # fmt: skip
_ENTRY: Final = (
    "at", "action", "from", "to", "actor", "citizen_text", "reason_code", "reply_id", "evidence",
)  # fmt: skip


def item(id: str, body: Body, who: Principal, clock: Clock, rules: Rules) -> dict[str, Any]:
    """Return a CaseItem as a dict."""
    clear = body["words"]
    report = report_in(clear)
    decided = body["decision"]
    viewer = Who("office", who.opd) if who.opd is not None else Who("coordinator")
    titled = [entry["n"] for entry in body["entries"] if "title" in entry["words"]]
    title = clear.get(f"entry-{titled[-1]}-title") if titled else report["title"]
    place = {"lat": report["lat"], "lng": report["lng"], "text": report["place_text"]}
    return {
        "id": id,
        **{name: body[name] for name in _SAME},
        "physical": rules.physical(body["category"]),
        "title": title,
        "text": report["text"],
        "place": {name: value for name, value in place.items() if value is not None},
        "conflict": bool(body["conflicts"]),
        "method": decided["method"],
        "confidence": decided["confidence"],
        "suggestions": [{"opd": opd, "confidence": sure} for opd, sure in decided["suggestions"]],
        "allowed": allowed_for(body, viewer, clock.now(), rules),
    }


def full(id: str, body: Body, who: Principal, clock: Clock, rules: Rules) -> dict[str, Any]:
    """Return a CaseFull as a dict."""
    clear = body["words"]
    return {
        **item(id, body, who, clock, rules),
        "reasons": [reason.model_dump() for reason in reasons_of(body)],
        "entries": [
            {**{name: entry[name] for name in _ENTRY}, "words": words_of(entry, clear)}
            for entry in body["entries"]
        ],
        "replies": [
            {**reply, "text": clear.get(f"reply-{reply['reply_id']}")} for reply in body["replies"]
        ],
        **{name: body[name] for name in ("mirrors", "conflicts", "ever", "test")},
    }


def words_of(entry: Mapping[str, Any], words: Mapping[str, str]) -> dict[str, str]:
    """Return the texts of an entry by their names, as far as they are readable."""
    refs = {name: f"entry-{entry['n']}-{name}" for name in entry["words"]}
    return {name: words[ref] for name, ref in refs.items() if ref in words}
