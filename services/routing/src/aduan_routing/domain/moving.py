"""Taking one step of the table: the new body, its entry, and the event that tells it."""

from datetime import datetime
from typing import Any

from aduan.clock import iso, parse_iso
from aduan.contracts.envelope import Emit
from aduan.contracts.values import State
from aduan.storage.port import Body
from aduan.web.pages.words import day_in_words
from aduan_routing.domain.lifecycle import CONFIDENTIAL_SENTENCE, Step, When
from aduan_routing.domain.rules import PARTNER_NAMES, Rules
from aduan_routing.domain.telling import Details, Who, assigned, progressed
from aduan_routing.domain.units import owing
from aduan_routing.domain.words import keep, settled

SYSTEM = Who("system")
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
    after |= {"version": body["version"] + 1, "told_at": iso(now)}
    sentence = _sentence(after, step, rules, who, details)
    before = details.told_from or before
    after = _with_entry(after, step, before, to, who, at, details, sentence, rules)
    if to == "assigned" and after["opd"] != opd_before:
        emit = Emit("complaint.assigned", assigned(after, opd_before, rules, details))
    else:
        data = progressed(after, step, before, to, who, details, sentence)
        occurred = details.occurred_at
        emit = Emit("complaint.progressed", data, occurred_at=occurred)
    return {**owing(after, rules.connected())}, (emit,)


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
