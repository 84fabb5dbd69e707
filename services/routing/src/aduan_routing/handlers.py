"""What routing does when it hears something. Each says what happens when the other comes first.

The core applies one stream of a case in order and once, and intake's first event before any other.
Between the streams there is no order: what depends on it compares when the facts occurred.
"""

from datetime import datetime
from functools import partial
from typing import Any

from pydantic_core import to_json

from aduan.cases import Handler, Handlers
from aduan.clock import iso
from aduan.contracts.envelope import Incoming, Reaction
from aduan.errors import Poison
from aduan.retention import marks
from aduan.storage.port import Body
from aduan_routing.classify import Report
from aduan_routing.domain import mirror, replies, timers
from aduan_routing.domain.case import new_body
from aduan_routing.domain.fetching import fetch_job
from aduan_routing.domain.opening import opened
from aduan_routing.domain.rules import RuleBook, Rules
from aduan_routing.domain.words import keep
from aduan_routing.views import (
    CreatedView,
    ElapsedView,
    MirrorView,
    RepliedView,
    ScheduledView,
)


def on_created(
    body: Body | None, event: Incoming[CreatedView], now: datetime, *, rules: RuleBook
) -> Reaction:
    """Open the case and decide where it goes.

    Comes first by the inbox rule. Twice: the second does nothing. A week late: the same decision;
    what the others said meanwhile is drained right after it.
    Raises Poison for a tenant without reference data: nobody could be responsible.
    """
    if body is not None:
        return Reaction()
    data = event.data
    mine = _rules(rules, event.tenant)
    report = Report(
        text=data.text or "",
        title=data.title,
        place_text=data.place.text,
        area_code=data.place.area_code,
        lat=data.place.lat,
        lng=data.place.lng,
        citizen_word=data.citizen_word,
        class_hint=data.class_hint,
        category_hint=data.category_hint,
        opd_hint=data.opd_hint,
    )
    facts: dict[str, Any] = {
        "id": event.subject,
        "ticket": data.ticket,
        "test": data.test,
        "origin": data.origin.model_dump(mode="json") if data.origin else None,
        "received_at": iso(data.received_at),
        "occurred_on": data.occurred_on,
        "hints": {
            "citizen_word": data.citizen_word,
            "class_hint": data.class_hint,
            "category_hint": data.category_hint,
            "opd_hint": data.opd_hint,
            "area_code": data.place.area_code,
        },
        "anonymous": data.anonymous,
        "confidential": data.confidential,
        "attachments": len(data.attachments),
        **marks(event.tenant, event.subject),
    }
    if data.content_ref is not None and not data.test:
        facts["jobs"] = [fetch_job("report", data.content_ref, event.recorded_trace)]
    fresh = new_body(event.tenant, facts)
    if data.text is not None:
        said = {
            "title": data.title,
            "text": data.text,
            "place_text": data.place.text,
            "lat": data.place.lat,
            "lng": data.place.lng,
        }
        fresh = keep(fresh, "report", to_json(said).decode(), mine.vault)
    after, emits = opened(fresh, report, now, mine)
    return Reaction(after, emits)


def on_replied(
    body: Body | None, event: Incoming[RepliedView], now: datetime, *, rules: RuleBook
) -> Reaction:
    """Tell in exactly one event what became of a reply.

    Twice: dropped. A week late: it counts from when it was given, so it undoes what a timer did
    since, and is no objection to an answer that came out later.
    """
    if body is None:
        return Reaction()
    data = event.data
    reply = replies.Reply(
        reply_id=data.reply_id,
        kind=data.kind,
        at=data.replied_at,
        text=data.text,
        content_ref=data.content_ref,
        rating=data.rating,
        attachments=len(data.attachments),
        trace=event.recorded_trace,
    )
    after, emits = replies.replied(body, reply, now, _rules(rules, event.tenant))
    return Reaction(after, emits)


def on_scheduled(body: Body | None, event: Incoming[ScheduledView], _now: datetime) -> Reaction:
    """Keep the nearest and the oldest missed deadline, for the order of a desk.

    In any order: sla's last word counts.
    """
    if body is None:
        return Reaction()
    nearest = event.data.nearest
    known = nearest.model_dump(mode="json") if nearest is not None else None
    missed = [
        iso(clock.due_at)
        for clock in event.data.clocks
        if clock.state == "breached" and clock.ended_at is None and clock.due_at is not None
    ]
    overdue = min(missed, default=None)
    if (known, overdue) == (body["nearest"], body["overdue"]):
        return Reaction()
    revision = body["revision"] + 1
    return Reaction({**body, "nearest": known, "overdue": overdue, "revision": revision})


def on_elapsed(
    body: Body | None, event: Incoming[ElapsedView], now: datetime, *, rules: RuleBook
) -> Reaction:
    """Do what the timer is for, if the case is still in the state that it entered at its start.

    After a reply or a command that moved the case: nothing. Before a reply that was given earlier:
    that reply undoes it.
    """
    if body is None:
        return Reaction()
    data = event.data
    done = timers.elapsed(body, data.timer, data.started_at, now, _rules(rules, event.tenant))
    return Reaction() if done is None else Reaction(*done)


def on_mirror(
    body: Body | None, event: Incoming[MirrorView], now: datetime, *, rules: RuleBook
) -> Reaction:
    """Follow the partner where the case was forwarded; everything else is shown to a person.

    After the coordinator called the case back: a conflict. A week late: the answer counts from when
    the partner gave it.
    """
    if body is None:
        return Reaction()
    data = event.data
    change = mirror.Change(
        system=data.system,
        kind=data.kind,
        remote_ticket=data.remote_ticket,
        raw_status=data.raw_status,
        status=data.status,
        text=data.text,
        content_ref=data.content_ref,
        remote_at=data.remote_at,
        reason_code=data.reason_code,
    )
    after, emits = mirror.changed(body, change, now, _rules(rules, event.tenant))
    return Reaction(after, emits)


def table(rules: RuleBook) -> Handlers:
    """Return which function answers which topic. sla.warned and sla.breached change nothing here."""
    found: dict[str, Handler[Any]] = {
        "complaint.created": Handler(CreatedView, partial(on_created, rules=rules)),
        "complaint.replied": Handler(RepliedView, partial(on_replied, rules=rules)),
        "sla.scheduled": Handler(ScheduledView, on_scheduled),
        "sla.elapsed": Handler(ElapsedView, partial(on_elapsed, rules=rules)),
        "mirror.changed": Handler(MirrorView, partial(on_mirror, rules=rules)),
    }
    return found


def _rules(book: RuleBook, tenant: str) -> Rules:
    if tenant not in book:
        raise Poison("no reference data for this tenant")
    return book[tenant]
