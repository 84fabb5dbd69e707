"""The life of a row: due, claimed, handed over, decided or put back."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from aduan.clock import iso, parse_iso
from aduan.storage.port import Body
from aduan_notify.domain.ledger import OPEN, REASONS, Decision, Row, changed, row_of


def due_rows(body: Body, wall: datetime) -> Sequence[Row]:
    """Return the rows that a worker may take at this real time, oldest cause first."""
    moment = iso(wall)
    return [row for row in body["rows"] if row["next_at"] is not None and row["next_at"] < moment]


def claim(body: Body, id: str, now: datetime, wall: datetime, lease: timedelta) -> Body | None:
    """Return the body in which the row is `sending` and one try older; None when it is not due.

    A row that is `sending` already was left by a worker that never came back, or whose answer was
    lost: the provider may have it, so this try is counted as a possible repeat before it is made.
    lease: real time after which another worker may take it; longer than any call.
    """
    row = row_of(body, id)
    if row["next_at"] is None or row["next_at"] >= iso(wall):
        return None
    repeat = row["decision"] == "sending"
    return changed(
        body,
        id,
        {
            "decision": "sending",
            "reason": "handed_over",
            "tries": row["tries"] + 1,
            "repeats": row["repeats"] + repeat,
            "next_at": iso(wall + lease),
            "tried_at": row["tried_at"] or iso(wall),
            "decided_at": iso(now),
        },
    )


def settle(
    body: Body,
    id: str,
    decision: Decision,
    reason: str,
    now: datetime,
    *,
    to: Sequence[str] = (),
    code: int | None = None,
) -> Body | None:
    """Return the body in which the row is decided; None when it was decided before.

    to: masked. Raises KeyError for a row that is not there, ValueError for an unlisted reason.
    """
    if decision in OPEN or reason not in REASONS[decision]:
        raise ValueError(f"{decision} is not decided by {reason}")
    if row_of(body, id)["decision"] not in OPEN:
        return None
    return changed(
        body,
        id,
        {
            "decision": decision,
            "reason": reason,
            "next_at": None,
            "decided_at": iso(now),
            "to": list(to),
            "code": code,
        },
    )


def postpone(
    body: Body,
    id: str,
    reason: str,
    now: datetime,
    again_at: datetime,
    *,
    code: int | None = None,
) -> Body | None:
    """Return the body in which the row waits until `again_at` (real time); None when decided.

    deferred: the provider said no for now, so there is no copy. outcome_unknown: there may be one,
    and the next try counts as a possible repeat. contacts_away: the provider was not called, so a
    row that was unsure before stays unsure.
    """
    row = row_of(body, id)
    if row["decision"] not in OPEN:
        return None
    decision: Decision = row["decision"]
    if reason == "deferred":
        decision = "pending"
    elif reason == "outcome_unknown":
        decision = "sending"
    elif reason != "contacts_away":
        raise ValueError(f"no reason to wait: {reason}")
    return changed(
        body,
        id,
        {
            "decision": decision,
            "reason": reason if reason in REASONS[decision] else row["reason"],
            "next_at": iso(again_at),
            "decided_at": iso(now),
            "code": code,
        },
    )


def tried_for(row: Row, wall: datetime) -> timedelta:
    """Return how long (real time) the provider has been tried."""
    return wall - parse_iso(row["tried_at"]) if row["tried_at"] else timedelta(0)
