"""The first decision about a complaint: to an office at once, or to a person."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from aduan.clock import iso
from aduan.contracts.envelope import Emit
from aduan.contracts.values import ReportClass
from aduan.storage.port import Body
from aduan_routing.classify import Classifier, Decision, Reference, Report, may_assign
from aduan_routing.domain.case import OVERSIGHT, attend, close_door, owe_content
from aduan_routing.domain.lifecycle import step_for
from aduan_routing.domain.moves import Assignment, Said, Tools, move, note
from aduan_routing.views import CreatedView

RULE: Final = "rule:lexicon"


@dataclass(frozen=True, slots=True)
class Town:
    """What routing knows of one tenant."""

    reference: Reference
    classifier: Classifier
    tools: Tools


def opened(
    case_id: str, tenant: str, data: CreatedView, town: Town, now: datetime
) -> tuple[Body, Emit]:
    """Return the new case and its first event.

    Confidential and oversight cases always rest in triage with suggestions; nothing about the
    reporter is looked at.
    """
    decision = town.classifier.decide(_report(data))
    body = _new(case_id, tenant, data, town)
    body |= _decided(body, decision)
    if decision.emergency:
        body = attend(body, "emergency", now)
    if decision.oversight:
        body = close_door({**body, "oversight": True})
    if data.confidential and data.content_ref is not None:
        body = owe_content(body, "report", data.content_ref)
    if may_assign(decision, town.reference, confidential=body["confidential"]):
        step = step_for("assign_by_rule", "system", None)
        assert step is not None and decision.opd is not None
        body["verified"] = {"at": iso(now), "by": RULE}
        assignment = Assignment(
            opd=decision.opd, method=decision.method, confidence=decision.confidence
        )
        said = Said(by="system", assignment=assignment)
    else:
        step = step_for("open_in_triage", "system", None)
        assert step is not None
        said = Said(by="system", reason_code=_why(decision, confidential=body["confidential"]))
    return move(body, step, said, now, town.tools)


def read_content(
    body: Body, content: dict[str, Any], town: Town, now: datetime
) -> tuple[Body, tuple[Emit, ...]]:
    """Return a confidential case with suggestions, once its content was claimed.

    Automation may add a flag, never remove one; it never assigns such a case.
    """
    report = Report(
        text=content.get("text") or "",
        title=content.get("title"),
        place_text=content.get("place_text"),
        area_code=body["area"],
        lat=content.get("lat"),
        lng=content.get("lng"),
        citizen_word=body["citizen_word"],
        class_hint=body["class_hint"],
        category_hint=body["category_hint"],
        opd_hint=body["opd_hint"],
    )
    decision = town.classifier.decide(report)
    fresh = body["state"] == "triage" and not body["oversight"]
    found = _decided(body, decision)
    if body["class_confirmed"]:
        found = {"decision": found["decision"]}
    elif body["category"] is not None:
        found["category"] = body["category"]
    changed: Body = {**body, **found} if fresh else body
    if decision.emergency:
        changed = attend(changed, "emergency", now)
    if not decision.oversight or body["oversight"] or body["class_confirmed"]:
        return changed, ()
    changed, emit = note(
        {**changed, "oversight": True, "class": OVERSIGHT},
        "oversight_found",
        Said(by="system", reason_code="oversight"),
        now,
        town.tools,
    )
    return changed, (emit,)


def _report(data: CreatedView) -> Report:
    return Report(
        text=data.text or "",
        title=data.title,
        place_text=data.place.text,
        area_code=data.place.area_code,
        lat=data.place.lat,
        lng=data.place.lng,
        citizen_word=data.citizen_word,
        class_hint=data.class_hint,
        category_hint=data.category_hint,
        opd_hint=data.opd_hint,
    )


def _decided(body: Body, decision: Decision) -> dict[str, Any]:
    hidden = body["confidential"] or decision.oversight
    reasons = [
        {"code": code} if hidden else {"code": code, "words": words}
        for code, words in decision.reasons
    ]
    return {
        "class": decision.class_suggested,
        "category": decision.category,
        "area": decision.area,
        "decision": {
            "opd": decision.opd,
            "method": decision.method,
            "confidence": decision.confidence,
            "reasons": reasons,
            "suggestions": [
                {"opd": opd, "confidence": confidence} for opd, confidence in decision.suggestions
            ],
            "partner": decision.partner,
        },
    }


def _why(decision: Decision, *, confidential: bool) -> str:
    if decision.oversight:
        return "oversight"
    if confidential:
        return "confidential"
    return "other_body" if decision.partner is not None else "unsure"


def _new(case_id: str, tenant: str, data: CreatedView, town: Town) -> dict[str, Any]:
    hint: ReportClass | None = data.class_hint
    place = data.place.model_dump(exclude_none=True)
    return {
        "id": case_id,
        "tenant": tenant,
        "ticket": data.ticket,
        "inlet": data.inlet,
        "origin": data.origin.model_dump(mode="json") if data.origin is not None else None,
        "received_at": iso(data.received_at),
        "occurred_on": data.occurred_on,
        "citizen_word": data.citizen_word,
        "class_hint": hint,
        "category_hint": data.category_hint,
        "opd_hint": data.opd_hint,
        "title": data.title,
        "text": data.text,
        "place": place,
        "content_ref": data.content_ref,
        "attachments": len(data.attachments),
        "anonymous": data.anonymous,
        "confidential": data.confidential,
        "oversight": False,
        "oversight_unit": town.tools.rules.oversight,
        "version": 0,
        "state": None,
        "entered_at": iso(data.received_at),
        "entered_by": "system",
        "class_confirmed": False,
        "opd": None,
        "copies": [],
        "partner": None,
        "answered_by": None,
        "verified": None,
        "assigned_at": None,
        "accepted_at": None,
        "answered_at": None,
        "closed_at": None,
        "reopened_count": 0,
        "asked_from": None,
        "archived_reason": None,
        "proposed": None,
        "question": None,
        "answer": None,
        "follow_up": None,
        "timer": None,
        "nearest_due": None,
        "nearest_clock": None,
        "late": [],
        "mirror": None,
        "attention": [],
        "conflicts": 0,
        "contents": {},
        "fetches": [],
        "entries": [],
        "replies": {},
        "done": {},
        "ever": [],
    }


def town_of(reference: Reference, tools: Tools) -> Town:
    """Return a tenant ready to decide. The oversight unit and the levels come from its offices."""
    levels = {code: office.level for code, office in reference.offices.items()}
    rules = replace(tools.rules, oversight=reference.tenant.oversight, levels=levels)
    return Town(reference, Classifier(reference), replace(tools, rules=rules))
