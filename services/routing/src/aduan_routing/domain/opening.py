"""The first step of a case: to an office by a rule that is sure enough, or to a person."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic_core import to_json

from aduan.clock import iso
from aduan.contracts.envelope import Emit
from aduan.storage.port import Body
from aduan_routing.classify import Decision, Report, may_assign
from aduan_routing.domain.lifecycle import LIFECYCLE, find
from aduan_routing.domain.moving import SYSTEM, take
from aduan_routing.domain.rules import Rules
from aduan_routing.domain.telling import Details
from aduan_routing.domain.words import REASONS, keep


def opened(
    body: Body, report: Report, now: datetime, rules: Rules
) -> tuple[dict[str, Any], tuple[Emit, ...]]:
    """Return the case after the decision about a new complaint. body: as `new_body` gave it.

    Confidential and oversight cases always go to a person, with suggestions.
    """
    decision = rules.classifier.decide(report)
    oversight = decision.oversight
    body = {
        **body,
        "class": "pengaduan_berkadar_pengawasan" if oversight else decision.class_suggested,
        "category": decision.category,
        "area": decision.area,
        "oversight": oversight,
        # "Berkadar pengawasan" implies that the content is nobody else's business.
        "confidential": body["confidential"] or oversight,
        "decision": _kept(decision),
    }
    body = _with_reasons(body, decision, rules)
    sure = may_assign(decision, rules.reference, confidential=body["confidential"])
    to = "assigned" if sure else "triage"
    step = next(step for step in LIFECYCLE if step.action == "decide" and step.to == to)
    changes: dict[str, Any] = {}
    if sure:
        changes = {"opd": decision.opd, "verified": {"at": iso(now), "by": "rule"}}
    details = Details(changes=changes, method=decision.method, confidence=decision.confidence)
    return take(body, step, SYSTEM, now, rules, details)


def reconsidered(
    body: Body, report: Report, now: datetime, rules: Rules
) -> tuple[dict[str, Any], tuple[Emit, ...]]:
    """Return the case with better suggestions, now that its confidential content is known.

    A rule may add the oversight flag, never remove one, and never sends the case anywhere.
    """
    decision = rules.classifier.decide(report)
    if body["state"] != "triage":
        return dict(body), ()
    body = {
        **body,
        "decision": _kept(decision),
        "category": body["category"] if body["class_confirmed"] else decision.category,
    }
    body = _with_reasons(body, decision, rules)
    step = find("flag", body["state"], "system")
    if step is None or not decision.oversight or body["oversight"]:
        return body, ()
    changes: dict[str, Any] = {"oversight": True}
    if not body["class_confirmed"]:
        changes["class"] = "pengaduan_berkadar_pengawasan"
    return take(body, step, SYSTEM, now, rules, Details(changes=changes))


def _with_reasons(body: Body, decision: Decision, rules: Rules) -> dict[str, Any]:
    """Keep the words of the reasons where the words of the report are: they quote it."""
    words = [words for _, words in decision.reasons]
    return keep(body, REASONS, to_json(words).decode(), rules.vault)


def _kept(decision: Decision) -> Mapping[str, Any]:
    return {
        "opd": decision.opd,
        "method": decision.method,
        "confidence": decision.confidence,
        "partner": decision.partner,
        "emergency": decision.emergency,
        "reasons": [code for code, _ in decision.reasons],
        "suggestions": [list(one) for one in decision.suggestions],
    }
