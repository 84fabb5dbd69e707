"""What a timer that ran out does: only if the case is still in the state entered at its start."""

from datetime import datetime
from typing import Any

from aduan.clock import iso, parse_iso
from aduan.contracts.envelope import Emit
from aduan.contracts.values import TimerName
from aduan.storage.port import Body
from aduan_routing.domain.lifecycle import find
from aduan_routing.domain.moving import SYSTEM, holds, take
from aduan_routing.domain.rules import Rules
from aduan_routing.domain.telling import Details

_TOUCHED = ("state", "state_since", "closed_at", "came_from", "archived_why", "follow_up")


def elapsed(
    body: Body, timer: TimerName, started_at: datetime, now: datetime, rules: Rules
) -> tuple[dict[str, Any], tuple[Emit, ...]] | None:
    """Return the case after a timer, or None where the case moved on since.

    What it was before is kept, so that a reply which was given earlier can undo the effect.
    """
    step = find(timer, body["state"], "system", holds(body, now, rules))
    if step is None or parse_iso(body["state_since"]) != started_at:
        return None
    changes = {"archived_why": "reply_timeout"} if step.to == "archived" else {}
    details = Details(changes=changes, reason_code=timer)
    after, emits = take(body, step, SYSTEM, now, rules, details)
    back = {name: body[name] for name in _TOUCHED}
    return {**after, "effect": {"timer": timer, "at": iso(now), "back": back}}, emits
