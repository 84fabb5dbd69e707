"""The document of a case in routing: what it holds, how it is found, and its public snapshot."""

from collections.abc import Mapping
from typing import Any, Final

from aduan.contracts.values import Case
from aduan.retention import EXPIRES
from aduan.storage.port import Body, Collection, Columns, Index
from aduan_routing.domain.lifecycle import ALL
from aduan_routing.domain.units import due_at

NO_DUE: Final = "~"  # sorts behind every date, so a case without a deadline stands last


def _columns(body: Body) -> Columns:
    """A test complaint is in no index: never listed, never counted, never worked on."""
    if body["test"]:
        return {}
    ever = {f"ever_{state}": 1 for state in body["ever"]}
    return {
        "due": due_of(body),
        "state": body["state"],
        "opd": None if body["withheld"] else body["opd"],
        "conflict": 1 if body["conflicts"] else None,
        "next_at": min((job["next_at"] for job in body["jobs"]), default=None),
        "tell_at": due_at(body),
        "expires_at": body.get("expires_at"),
        **ever,
    }


def due_of(body: Body) -> str:
    """Return the moment by which desks sort: what is overdue first, then the nearest deadline."""
    nearest = body["nearest"]
    known = (body["overdue"], nearest["due_at"] if nearest is not None else None)
    return min((moment for moment in known if moment is not None), default=NO_DUE)


def _keys(body: Body) -> tuple[str, ...]:
    return (f"ticket:{body['tenant']}:{body['ticket']}",)


CASES: Final = Collection(
    name="cases",
    indexes=(
        Index("due", ("tenant", "due")),
        Index("state", ("tenant", "state", "due")),
        Index("opd", ("tenant", "opd", "due")),
        Index("opd_state", ("tenant", "opd", "state", "due")),
        Index("conflict", ("tenant", "conflict", "due")),
        Index("jobs", ("partition", "next_at")),
        Index("tells", ("partition", "tell_at")),
        EXPIRES,
        *(Index(f"ever_{state}", ("tenant", f"ever_{state}")) for state in ALL),
    ),
    columns=_columns,
    keys=_keys,
)

EVIDENCE: Final = Collection(name="evidence")

CONNECTIONS: Final = Collection(
    name="connections",
    indexes=(Index("tenant", ("tenant", "office")),),
    columns=lambda body: {"office": body["office"]},
    # two units never share a topic: 33.74 with 01 would be named like 33 with 74.01
    keys=lambda body: (f"topic:{body['topic']}",),
)

OFFICE_KEYS: Final = Collection(
    name="office_keys",
    indexes=(Index("office", ("tenant", "office")),),
    columns=lambda body: {"office": body["office"]},
)

_SNAPSHOT: Final = (
    "version",
    "state",
    "class",
    "class_confirmed",
    "category",
    "opd",
    "area",
    "anonymous",
    "confidential",
    "oversight",
    "origin",
    "verified",
    "received_at",
    "assigned_at",
    "accepted_at",
    "answered_at",
    "closed_at",
    "reopened_count",
)


def snapshot(body: Body) -> Case:
    """Return the case as every event of routing carries it."""
    return Case.model_validate({name: body[name] for name in _SNAPSHOT})


def new_body(tenant: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body of a case before the first step. facts: what complaint.created said."""
    return {
        "tenant": tenant,
        "state": None,
        "state_since": None,
        "version": 0,
        "revision": 0,
        "class": "pengaduan_tidak_berkadar_pengawasan",
        "class_confirmed": False,
        "category": None,
        "area": None,
        "opd": None,
        "partner": None,
        "answered_by": None,
        "copies": [],
        "oversight": False,
        "verified": None,
        "assigned_at": None,
        "accepted_at": None,
        "answered_at": None,
        "closed_at": None,
        "reopened_count": 0,
        "came_from": None,
        "archived_why": None,
        "proposed": None,
        "follow_up": None,
        "said": None,
        "decision": None,
        "nearest": None,
        "overdue": None,
        "withheld": False,
        "entries": [],
        "replies": [],
        "mirrors": {},
        "conflicts": [],
        "effect": None,
        "ever": [],
        "idempotency": {},
        "jobs": [],
        "units": {},
        "told_at": None,
        "words": {},
        "sealed": {},
        **facts,
    }
