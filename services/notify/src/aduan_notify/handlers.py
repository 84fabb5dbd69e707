"""What each event adds to the ledger of its case. Pure; letters are only owed here, never sent.

Order between producers: nothing runs before complaint.created (the inbox holds it). A clock event
or a mirror change may come before routing's events of the same moment: what is decided here is read
from the event itself, and what depends on the case is asked when the letter is sent.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any, Final

from aduan.cases import Handler, Handlers
from aduan.clock import iso
from aduan.contracts.envelope import NOTHING, Incoming, Reaction
from aduan.contracts.values import MirrorKind
from aduan.errors import Poison
from aduan.retention import marks
from aduan.storage.port import Body
from aduan_notify.domain.causes import OWN, TOLD, Cause, cause_of
from aduan_notify.owing import UNITS, Rules, owe
from aduan_notify.views import (
    OVERSIGHT,
    AssignedView,
    BreachedView,
    CaseView,
    CreatedView,
    ElapsedView,
    MirrorView,
    ProgressedView,
    WarnedView,
)

MIRROR_CAUSES: Final[dict[MirrorKind, Cause]] = {
    "failed": "mirror_failed",
    "reroute_requested": "mirror_reroute",
}


def on_created(
    _body: Body | None, event: Incoming[CreatedView], now: datetime, *, rules: Rules
) -> Reaction:
    """Open the ledger of a complaint and owe the reporter a receipt, or say why there is none.

    Raises Poison for a tenant whose reference data is not here: nobody could be told anything.
    """
    if event.tenant not in rules.oversight_units:
        raise Poison("no reference data for this tenant")
    data = event.data
    oversight = data.class_hint == OVERSIGHT
    body: Body = {
        "tenant": event.tenant,
        "ticket": data.ticket,
        "received_at": iso(data.received_at),
        "reachable_by": list(data.reporter.reachable_by),
        "anonymous": data.anonymous,
        "confidential": data.confidential or oversight,
        "oversight": oversight,
        "opd": None,
        "test": data.test,
        "rows": [],
        **marks(event.tenant, event.subject),
    }
    return owe(body, event, now, rules, "received", oversight=oversight)


def on_assigned(
    body: Body | None, event: Incoming[AssignedView], now: datetime, *, rules: Rules
) -> Reaction:
    """Owe the new office its letter and the reporter the name of who is responsible."""
    if body is None:
        return NOTHING
    case = event.data.case
    return owe(
        _with_facts(body, case, event.data.opd.code),
        event,
        now,
        rules,
        "assigned",
        unit=event.data.opd.code,
        oversight=_is_oversight(case),
    )


def on_progressed(
    body: Body | None, event: Incoming[ProgressedView], now: datetime, *, rules: Rules
) -> Reaction:
    """Owe what the table says about this transition; remember the flags of the case."""
    if body is None:
        return NOTHING
    data = event.data
    now_known = _with_facts(body, data.case, data.case.opd)
    cause = cause_of(
        data.from_state,
        data.to_state,
        data.actor.kind,
        reason_code=data.reason_code,
        action=data.action,
    )
    if cause is None:
        return NOTHING if now_known == body else Reaction(body=now_known)
    audiences = TOLD[cause]
    unit = data.case.opd or data.actor.opd
    if unit is None:
        audiences = tuple(one for one in audiences if one not in UNITS)  # nobody had the case
    facts: dict[str, Any] = {}
    if data.follow_up is not None:
        facts |= {"follow_up_on": data.follow_up.on, "follow_up_year": data.follow_up.fiscal_year}
    if partner := data.partner or data.origin:
        facts["partner"] = partner
    return owe(
        now_known,
        event,
        now,
        rules,
        cause,
        audiences=audiences,
        unit=unit,
        facts=facts,
        own=OWN.get(data.actor.kind),
        oversight=_is_oversight(data.case),
    )


def on_warned(
    body: Body | None, event: Incoming[WarnedView], now: datetime, *, rules: Rules
) -> Reaction:
    """Owe a reminder to whom the event names."""
    return _on_clock(body, event, now, rules, "sla_warned", {})


def on_breached(
    body: Body | None, event: Incoming[BreachedView], now: datetime, *, rules: Rules
) -> Reaction:
    """Owe the letters of a missed deadline, or of this level of its escalation."""
    return _on_clock(body, event, now, rules, "sla_breached", {"level": event.data.level})


def on_elapsed(
    body: Body | None, event: Incoming[ElapsedView], now: datetime, *, rules: Rules
) -> Reaction:
    """Owe the reminder of a promise; what the other timers do is told by routing's transition."""
    if body is None or event.data.timer != "debt_due":
        return NOTHING
    facts = {"due_at": iso(event.data.due_at), "clock": "debt"}
    return owe(body, event, now, rules, "debt_due", facts=facts)


def on_mirror(
    body: Body | None, event: Incoming[MirrorView], now: datetime, *, rules: Rules
) -> Reaction:
    """Owe the coordinator what a person has to look at; the rest is told by routing's events."""
    cause = MIRROR_CAUSES.get(event.data.kind)
    if body is None or cause is None:
        return NOTHING
    facts = {"partner": event.data.system} if event.data.system else {}
    return owe(body, event, now, rules, cause, facts=facts)


def _on_clock(
    body: Body | None,
    event: Incoming[WarnedView] | Incoming[BreachedView],
    now: datetime,
    rules: Rules,
    cause: Cause,
    more: Mapping[str, Any],
) -> Reaction:
    if body is None:
        return NOTHING
    data = event.data
    return owe(
        body,
        event,
        now,
        rules,
        cause,
        audiences=tuple(one for one in TOLD[cause] if one in data.audience),
        unit=data.opd,
        facts={"due_at": iso(data.due_at), "clock": data.clock, **more},
        oversight=data.report_class == OVERSIGHT,
    )


def _is_oversight(case: CaseView) -> bool:
    return case.oversight or case.report_class == OVERSIGHT


def _with_facts(body: Body, case: CaseView, opd: str | None) -> Body:
    oversight = _is_oversight(case)
    return {
        **body,
        "confidential": case.confidential or oversight,
        "oversight": oversight,
        "opd": opd,
    }


def table(rules: Rules) -> Handlers:
    """Return topic -> handler. complaint.replied and sla.scheduled are told to nobody."""
    return {
        "complaint.created": Handler(CreatedView, partial(on_created, rules=rules)),
        "complaint.assigned": Handler(AssignedView, partial(on_assigned, rules=rules)),
        "complaint.progressed": Handler(ProgressedView, partial(on_progressed, rules=rules)),
        "sla.warned": Handler(WarnedView, partial(on_warned, rules=rules)),
        "sla.breached": Handler(BreachedView, partial(on_breached, rules=rules)),
        "sla.elapsed": Handler(ElapsedView, partial(on_elapsed, rules=rules)),
        "mirror.changed": Handler(MirrorView, partial(on_mirror, rules=rules)),
    }
