"""Which event is told to whom: two literal tables. Nothing that is missing here is ever told.

The letters in reference data are keyed by the same (cause, audience), checked at the start.
"""

from dataclasses import dataclass
from typing import Final, Literal, get_args

from aduan.contracts.values import ActorKind, Audience, State

Cause = Literal[
    "received",
    "triage",
    "assigned",
    "question",
    "replied",
    "reply_timeout",
    "answered",
    "closed",
    "conditionally_closed",
    "returned",
    "forwarded",
    "rejected",
    "archived",
    "reopened",
    "sla_warned",
    "sla_breached",
    "debt_due",
    "mirror_conflict",
    "mirror_failed",
    "mirror_reroute",
]
AUDIENCES: Final[tuple[Audience, ...]] = get_args(Audience)
_OFFICIALS: Final[tuple[Audience, ...]] = ("office", "office_head", "coordinator", "leadership")

TOLD: Final[dict[Cause, tuple[Audience, ...]]] = {
    "received": ("reporter",),
    "triage": ("coordinator",),
    "assigned": ("reporter", "office"),
    "question": ("reporter",),
    "replied": ("office",),
    "reply_timeout": ("office",),
    "answered": ("reporter",),
    "closed": ("reporter",),
    "conditionally_closed": ("reporter", "coordinator"),
    "returned": ("coordinator",),
    "forwarded": ("reporter",),
    "rejected": ("reporter",),
    "archived": ("reporter", "office"),
    "reopened": ("office",),
    "sla_warned": _OFFICIALS,  # of these, whom the event names
    "sla_breached": _OFFICIALS,  # the same, wider with each level
    "debt_due": ("office", "coordinator"),
    "mirror_conflict": ("coordinator",),
    "mirror_failed": ("coordinator",),
    "mirror_reroute": ("coordinator",),
}

assert set(TOLD) == set(get_args(Cause)), "every cause has exactly one row"


@dataclass(frozen=True, slots=True)
class Move:
    """A transition that is told. after: states it may come from, empty for any; by: likewise."""

    to: State
    cause: Cause | None
    after: tuple[State, ...] = ()
    by: tuple[ActorKind, ...] = ()


# First match. complaint.assigned is told by its own event and stands not here, except where a case
# comes back to the office that had returned it: then routing's `complaint.progressed` says so.
MOVES: Final = (
    Move("triage", "triage"),
    Move("assigned", "assigned"),
    Move("awaiting_reporter", "question"),
    Move("in_progress", "replied", after=("awaiting_reporter",), by=("reporter",)),
    Move("in_progress", "reply_timeout", after=("awaiting_reporter",)),
    # sla.elapsed(debt_due) has told it already
    Move("in_progress", None, after=("conditionally_closed",), by=("system",)),
    Move("in_progress", "reopened", after=("answered", "closed", "conditionally_closed")),
    Move("answered", "answered"),
    Move("closed", "closed"),
    Move("conditionally_closed", "conditionally_closed"),
    Move("returned", "returned"),
    # the partner works on it again; his next answer is told
    Move("forwarded", None, after=("answered", "closed")),
    Move("forwarded", "forwarded"),
    Move("rejected", "rejected"),
    Move("archived", "archived"),
)

# Who need not be told, because he did it himself.
OWN: Final[dict[ActorKind, Audience]] = {
    "reporter": "reporter",
    "office": "office",
    "coordinator": "coordinator",
}

CONFLICT: Final = "mirror_conflict"


def cause_of(
    before: State | None, after: State, by: ActorKind, *, reason_code: str | None, action: str
) -> Cause | None:
    """Return what a complaint.progressed is told as; None where nobody is told."""
    if CONFLICT in (reason_code, action):
        return "mirror_conflict"
    if before == after:
        return None
    for move in MOVES:
        fits_before = not move.after or before in move.after
        if move.to == after and fits_before and (not move.by or by in move.by):
            return move.cause
    return None
