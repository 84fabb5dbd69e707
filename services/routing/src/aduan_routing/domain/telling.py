"""What a step tells: the strict events of routing, without a word of a confidential case."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic_core import from_json

from aduan.contracts.events import ComplaintAssigned, ComplaintProgressed
from aduan.contracts.values import (
    Actor,
    ActorKind,
    Answer,
    AssignMethod,
    EvidenceRef,
    FollowUp,
    Office,
    PartnerSystem,
    Reason,
    State,
    Suggestion,
)
from aduan.storage.port import Body
from aduan_routing.domain.case import snapshot
from aduan_routing.domain.lifecycle import Step
from aduan_routing.domain.rules import Rules
from aduan_routing.domain.words import REASONS


@dataclass(frozen=True, slots=True)
class Who:
    """Who does it: a kind, the unit of an office, and the key that was used. Never a person."""

    kind: ActorKind
    opd: str | None = None
    key_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """What a step brings along.

    changes: further fields of the body. words: texts by name (answer, question, reason, note).
    public_reason: a reason that stands in the citizen's sentence. content_ref: where a partner's
    confidential answer lies. method, confidence: of an assignment. occurred_at: when the fact
    happened, if that is not now. since: when the state began for us; by default occurred_at.
    told_from: the state that was told last, where an effect is undone on the way.
    """

    changes: Mapping[str, Any] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    public_reason: str = ""
    reason_code: str | None = None
    reply_id: str | None = None
    answer_kind: str | None = None
    content_ref: str | None = None
    evidence: tuple[Mapping[str, Any], ...] = ()
    unit: str | None = None
    origin: PartnerSystem | None = None
    method: AssignMethod = "person"
    confidence: float = 1.0
    occurred_at: datetime | None = None
    since: datetime | None = None
    told_from: State | None = None


def progressed(
    body: Body,
    step: Step,
    before: State | None,
    to: State,
    who: Who,
    details: Details,
    sentence: str,
) -> ComplaintProgressed:
    """Return complaint.progressed about a body after its step."""
    closed_door = body["confidential"]
    decided = body["decision"] or {"suggestions": [], "reasons": []}
    is_new_triage = to == "triage" and before != "triage"
    return ComplaintProgressed.model_validate(
        {
            "case": snapshot(body),
            "action": step.action,
            "from": before,
            "to": to,
            "actor": Actor(kind=who.kind, opd=who.opd),
            "reason_code": details.reason_code,
            "citizen_text": sentence,
            "question": None if closed_door else details.words.get("question"),
            "answer": _answer(body, details),
            "follow_up": _follow_up(body) if to == "conditionally_closed" else None,
            "reply_id": details.reply_id,
            "partner": body["partner"] if to == "forwarded" else None,
            "suggestions": suggestions_of(decided) if is_new_triage else (),
            "reasons": reasons_of(body) if is_new_triage else (),
            "origin": details.origin,
        }
    )


def _answer(body: Body, details: Details) -> Answer | None:
    if details.answer_kind is None:
        return None
    if body["confidential"]:
        ref = details.content_ref or f"/v1/cases/{body['id']}/content"
        return Answer.model_validate(
            {"kind": details.answer_kind, "content_ref": ref, "unit": details.unit}
        )
    return Answer.model_validate(
        {
            "kind": details.answer_kind,
            "text": details.words.get("answer"),
            "content_ref": details.content_ref,
            "evidence": [
                EvidenceRef(id=proof["id"], sha256=proof["sha256"], public=True)
                for proof in details.evidence
            ],
            "unit": details.unit,
        }
    )


def _follow_up(body: Body) -> FollowUp:
    found = body["follow_up"]
    # The unit is an officer's free text; behind a closed door the code of the office will do.
    unit = (body["opd"] or "") if body["confidential"] else found["unit"]
    return FollowUp(on=found["on"], fiscal_year=found["fiscal_year"], unit=unit)


def assigned(body: Body, previous: str | None, rules: Rules, details: Details) -> ComplaintAssigned:
    """Return complaint.assigned about a body with a new office. previous: the office before."""
    decided = body["decision"] or {"suggestions": [], "reasons": []}
    office = rules.reference.offices[body["opd"]]
    closed_door = body["confidential"]
    return ComplaintAssigned(
        case=snapshot(body),
        opd=Office(code=office.code, level=office.level),
        previous_opd=previous,
        copies=tuple(body["copies"]),
        method=details.method,
        confidence=details.confidence,
        reasons=reasons_of(body),
        suggestions=suggestions_of(decided),
        note=None if closed_door else details.words.get("note"),
    )


def suggestions_of(decided: Mapping[str, Any]) -> tuple[Suggestion, ...]:
    """Return the offices that the rules would name."""
    return tuple(
        Suggestion(opd=opd, confidence=confidence) for opd, confidence in decided["suggestions"]
    )


def reasons_of(body: Body) -> tuple[Reason, ...]:
    """Return why; codes alone behind a closed door, for the words quote the report."""
    codes = body["decision"]["reasons"] if body["decision"] is not None else ()
    clear = body["words"].get(REASONS)
    words = from_json(clear) if clear is not None else [None] * len(codes)
    return tuple(Reason(code=code, words=said) for code, said in zip(codes, words, strict=True))
