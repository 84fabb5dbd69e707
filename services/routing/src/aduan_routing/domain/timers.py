"""What a timer of sla does to a case: only if it still is in the state that it entered at the start.

An elapsed timer that does not fit is a fact without effect. What a timer did can be undone by a
reply that was said before it (see replies.py), so the state before it is remembered.
"""

from datetime import datetime
from typing import Final

from aduan.clock import iso
from aduan.contracts.envelope import Emit
from aduan.contracts.values import State, TimerName
from aduan.storage.port import Body
from aduan_routing.domain.case import facts_of
from aduan_routing.domain.lifecycle import step_for
from aduan_routing.domain.moves import Said, Tools, move

RUNS_IN: Final[dict[TimerName, State]] = {
    "auto_close": "answered",
    "reply_timeout": "awaiting_reporter",
    "debt_due": "conditionally_closed",
}
RESTORED: Final = (
    "state",
    "entered_at",
    "entered_by",
    "asked_from",
    "archived_reason",
    "answered_by",
    "closed_at",
    "opd",
    "partner",
)


def elapsed(
    body: Body, timer: TimerName, started_at: datetime, now: datetime, tools: Tools
) -> tuple[Body, tuple[Emit, ...]]:
    """Return what the timer changes; the same body and no event where it does not fit any more."""
    is_its_state = body["state"] == RUNS_IN[timer]
    if not is_its_state or body["entered_at"] != iso(started_at):
        return body, ()
    step = step_for(timer, "system", body["state"], facts_of(body, tools.rules, now))
    if step is None:
        return body, ()
    before = {name: body[name] for name in RESTORED}
    changed, emit = move(body, step, Said(by="system", reason_code=timer), now, tools)
    return {**changed, "timer": {"name": timer, "at": iso(now), "before": before}}, (emit,)


def without_timer(body: Body, said_at: datetime) -> Body | None:
    """Return the case as it would be without its last timer, if a reply was said before that.

    None where no timer made the present state, or the reply came after it.
    """
    timer = body["timer"]
    if timer is None or iso(said_at) >= timer["at"]:
        return None
    return {**body, **timer["before"], "timer": None}
