"""What a reporter's word does to a case. Every reply gets exactly one complaint.progressed.

reason_code tells which of three it was: reply_applied (or withdrawn), reply_noted, reply_refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from aduan.clock import iso, parse_iso
from aduan.contracts.envelope import Emit
from aduan.contracts.values import ReplyKind
from aduan.storage.port import Body
from aduan_routing.domain.fetching import fetch_job
from aduan_routing.domain.lifecycle import Step, find
from aduan_routing.domain.moving import holds, take
from aduan_routing.domain.rules import Rules
from aduan_routing.domain.telling import Details, Who
from aduan_routing.domain.words import keep

REPORTER: Final = Who("reporter")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A reply as intake told it. text: scrubbed; absent when confidential, then content_ref.

    trace: its traceparent, where that trace is recorded.
    """

    reply_id: str
    kind: ReplyKind
    at: datetime
    text: str | None = None
    content_ref: str | None = None
    rating: int | None = None
    attachments: int = 0
    trace: str | None = None


def replied(
    body: Body, reply: Reply, now: datetime, rules: Rules
) -> tuple[dict[str, Any], tuple[Emit, ...]]:
    """Return the case after a reply, and the one event that says what became of it."""
    if any(known["reply_id"] == reply.reply_id for known in body["replies"]):
        return dict(body), ()
    undone = before_timer(body, reply.at)
    step = _applied(undone, reply, rules) if undone is not None else None
    start: Body = body
    if step is not None and undone is not None:
        start = undone
    else:
        step = _applied(body, reply, rules)
    if step is not None:
        code = "withdrawn" if step.action == "withdraw" else "reply_applied"
    else:
        step, code = _heard(body, reply)
    changes: dict[str, Any] = {}
    if step.action == "withdraw":
        changes["archived_why"] = "withdrawn"
    details = Details(
        changes=changes,
        reason_code=code,
        reply_id=reply.reply_id,
        occurred_at=_occurred(start, reply, now),
        told_from=body["state"] if start is not body else None,
    )
    after, emits = take(_with_reply(start, reply, code, rules), step, REPORTER, now, rules, details)
    return after, emits


def before_timer(body: Body, at: datetime) -> dict[str, Any] | None:
    """Return the case as it was before a timer's effect, if what is said lies before that effect.

    None where the case moved on since, or nothing was done by a timer.
    """
    effect = body["effect"]
    if effect is None or iso(at) >= effect["at"]:
        return None
    back: Mapping[str, Any] = effect["back"]
    return {**body, **back, "effect": None}


def _applied(body: Body, reply: Reply, rules: Rules) -> Step | None:
    """Return the step that the reply takes; None where it is only heard."""
    state, kind = body["state"], reply.kind
    conditions = holds(body, reply.at, rules)
    if kind == "withdrawal":
        return find("withdraw", state, "reporter", conditions)
    content = kind == "rating" and (reply.rating or 0) >= rules.windows.content_from
    if state in ("answered", "closed"):
        # What was said before the answer was out cannot be an objection to it.
        if body["answered_at"] is not None and iso(reply.at) < body["answered_at"]:
            return None
        if content:
            return find("content", state, "reporter", conditions)
        if state == "closed" and kind not in ("objection", "reply"):
            return None
        return find("object", state, "reporter", conditions)
    if kind == "rating":
        return None
    return find("reply", state, "reporter", conditions)


def _heard(body: Body, reply: Reply) -> tuple[Step, str]:
    """Return the row for a reply that moves nothing: noted, or refused because the case is over."""
    state = body["state"]
    early = body["answered_at"] is not None and iso(reply.at) < body["answered_at"]
    too_late = state == "closed" and not early and reply.kind not in ("rating", "supplement")
    noted = None if too_late else find("note-reply", state, "reporter")
    if noted is not None:
        return noted, "reply_noted"
    refused = find("refuse-reply", state, "reporter")
    assert refused is not None, "a state without a row for notes has one for refusals"
    return refused, "reply_refused"


def _occurred(body: Body, reply: Reply, now: datetime) -> datetime:
    """A reply happened when it was given, but not before the state that it answers began."""
    since = parse_iso(body["state_since"])
    return min(max(reply.at, since), now)


def _with_reply(body: Body, reply: Reply, outcome: str, rules: Rules) -> dict[str, Any]:
    entry = {
        "reply_id": reply.reply_id,
        "kind": reply.kind,
        "at": iso(reply.at),
        "rating": reply.rating,
        "attachments": reply.attachments,
        "outcome": outcome,
    }
    after: dict[str, Any] = {**body, "replies": [*body["replies"], entry]}
    if reply.text is not None:
        return keep(after, f"reply-{reply.reply_id}", reply.text, rules.vault)
    if reply.content_ref is not None:
        job = fetch_job(f"reply-{reply.reply_id}", reply.content_ref, reply.trace)
        return {**after, "jobs": [*body["jobs"], job]}
    return after
