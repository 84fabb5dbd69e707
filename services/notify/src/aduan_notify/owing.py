"""Turns one cause into rows of the ledger: for each audience one, owed or skipped with a reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from aduan.contracts.envelope import Incoming, Reaction
from aduan.contracts.values import Audience
from aduan.storage.port import Body
from aduan_notify.domain.causes import TOLD, Cause
from aduan_notify.domain.ledger import Notice, record

UNITS: Final = frozenset(("office", "office_head"))


@dataclass(frozen=True, slots=True)
class Rules:
    """What the decisions need of reference data.

    oversight_units: tenant -> the only unit that may hear of a case "berkadar pengawasan".
    history_before: what happened earlier (domain time) builds state and is told to nobody.
    """

    oversight_units: Mapping[str, str]
    history_before: datetime | None = None


def owe(
    body: Body,
    event: Incoming[Any],
    now: datetime,
    rules: Rules,
    cause: Cause,
    *,
    audiences: Sequence[Audience] | None = None,
    unit: str | None = None,
    facts: Mapping[str, Any] | None = None,
    own: Audience | None = None,
    oversight: bool = False,
) -> Reaction:
    """Return the case with a row for each audience: pending, or skipped with its reason.

    audiences: whom, where not all of the table. unit: the office concerned. own: who did it
    himself. oversight: the event itself says that the case is "berkadar pengawasan".
    """
    notices = []
    for audience in TOLD[cause] if audiences is None else audiences:
        mine = unit if audience in UNITS else None
        skip = _skip(body, event, rules, audience, mine, own=own, oversight=oversight)
        # What the letter says about the office stays in its facts, whoever it is addressed to.
        said = {**(facts or {}), **({"unit": unit} if unit else {})}
        notices.append(
            Notice(event.id, cause, audience, event.time, mine, said, skip, event.recorded_trace)
        )
    return Reaction(body=record(body, notices, now))


def _skip(
    body: Body,
    event: Incoming[Any],
    rules: Rules,
    audience: Audience,
    unit: str | None,
    *,
    own: Audience | None,
    oversight: bool,
) -> str | None:
    """Return why nobody is told, as far as this event alone can say. The first reason wins."""
    if body["test"]:
        return "test"
    if rules.history_before is not None and event.time < rules.history_before:
        return "history"
    if audience == own:
        return "own_action"
    if unit is not None and oversight and unit != rules.oversight_units.get(event.tenant):
        return "oversight_accused"
    if audience == "reporter" and "email" not in body["reachable_by"]:
        return "anonymous_no_contact" if body["anonymous"] else "unreachable"
    return None
