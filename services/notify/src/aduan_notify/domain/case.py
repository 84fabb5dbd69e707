"""The one document of a case in this service, and by what it is found."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from aduan.retention import EXPIRES
from aduan.storage.port import Body, Collection, Columns, Index
from aduan_notify.domain.ledger import OPEN

DECIDED: Final = ("pending", "delivered", "failed", "skipped")


def kind_of(decision: str) -> str:
    """Return under which of DECIDED a row counts: what is being sent is still pending."""
    return "pending" if decision in OPEN else decision


def _columns(body: Body) -> Columns:
    """next_at: real time of the next thing to do. For each kind: its latest change, and how many.

    Test complaints are in no listing by kind and in no count.
    """
    rows: list[Mapping[str, Any]] = body["rows"]
    waiting = [row["next_at"] for row in rows if row["next_at"] is not None]
    found: dict[str, str | int | None] = {
        "ticket": body["ticket"],
        "next_at": min(waiting, default=None),
        "latest_at": max((row["decided_at"] for row in rows), default=None),
        "expires_at": body.get("expires_at"),
    }
    counts = Counter(kind_of(row["decision"]) for row in rows)
    counted = not body["test"]
    for kind in DECIDED:
        mine = (row["decided_at"] for row in rows if kind_of(row["decision"]) == kind)
        found[f"{kind}_at"] = max(mine, default=None) if counted else None
        found[f"{kind}_n"] = counts[kind] or None if counted else None
    repeats = sum(row["repeats"] for row in rows)
    found["repeats_n"] = repeats or None if counted else None
    return found


CASES: Final = Collection(
    name="cases",
    indexes=(
        Index("due", ("partition", "next_at")),
        Index("ticket", ("tenant", "ticket")),
        Index("latest", ("tenant", "latest_at")),
        EXPIRES,
        *(Index(f"{kind}_at", ("tenant", f"{kind}_at")) for kind in DECIDED),
        *(Index(f"{kind}_n", ("tenant", f"{kind}_n")) for kind in DECIDED),
        Index("repeats_n", ("tenant", "repeats_n")),
    ),
    columns=_columns,
)
