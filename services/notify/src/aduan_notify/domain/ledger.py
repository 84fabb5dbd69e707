"""The ledger inside a case document: one row per cause, audience and channel, decided once.

A row is a JSON object:
    id           uuid5 of the three; part of the Message-ID, so a repeat is recognisable outside
    cause_id     id of the causing event     cause, audience, channel
    unit         code of the office it goes to; None: the one responsible when it is sent
    facts        what the letter needs beside the case: due_at, clock, level, partner, follow_up
    occurred_at  when the cause happened (domain time)
    decision     pending | sending | delivered | failed | skipped       reason: see REASONS
    tries        how often the provider was called     repeats: how often that was after an unknown
                 outcome, so that a copy may exist already; written before the call is made
    next_at      real time from which a worker may take it; None when decided
    tried_at     real time of the first call     decided_at: domain time of the last change
    to           masked recipients; code: the provider's last SMTP code
    trace        traceparent of the cause; only there where its trace is recorded
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID, uuid5

from aduan.clock import iso
from aduan.contracts.values import Audience
from aduan.storage.port import Body
from aduan_notify.domain.causes import Cause

Row = Mapping[str, Any]
Decision = Literal["pending", "sending", "delivered", "failed", "skipped"]
EMAIL: Final = "email"

REASONS: Final[dict[Decision, tuple[str, ...]]] = {
    "pending": ("queued", "deferred", "contacts_away"),
    "sending": ("handed_over", "outcome_unknown"),
    "delivered": ("accepted", "accepted_partly"),
    "failed": ("refused", "gave_up", "bad_address"),
    "skipped": (
        "unreachable",
        "anonymous_no_contact",
        "history",
        "oversight_accused",
        "test",
        "own_action",
        "no_office",
        "no_address",
    ),
}
OPEN: Final = frozenset(("pending", "sending"))

# Handlers know domain time only, and a worker looks by real time: the past is due in both.
AT_ONCE: Final = "1970-01-01T00:00:00.000000Z"
_NAMESPACE: Final = UUID("5f0c3a0e-6a0b-5b0e-9d53-6f2f3a1f2c71")


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to be told to one audience, as a handler decides it.

    skip: why it is not told. trace: see Row.
    """

    cause_id: str
    cause: Cause
    audience: Audience
    occurred_at: datetime
    unit: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    skip: str | None = None
    trace: str | None = None


def row_id(cause_id: str, audience: str, channel: str) -> str:
    """Return the name of a row: equal for equal cause, audience and channel, for ever."""
    return str(uuid5(_NAMESPACE, f"{cause_id}:{audience}:{channel}"))


def record(body: Body, notices: Sequence[Notice], now: datetime) -> Body:
    """Return the body with a row for each notice that has none yet, in order of occurrence.

    A cause that comes again (a clock event is told under one id however often) adds nothing. Rows
    are sorted, so the order in which events of different producers come leaves no trace.
    """
    rows = {row["id"]: row for row in body["rows"]}
    for notice in notices:
        row = _row(notice, now)
        rows.setdefault(row["id"], row)
    if len(rows) == len(body["rows"]):
        return body
    return {**body, "rows": sorted(rows.values(), key=lambda row: (row["occurred_at"], row["id"]))}


def _row(notice: Notice, now: datetime) -> Row:
    recorded = {} if notice.trace is None else {"trace": notice.trace}
    return {
        **recorded,
        "id": row_id(notice.cause_id, notice.audience, EMAIL),
        "cause_id": notice.cause_id,
        "cause": notice.cause,
        "audience": notice.audience,
        "channel": EMAIL,
        "unit": notice.unit,
        "facts": dict(notice.facts),
        "occurred_at": iso(notice.occurred_at),
        "decision": "pending" if notice.skip is None else "skipped",
        "reason": "queued" if notice.skip is None else notice.skip,
        "tries": 0,
        "repeats": 0,
        "next_at": AT_ONCE if notice.skip is None else None,
        "tried_at": None,
        "decided_at": iso(now),
        "to": [],
        "code": None,
    }


def row_of(body: Body, id: str) -> Row:
    """Return a row of the ledger. Raises KeyError."""
    for row in body["rows"]:
        if row["id"] == id:
            found: Row = row
            return found
    raise KeyError(id)


def changed(body: Body, id: str, changes: Mapping[str, Any]) -> Body:
    """Return the body in which a row of the ledger is different."""
    rows = [{**row, **changes} if row["id"] == id else row for row in body["rows"]]
    return {**body, "rows": rows}
