"""Taking one step of the table: the new body, its entry, and the event that tells it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aduan.clock import iso, parse_iso
from aduan.contracts.envelope import Emit
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
from aduan.web.pages.words import day_in_words
from aduan_routing.domain.case import snapshot
from aduan_routing.domain.lifecycle import CONFIDENTIAL_SENTENCE, Step, When
from aduan_routing.domain.rules import PARTNER_NAMES, Rules
from aduan_routing.domain.words import keep, settled


@dataclass(frozen=True, slots=True)
class Who:
    """Who does it: a kind, the unit of an office, and the key that was used. Never a person."""

    kind: ActorKind
    opd: str | None = None
    key_id: str | None = None


SYSTEM = Who("system")


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


PLAIN = Details()


def holds(body: Body, now: datetime, rules: Rules) -> frozenset[When]:
    """Return which conditions of the table hold of this case now."""
    found: set[When] = {"another_opd"}
    if body["archived_why"] == "reply_timeout":
        found.add("after_timeout")
    if body["answered_by"] == "partner":
        found.add("partner_answered")
    if body["came_from"] == "triage":
        found.add("came_from_triage")
    closed_at = body["closed_at"]
    if closed_at is not None and now - parse_iso(closed_at) <= rules.windows.objection:
        found.add("in_window")
    if body["conflicts"]:
        found.add("conflict")
    if body["verified"] is None or not body["class_confirmed"]:
        found.add("unsure_class")
    return frozenset(found)


def take(
    body: Body, step: Step, who: Who, now: datetime, rules: Rules, details: Details = PLAIN
) -> tuple[dict[str, Any], tuple[Emit, ...]]:
    """Return the body after a step and what it tells. The step was found in the table.

    Raises KeyError never for a body of ours; EventTooLarge comes later, from the envelope.
    """
    before: State | None = body["state"]
    opd_before = body["opd"]
    at = details.occurred_at or now
    to = _target(body, step)
    after: dict[str, Any] = {
        **body,
        **(_effects(body, to, now) if to != before or step.action == "assign" else {}),
        **details.changes,
        "state": to,
        "revision": body["revision"] + 1,
    }
    if to != before or step.action == "assign":
        after["state_since"] = iso(details.since or at)
    after = settled(after, rules.vault)
    if not step.says:
        return _with_entry(after, step, before, to, who, now, details, "", rules), ()
    after["version"] = body["version"] + 1
    sentence = _sentence(after, step, rules, who, details)
    before = details.told_from or before
    after = _with_entry(after, step, before, to, who, at, details, sentence, rules)
    if to == "assigned" and after["opd"] != opd_before:
        emit = Emit("complaint.assigned", _assigned(after, opd_before, rules, details))
    else:
        data = _progressed(after, step, before, to, who, details, sentence)
        occurred = details.occurred_at
        emit = Emit("complaint.progressed", data, occurred_at=occurred)
    return after, (emit,)


def _target(body: Body, step: Step) -> State:
    if step.to == "same":
        found: State = body["state"]
    elif step.to == "back":
        found = body["came_from"] or "in_progress"
    else:
        found = step.to
    return found


def _effects(body: Body, to: State, now: datetime) -> dict[str, Any]:
    """Return what entering a state means for the other fields, whoever caused it."""
    found: dict[str, Any] = {"effect": None}
    before = body["state"]
    if to == "assigned":
        found |= {"assigned_at": iso(now), "accepted_at": None, "proposed": None, "partner": None}
    if to == "accepted":
        found["accepted_at"] = iso(now)
    if to == "answered":
        found["answered_at"] = iso(now)
    if to in ("triage", "forwarded"):
        found |= {"opd": None, "proposed": None}
    if to == "awaiting_reporter":
        found["came_from"] = before
    if before == "awaiting_reporter":
        found["came_from"] = None
    if to == "closed":
        found["closed_at"] = iso(now)
    elif before == "closed":
        found |= {"closed_at": None, "reopened_count": body["reopened_count"] + 1}
    if before == "archived":
        found["archived_why"] = None
    if before == "conditionally_closed":
        found["follow_up"] = None
    found["ever"] = sorted({*body["ever"], to})
    return found


def _sentence(body: Body, step: Step, rules: Rules, who: Who, details: Details) -> str:
    if body["confidential"]:
        return CONFIDENTIAL_SENTENCE
    partner = PARTNER_NAMES.get(body["partner"] or details.origin or "laporgub", "sistem mitra")
    follow_up = body["follow_up"]
    return step.says.format(
        unit=rules.unit(who.opd if who.kind == "office" else body["opd"]),
        partner=partner,
        reason=details.public_reason,
        date=day_in_words(follow_up["on"]) if follow_up is not None else "",
    )


def _with_entry(
    body: Body,
    step: Step,
    before: State | None,
    to: State,
    who: Who,
    at: datetime,
    details: Details,
    sentence: str,
    rules: Rules,
) -> dict[str, Any]:
    number = len(body["entries"]) + 1
    entry = {
        "n": number,
        "at": iso(at),
        "action": step.action,
        "from": before,
        "to": to,
        "actor": {"kind": who.kind, "opd": who.opd},
        "key_id": who.key_id,
        "citizen_text": sentence,
        "reason_code": details.reason_code,
        "reply_id": details.reply_id,
        "content_ref": details.content_ref,
        "words": sorted(details.words),
        "evidence": [proof["id"] for proof in details.evidence],
    }
    after: dict[str, Any] = {**body, "entries": [*body["entries"], entry]}
    for name, text in details.words.items():
        after = keep(after, f"entry-{number}-{name}", text, rules.vault)
    return after


def _progressed(
    body: Body,
    step: Step,
    before: State | None,
    to: State,
    who: Who,
    details: Details,
    sentence: str,
) -> ComplaintProgressed:
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
            "reasons": reasons_of(decided, closed_door=closed_door) if is_new_triage else (),
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


def _assigned(
    body: Body, previous: str | None, rules: Rules, details: Details
) -> ComplaintAssigned:
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
        reasons=reasons_of(decided, closed_door=closed_door),
        suggestions=suggestions_of(decided),
        note=None if closed_door else details.words.get("note"),
    )


def suggestions_of(decided: Mapping[str, Any]) -> tuple[Suggestion, ...]:
    """Return the offices that the rules would name."""
    return tuple(
        Suggestion(opd=opd, confidence=confidence) for opd, confidence in decided["suggestions"]
    )


def reasons_of(decided: Mapping[str, Any], *, closed_door: bool) -> tuple[Reason, ...]:
    """Return why; codes alone behind a closed door, for the words quote the report."""
    return tuple(
        Reason(code=code, words=None if closed_door else words)
        for code, words in decided["reasons"]
    )
