"""The document of a case in routing: its shape, its snapshot for events, the columns desks read.

One document per case. Nothing in it says who reports; texts of a confidential case are sealed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from aduan.clock import iso
from aduan.contracts.values import Case
from aduan.storage.port import Body, Collection, Columns, Index
from aduan_routing.domain.lifecycle import OPEN, STATES, Fact

NO_DUE: Final = "~"  # sorts behind every date, so a case without one stands last on a desk
AT_ONCE: Final = "0001-01-01T00:00:00.000000Z"
"""A job that is always due: handlers know no real time, workers do."""

OVERSIGHT: Final = "pengaduan_berkadar_pengawasan"

Seal = Callable[[str, str], str]
"""Seals a text; the second argument names what it belongs to."""

AttentionKind = Literal[
    "mirror_conflict", "mirror_held", "mirror_failed", "unknown_status", "emergency", "content_gone"
]

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


@dataclass(frozen=True, slots=True)
class Rules:
    """Numbers of a tenant that this service follows.

    objection_days: calendar days after closing in which a reporter may object. content_from: the
    rating (1..5) from which a reporter is content. oversight: the only unit that may see a case
    "berkadar pengawasan". levels: office code -> level.
    """

    objection_days: int
    content_from: int
    oversight: str
    levels: Mapping[str, str]


def snapshot(body: Body) -> Case:
    """Return the case as every event of routing carries it."""
    return Case.model_validate({name: body[name] for name in _SNAPSHOT})


def keep(body: Body, name: str, text: str, seal: Seal) -> dict[str, str]:
    """Return a text as it is stored: sealed when the case is confidential, else in clear."""
    if body["confidential"]:
        return {"sealed": seal(text, about(body["id"], name)), "name": name}
    return {"text": text, "name": name}


def about(case_id: str, name: str) -> str:
    """Return what a sealed text is bound to; moved to another case or field it does not open."""
    return f"cases:{case_id}:{name}"


def content_ref(body: Body) -> str:
    """Return where the content of a confidential case is claimed from routing."""
    return f"/v1/cases/{body['id']}/content"


def facts_of(body: Body, rules: Rules, at: datetime) -> frozenset[Fact]:
    """Return what is true of the case for the table's `when`. at: the moment to judge by."""
    facts: set[Fact] = {"answered_there" if body["answered_by"] else "answered_here"}
    if body["asked_from"] is not None:
        facts.add("asked_in_triage" if body["asked_from"] == "triage" else "asked_at_work")
    if body["archived_reason"] == "reply_timeout":
        facts.add("timed_out")
    closed_at = body["closed_at"]
    if closed_at is None or (at - _moment(closed_at)).days < rules.objection_days:
        facts.add("in_window")
    return frozenset(facts)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def attend(
    body: Body, kind: AttentionKind, now: datetime, **words: str | None
) -> dict[str, Any]:
    """Return the body with something that the coordinator must look at; the same thing once."""
    item = {"kind": kind, **{name: word for name, word in words.items() if word is not None}}
    known = [{k: v for k, v in old.items() if k != "at"} for old in body["attention"]]
    if item in known:
        return dict(body)
    conflicted = body["conflicts"] + (1 if kind == "mirror_conflict" else 0)
    return {
        **body,
        "attention": [*body["attention"], {**item, "at": iso(now)}],
        "conflicts": conflicted,
    }


def close_door(body: Body) -> dict[str, Any]:
    """Return a case that has become confidential: its content is claimed from intake and sealed."""
    if body["confidential"]:
        return dict(body)
    ref = body["content_ref"] or f"/internal/v1/complaints/{body['id']}/content"
    changed = {
        **body,
        "confidential": True,
        "title": None,
        "text": None,
        "place": {"area_code": body["place"].get("area_code")},
        "content_ref": ref,
        "decision": {
            **body["decision"],
            "reasons": [{"code": reason["code"]} for reason in body["decision"]["reasons"]],
        },
    }
    return owe_content(changed, "report", ref)


def owe_content(body: Body, name: str, ref: str) -> dict[str, Any]:
    """Return the body with a job to claim a content behind a reference of intake."""
    if name in body["contents"] or any(job["name"] == name for job in body["fetches"]):
        return dict(body)
    job = {"name": name, "ref": ref, "tries": 0, "next_at": AT_ONCE}
    return {**body, "fetches": [*body["fetches"], job]}


def behind_closed_door(body: Body) -> bool:
    """Whether the office that is named may not see the case: oversight belongs to one unit only."""
    return bool(body["oversight"] and body["opd"] != body["oversight_unit"])


def _columns(body: Body) -> Columns:
    state = body["state"]
    due = body["nearest_due"] or NO_DUE
    jobs = [job["next_at"] for job in body["fetches"]]
    ever = {f"ever_{name}": 1 if name in body["ever"] else None for name in STATES}
    return {
        "state": state,
        "opd": None if behind_closed_door(body) else body["opd"],
        "due": due,
        "open_due": due if state in OPEN else None,
        "content_at": min(jobs) if jobs else None,
        "attention_at": body["attention"][0]["at"] if body["attention"] else None,
        "conflicted": 1 if body["conflicts"] else None,
        **ever,
    }


def _keys(body: Body) -> tuple[str, ...]:
    return (f"ticket:{body['ticket']}",)


CASES: Final = Collection(
    name="cases",
    indexes=(
        Index("due", ("tenant", "due")),
        Index("state_due", ("tenant", "state", "due")),
        Index("opd_due", ("tenant", "opd", "due")),
        Index("opd_state_due", ("tenant", "opd", "state", "due")),
        Index("open_due", ("tenant", "open_due")),
        Index("opd_open_due", ("tenant", "opd", "open_due")),
        Index("content", ("partition", "content_at")),
        Index("attention", ("tenant", "attention_at")),
        Index("conflicted", ("tenant", "conflicted")),
        *(Index(f"ever_{name}", ("tenant", f"ever_{name}")) for name in STATES),
    ),
    columns=_columns,
    keys=_keys,
)
EVIDENCE: Final = Collection(name="evidence")
OFFICE_KEYS: Final = Collection(
    name="office_keys",
    indexes=(Index("office", ("tenant", "office")),),
    columns=lambda body: {"office": body["office"]},
)
