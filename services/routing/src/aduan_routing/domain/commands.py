"""What officers and the coordinator may do. Each command is pure: the case before, the case after.

A command that is already true changes nothing; one that the table does not allow raises the problem
`transition_not_allowed` with the state and what is allowed instead.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from aduan.clock import iso
from aduan.contracts.envelope import Emit, Reaction
from aduan.privacy.scrub import scrub
from aduan.storage.port import Body
from aduan.web.idempotency import fingerprint
from aduan.web.problems import Problem, invalid
from aduan_routing.domain.lifecycle import allowed, path
from aduan_routing.domain.moving import holds, take
from aduan_routing.domain.rules import Rules
from aduan_routing.domain.telling import Details, Who


@dataclass(frozen=True, slots=True)
class Given:
    """What a command carries: its fields as sent, and the evidence of this case by id."""

    fields: Mapping[str, Any]
    evidence: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """Return a text with numbers and addresses masked; empty where none was sent."""
        return scrub(str(self.fields.get(name) or "").strip()).text


def allowed_for(body: Body, who: Who, now: datetime, rules: Rules) -> list[str]:
    """Return the commands that this case allows to this one now."""
    if who.kind == "office" and who.opd != body["opd"]:
        return []
    return allowed(body["state"], who.kind, holds(body, now, rules))


def command(
    body: Body, action: str, given: Given, who: Who, now: datetime, rules: Rules
) -> Reaction:
    """Return what a command does.

    Raises the problems transition_not_allowed, invalid, unknown_reference.
    """
    if _is_true_already(body, action, given, who):
        return Reaction()
    steps = path(action, body["state"], who.kind, holds(body, now, rules))
    if not steps:
        raise Problem(
            "transition_not_allowed",
            extra={"state": body["state"], "allowed": allowed_for(body, who, now, rules)},
        )
    details = _DETAILS[action](body, given, who, now, rules)
    if details is None:
        return Reaction()
    emits: tuple[Emit, ...] = ()
    after: Body = body
    for step in steps:
        brings = details if step is steps[-1] else Details()
        after, told = take(after, step, who, now, rules, brings)
        emits = (*emits, *told)
    return Reaction(after, emits)


def _is_true_already(body: Body, action: str, given: Given, who: Who) -> bool:
    state = body["state"]
    simple = {
        "accept": "accepted",
        "start": "in_progress",
        "return": "returned",
        "triage": "triage",
        "reject": "rejected",
        "close": "closed",
    }
    if action in simple:
        office = who.kind != "office" or body["opd"] == who.opd
        return bool(state == simple[action] and office)
    if action == "assign":
        opd = given.fields["opd"]
        return bool(state in ("assigned", "accepted", "in_progress") and body["opd"] == opd)
    if action == "forward":
        return bool(state == "forwarded" and body["partner"] == given.fields["partner"])
    if action == "archive":
        return bool(state == "archived" and body["archived_why"] == "archived")
    if action == "reopen":
        return bool(state == "in_progress" and _last_action(body) in ("reopen", "debt_due"))
    if action == "verify":
        return body["verified"] is not None and bool(body["class_confirmed"])
    if action == "acknowledge":
        return not body["conflicts"]
    if action == "answer":
        return bool(state == "answered" and body["said"] == _said(given, "text"))
    if action == "ask":
        return bool(state == "awaiting_reporter" and body["said"] == _said(given, "question"))
    if action == "close-conditionally":
        same = body["follow_up"] == _follow_up(given)
        return bool(state == "conditionally_closed" and same)
    return False


def _last_action(body: Body) -> str | None:
    return body["entries"][-1]["action"] if body["entries"] else None


def _said(given: Given, name: str) -> str:
    """Return what tells one text from another, without keeping it in clear."""
    return fingerprint(given.text(name).encode())


def _follow_up(given: Given) -> dict[str, Any]:
    return {
        "on": str(given.fields["on"]),
        "fiscal_year": given.fields["fiscal_year"],
        "unit": given.text("unit"),
    }


def _words(given: Given, **names: str) -> dict[str, str]:
    """Return the texts that were sent; names: what it is here = what it is called there."""
    return {ours: given.text(theirs) for ours, theirs in names.items() if given.text(theirs)}


def _verified(body: Body, now: datetime) -> dict[str, Any]:
    """A coordinator who sends a case on has verified it."""
    return {"verified": body["verified"] or {"at": iso(now), "by": "coordinator"}}


_Make = Callable[[Body, Given, Who, datetime, Rules], Details | None]


def _plain(_b: Body, given: Given, _w: Who, _n: datetime, _r: Rules) -> Details:
    return Details(words=_words(given, reason="reason"))


def _assign(body: Body, given: Given, _w: Who, now: datetime, rules: Rules) -> Details:
    opd, copies = given.fields["opd"], tuple(given.fields.get("copies") or ())
    for name, codes in (("opd", (opd,)), ("copies", copies)):
        if any(code not in rules.reference.offices for code in codes):
            raise Problem("unknown_reference", errors=invalid(name, "names no office").errors)
    if body["oversight"] and (opd != rules.reference.tenant.oversight or copies):
        raise invalid("opd", "an oversight case is for the inspectorate alone")
    changes = {"opd": opd, "copies": list(copies), "withheld": False, **_verified(body, now)}
    return Details(changes=changes, words=_words(given, note="note"))


def _forward(body: Body, given: Given, _w: Who, now: datetime, _r: Rules) -> Details:
    changes = {"partner": given.fields["partner"], **_verified(body, now)}
    return Details(changes=changes, words=_words(given, reason="reason"))


def _end(body: Body, given: Given, _w: Who, now: datetime, _r: Rules) -> Details:
    return Details(
        changes={"archived_why": "archived", **_verified(body, now)},
        words=_words(given, reason="reason"),
        public_reason=given.text("reason"),
        reason_code="by_coordinator",
    )


def _close(_b: Body, given: Given, _w: Who, _n: datetime, _r: Rules) -> Details:
    return Details(
        words=_words(given, reason="reason"),
        public_reason=given.text("reason"),
        reason_code="by_coordinator",
    )


def _ask(_b: Body, given: Given, _w: Who, _n: datetime, _r: Rules) -> Details:
    changes = {"said": _said(given, "question")}
    return Details(changes=changes, words=_words(given, question="question"))


def _return(_b: Body, given: Given, _w: Who, _n: datetime, rules: Rules) -> Details:
    proposed = given.text("proposed")
    words = _words(given, reason="reason")
    if proposed not in rules.reference.offices:
        words |= {"proposed": proposed}
        proposed = ""
    return Details(
        changes={"proposed": proposed or None},
        words=words,
        reason_code="not_our_authority",
    )


def _answer(body: Body, given: Given, who: Who, _n: datetime, rules: Rules) -> Details:
    wanted = tuple(dict.fromkeys(given.fields.get("evidence") or ()))
    if any(id not in given.evidence for id in wanted):
        raise Problem(
            "unknown_reference", errors=invalid("evidence", "names no evidence of this case").errors
        )
    if rules.physical(body["category"]) and not wanted:
        raise invalid("evidence", "is needed: the category is about physical work")
    return Details(
        changes={"said": _said(given, "text"), "answered_by": "office"},
        words=_words(given, answer="text"),
        answer_kind="final",
        evidence=tuple(given.evidence[id] for id in wanted),
        unit=who.opd,
    )


def _close_conditionally(_b: Body, given: Given, who: Who, now: datetime, _r: Rules) -> Details:
    follow_up = _follow_up(given)
    if follow_up["on"] <= iso(now)[:10]:
        raise invalid("on", "must be a day to come")
    return Details(
        changes={"follow_up": follow_up},
        words=_words(given, answer="reason"),
        answer_kind="conditional",
        reason_code="needs_planning",
        unit=who.opd,
    )


def _reclassify(body: Body, given: Given, _w: Who, now: datetime, rules: Rules) -> Details | None:
    sent = {name: value for name, value in given.fields.items() if value is not None}
    for name, known in (
        ("category", rules.reference.categories),
        ("area", rules.reference.areas),
    ):
        if name in sent and sent[name] not in known:
            raise Problem("unknown_reference", errors=invalid(name, "is not known").errors)
    changes: dict[str, Any] = {
        name: sent[name]
        for name in ("class", "category", "area", "anonymous", "confidential")
        if name in sent
    }
    if "class" in changes:
        oversight = changes["class"] == "pengaduan_berkadar_pengawasan"
        changes |= {"class_confirmed": True, "oversight": oversight}
        if oversight:
            # Who has it now may be who it is about: from here on only the inspectorate sees it.
            withheld = body["opd"] not in (None, rules.reference.tenant.oversight)
            changes |= {"confidential": True, "withheld": withheld}
    elif body["oversight"] and changes.get("confidential") is False:
        raise invalid("confidential", "an oversight case stays confidential")
    words = _words(given, title="title")
    if not words and all(body[name] == value for name, value in changes.items()):
        return None
    return Details(changes={**changes, **_verified(body, now)}, words=words)


def _verify(body: Body, _g: Given, _w: Who, now: datetime, _r: Rules) -> Details:
    return Details(changes={"class_confirmed": True, **_verified(body, now)})


def _acknowledge(_b: Body, _g: Given, _w: Who, _n: datetime, _r: Rules) -> Details:
    return Details(changes={"conflicts": []})


_DETAILS: Final[Mapping[str, _Make]] = {
    "accept": _plain,
    "start": _plain,
    "triage": _plain,
    "reopen": _plain,
    "assign": _assign,
    "forward": _forward,
    "reject": _end,
    "archive": _end,
    "close": _close,
    "ask": _ask,
    "return": _return,
    "answer": _answer,
    "close-conditionally": _close_conditionally,
    "reclassify": _reclassify,
    "verify": _verify,
    "acknowledge": _acknowledge,
}

__all__ = ["Given", "allowed_for", "command"]
