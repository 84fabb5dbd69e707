"""One step of a case: the new document, and the one event that tells it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from aduan.clock import iso
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
from aduan_routing.domain.case import Rules, Seal, content_ref, keep, snapshot
from aduan_routing.domain.lifecycle import NOTES, Step

PARTNERS: Final[dict[str, str]] = {"laporgub": "LaporGub", "sp4n": "SP4N-LAPOR!"}


@dataclass(frozen=True, slots=True)
class Tools:
    """What a step needs beside the case. seal: for texts of confidential cases."""

    rules: Rules
    seal: Seal


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """Which office, and how it was chosen. confidence: 0..1."""

    opd: str
    method: AssignMethod = "person"
    confidence: float = 1.0
    copies: tuple[str, ...] = ()
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What goes with a step: words are plain and scrubbed; a confidential case keeps them back.

    answer_text with answer: its words and the rest of it. occurred_at: when not now.
    """

    by: ActorKind
    opd: str | None = None
    reason_code: str | None = None
    reason: str | None = None
    question: str | None = None
    answer: Answer | None = None
    follow_up: FollowUp | None = None
    reply_id: str | None = None
    partner: PartnerSystem | None = None
    origin: PartnerSystem | None = None
    assignment: Assignment | None = None
    occurred_at: datetime | None = None


def move(body: Body, step: Step, said: Said, now: datetime, tools: Tools) -> tuple[Body, Emit]:
    """Take one row of the table. Returns the whole new body and the event."""
    before: State | None = body["state"]
    to = step.to or before
    assert to is not None, "only the first step of a case has no state before it"
    changed = dict(body)
    if step.to is not None:
        changed |= _entering(body, step, said, now)
    before_opd = body["opd"]
    changed = _entered_into_history(changed, step.action, before, said, step.sentence, now, tools)
    assignment = said.assignment
    if assignment is not None and assignment.opd != before_opd:
        return changed, _assigned(changed, before_opd, assignment, tools)
    more = "" if body["confidential"] else _more(step, said)
    sentence = f"{step.sentence} {more}".strip()
    return changed, _progressed(changed, step.action, before, said, sentence)


def note(body: Body, name: str, said: Said, now: datetime, tools: Tools) -> tuple[Body, Emit]:
    """Make a public entry that is no step; see lifecycle.NOTES."""
    state: State = body["state"]
    changed = _entered_into_history(dict(body), name, state, said, NOTES[name], now, tools)
    return changed, _progressed(changed, name, state, said, NOTES[name])


def _entering(body: Body, step: Step, said: Said, now: datetime) -> dict[str, Any]:
    """Return what changes because a state is entered."""
    at = iso(now)
    state = step.to
    changed: dict[str, Any] = {"state": state, "entered_at": at, "entered_by": said.by}
    if state not in body["ever"]:
        changed["ever"] = [*body["ever"], state]
    if body["state"] == "closed":
        changed |= {"reopened_count": body["reopened_count"] + 1, "closed_at": None}
    changed["timer"] = None
    changed["asked_from"] = body["state"] if state == "awaiting_reporter" else None
    if state in ("triage", "forwarded"):
        changed["opd"] = None
    if state == "triage":
        changed |= {"archived_reason": None, "answered_by": None, "partner": None}
    elif state == "forwarded":
        changed |= {"partner": said.partner, "answered_by": None}
    elif state == "assigned":
        assert said.assignment is not None, "an assignment names its office"
        changed |= {
            "opd": said.assignment.opd,
            "copies": list(said.assignment.copies),
            "assigned_at": at,
            "accepted_at": None,
            "answered_by": None,
            "partner": None,
            "proposed": None,
        }
    elif state == "accepted":
        changed["accepted_at"] = at
    elif state == "answered":
        changed |= {"answered_at": at, "answered_by": said.origin}
    elif state == "closed":
        changed |= {"closed_at": at, "answered_by": said.origin or body["answered_by"]}
    elif state == "archived":
        changed["archived_reason"] = said.reason_code
    return changed


def _entered_into_history(
    body: dict[str, Any],
    action: str,
    before: State | None,
    said: Said,
    sentence: str,
    now: datetime,
    tools: Tools,
) -> dict[str, Any]:
    version = body["version"] + 1
    answer = said.answer.text if said.answer is not None else None
    words = said.question or answer or said.reason
    entry = {
        "at": iso(said.occurred_at or now),
        "action": action,
        "from": before,
        "to": body["state"],
        "by": said.by,
        "opd": said.opd,
        "sentence": sentence,
        "reason_code": said.reason_code,
        "more": keep(body, f"entry:{version}", words, tools.seal) if words else None,
    }
    return {**body, "version": version, "entries": [*body["entries"], entry]}


def _progressed(
    body: Body, action: str, before: State | None, said: Said, sentence: str
) -> Emit:
    hidden = body["confidential"]
    in_triage = body["state"] == "triage" and before != "triage"
    offered = body["decision"] if in_triage else {"suggestions": [], "reasons": []}
    data = ComplaintProgressed.model_validate(
        {
            "case": snapshot(body),
            "action": action,
            "from": before,
            "to": body["state"],
            "actor": Actor(kind=said.by, opd=said.opd),
            "reason_code": said.reason_code,
            "citizen_text": sentence,
            "question": None if hidden else said.question,
            "answer": _told(body, said.answer) if said.answer is not None else None,
            "follow_up": said.follow_up,
            "reply_id": said.reply_id,
            "partner": said.partner,
            "suggestions": suggestions_of(offered),
            "reasons": reasons_of(offered, hidden=hidden),
            "origin": said.origin,
        }
    )
    return Emit("complaint.progressed", data, occurred_at=said.occurred_at)


def _assigned(
    body: Body, previous: str | None, assignment: Assignment, tools: Tools
) -> Emit:
    hidden = body["confidential"]
    level = tools.rules.levels.get(assignment.opd, "opd")
    data = ComplaintAssigned(
        case=snapshot(body),
        opd=Office(code=assignment.opd, level=level),
        previous_opd=previous,
        copies=assignment.copies,
        method=assignment.method,
        confidence=assignment.confidence,
        reasons=reasons_of(body["decision"], hidden=hidden),
        suggestions=suggestions_of(body["decision"]),
        note=None if hidden else assignment.note,
    )
    return Emit("complaint.assigned", data)


def _told(body: Body, answer: Answer) -> Answer:
    if not body["confidential"]:
        return answer
    # A partner's answer stays with sync; ours is claimed here.
    ref = answer.content_ref or content_ref(body)
    evidence: tuple[EvidenceRef, ...] = ()
    return answer.model_copy(update={"text": None, "content_ref": ref, "evidence": evidence})


def _more(step: Step, said: Said) -> str:
    if not step.more:
        return ""
    return step.more.format(
        reason=said.reason or "",
        on=day_in_words(said.follow_up.on) if said.follow_up is not None else "",
        partner=PARTNERS.get(said.partner or "", ""),
    )


def suggestions_of(decision: Body) -> tuple[Suggestion, ...]:
    """Return the offices that a decision offers, best first."""
    return tuple(Suggestion.model_validate(one) for one in decision["suggestions"])


def reasons_of(decision: Body, *, hidden: bool) -> tuple[Reason, ...]:
    """Return why, without words when they must stay behind the door."""
    return tuple(
        Reason(code=one["code"], words=None if hidden else one.get("words"))
        for one in decision["reasons"]
    )
