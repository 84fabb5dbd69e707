"""What a partner says about a mirrored case. Only a case that was forwarded there follows it.

A change that does not fit is no error: it is kept as a conflict for the coordinator, and told as one.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from aduan.clock import iso
from aduan.contracts.envelope import Emit
from aduan.contracts.values import MirrorKind, PartnerSystem, State
from aduan.storage.port import Body
from aduan_routing.domain.lifecycle import Step, find
from aduan_routing.domain.moving import holds, take
from aduan_routing.domain.rules import Rules
from aduan_routing.domain.telling import Details, Who

PARTNER: Final = Who("partner")
QUIET_REASONS: Final = frozenset({"fits", "note", "unknown_status"})
_UNDER_WAY: Final[tuple[State, ...]] = (
    "triage",
    "assigned",
    "accepted",
    "in_progress",
    "awaiting_reporter",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """mirror.changed as routing reads it."""

    system: PartnerSystem | None
    kind: MirrorKind
    remote_ticket: str | None = None
    raw_status: str | None = None
    status: State | None = None
    text: str | None = None
    content_ref: str | None = None
    remote_at: datetime | None = None
    reason_code: str | None = None


def changed(
    body: Body, change: Change, now: datetime, rules: Rules
) -> tuple[dict[str, Any], tuple[Emit, ...]]:
    """Return the case after a partner's word."""
    body = _remembered(body, change, now)
    action = _action(body, change)
    if action is None:
        return dict(body), ()
    follows = change.system is not None and change.system == body["partner"]
    step = None
    if follows:
        step = find(action, body["state"], "partner", holds(body, now, rules))
    if step is None:
        return _conflict(body, change, now, rules)
    return take(body, step, PARTNER, now, rules, _details(step, change, now))


def _remembered(body: Body, change: Change, now: datetime) -> dict[str, Any]:
    """Keep what is known of each partner, for the coordinator's desk."""
    system = change.system or "none"
    known = body["mirrors"].get(system, {})
    told = {
        "kind": change.kind,
        "remote_ticket": change.remote_ticket or known.get("remote_ticket"),
        "raw_status": change.raw_status or known.get("raw_status"),
        "reason_code": change.reason_code,
        "at": iso(now),
    }
    return {
        **body,
        "revision": body["revision"] + 1,
        "mirrors": {**body["mirrors"], system: told},
    }


def _action(body: Body, change: Change) -> str | None:
    """Return which row a change asks for; None where it asks for nothing."""
    if change.kind == "answer":
        return "partner-answer"
    if change.kind == "reopened":
        return "partner-reopen"
    if change.kind == "reroute_requested":
        return "partner-refuse"
    if change.kind != "status" or change.reason_code in QUIET_REASONS or change.status is None:
        return None
    if change.status == "closed":
        return None if body["state"] == "closed" else "partner-close"
    if change.status == "answered":
        return "partner-answer"
    if change.status in ("returned", "rejected", "archived"):
        return "partner-refuse"
    forwarded_there = body["state"] == "forwarded" and change.system == body["partner"]
    if change.status in _UNDER_WAY and forwarded_there:
        return None
    return "mirror_conflict"


def _details(step: Step, change: Change, now: datetime) -> Details:
    is_answer = step.action == "partner-answer"
    done = is_answer or step.action == "partner-close"
    words = {}
    if change.text is not None:
        words = {"answer" if is_answer else "reason": change.text}
    return Details(
        changes={"answered_by": "partner"} if done else {},
        words=words,
        reason_code=change.reason_code,
        answer_kind="partner" if is_answer else None,
        content_ref=change.content_ref,
        unit=change.system,
        origin=change.system,
        # Stops a deadline when the partner was done; what starts anew starts when we could know.
        occurred_at=min(change.remote_at, now) if done and change.remote_at is not None else None,
        since=now,
    )


def _conflict(
    body: Body, change: Change, now: datetime, rules: Rules
) -> tuple[dict[str, Any], tuple[Emit, ...]]:
    step = find("mirror_conflict", body["state"], "partner")
    assert step is not None, "a conflict is noted in every state"
    noted = {
        "at": iso(now),
        "system": change.system,
        "kind": change.kind,
        "raw_status": change.raw_status,
        "status": change.status,
    }
    details = Details(
        changes={"conflicts": [*body["conflicts"], noted]},
        words={"note": change.text} if change.text is not None else {},
        reason_code="mirror_conflict",
        origin=change.system,
    )
    return take(body, step, PARTNER, now, rules, details)
