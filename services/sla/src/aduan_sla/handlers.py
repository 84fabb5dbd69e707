"""What sla does when it hears something. Each says what happens when the other event comes first.

The core applies the events of one stream of a case in order and once, and intake's first event
before any other. Between the streams there is no order: the clocks are a fold of facts by the time
at which they occurred, so an event that is a week late gives the clocks it would have given then.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from functools import partial

from aduan.cases import Handler, Handlers
from aduan.contracts.envelope import Incoming, Reaction
from aduan.errors import Poison
from aduan.retention import expires_at
from aduan.storage.port import Body
from aduan_sla.domain.calendar import CalendarMissing
from aduan_sla.domain.case import SlaCase, from_body
from aduan_sla.domain.facts import Fact, Opening
from aduan_sla.domain.policy import Rulebook, UnknownTenant
from aduan_sla.domain.schedule import reschedule
from aduan_sla.domain.telling import Told, due_now
from aduan_sla.notices import emit, scheduled
from aduan_sla.views import AssignedView, CaseView, CreatedView, ProgressedView, RepliedView

Rulebooks = Mapping[str, Rulebook]


def table(books: Rulebooks) -> Handlers:
    """Return which function answers which topic. books: by tenant."""
    return {
        "complaint.created": Handler(CreatedView, partial(on_created, books=books)),
        "complaint.replied": Handler(RepliedView, partial(on_replied, books=books)),
        "complaint.assigned": Handler(AssignedView, partial(on_assigned, books=books)),
        "complaint.progressed": Handler(ProgressedView, partial(on_progressed, books=books)),
    }


def on_created(
    body: Body | None, event: Incoming[CreatedView], _now: datetime, *, books: Rulebooks
) -> Reaction:
    """Start the clocks that run from the receipt.

    Twice: the second does nothing. A week late: the clocks start at received_at all the same, and
    what was missed meanwhile is told by the next tick. A test complaint gets no document.
    """
    if body is not None or event.data.test:
        return Reaction()
    opening = Opening(event.data.received_at, event.data.class_hint)
    case = SlaCase(
        tenant=event.tenant,
        ticket=event.data.ticket,
        opening=opening,
        expires_at=expires_at(event.tenant, event.subject),
    )
    return _settle(case, case, event.id, books)


def on_replied(
    body: Body | None, event: Incoming[RepliedView], _now: datetime, *, books: Rulebooks
) -> Reaction:
    """Let no timer of the case elapse until routing has spoken about this reply.

    If routing's word came first, the reply is settled already. A week late: a timer that elapsed
    meanwhile stays told; routing undoes its effect where the reply lies before it.
    """
    if body is None:
        return Reaction()
    case = from_body(body)
    return _settle(case, case.replied(event.data.reply_id), event.id, books)


def on_assigned(
    body: Body | None, event: Incoming[AssignedView], _now: datetime, *, books: Rulebooks
) -> Reaction:
    """Take note of the new office. See on_progressed."""
    if body is None:
        return Reaction()
    case = from_body(body)
    known = _learn(case, _fact(event, event.data.case), event.data.case)
    return _settle(case, known, event.id, books)


def on_progressed(
    body: Body | None, event: Incoming[ProgressedView], _now: datetime, *, books: Rulebooks
) -> Reaction:
    """Take note of a change of state, class or OPD; anything else moves no clock.

    A week late: a stop or pause that occurred at or before a due date corrects the breach that was
    told of it; against a later one the breach stays.
    Raises Poison for a conditional closing that owes nothing: nobody would ever look at it again.
    """
    if body is None:
        return Reaction()
    case = from_body(body)
    data = event.data
    fact = _fact(event, data.case)
    if data.actor.kind == "partner" and data.case.state == "answered":
        given, published = sorted((event.time, data.case.answered_at or event.time))
        fact = replace(fact, at=given, entered_at=published)
    if fact.state == "conditionally_closed" and case.state != fact.state:
        if data.follow_up is None:
            raise Poison("a conditional closing without a follow-up date")
        fact = replace(fact, debt_on=_date(data.follow_up.on))
    known = _learn(case, fact, data.case)
    if data.reply_id is not None:
        known = known.answered_for(data.reply_id)
    return _settle(case, known, event.id, books)


def on_tick(
    body: Body | None,
    now: datetime,
    *,
    case_id: str,
    through: datetime,
    provisional: bool,
    books: Rulebooks,
) -> Reaction:
    """Tell what is due at `through`, a moment up to which all facts are known (or provisional).

    Twice: what was told is not told again. Raises UnknownTenant, CalendarMissing.
    """
    if body is None:
        return Reaction()
    before = from_body(body)
    rules = _rules(books, before.tenant)
    found = reschedule(before, rules)
    case = found.case
    ready = due_now(found.notices, through)
    emits = tuple(emit(one, case_id, case, rules, now, provisional=provisional) for one in ready)
    news = tuple(
        Told(one.kind, one.clock.name, one.clock.number, one.due_at, one.level, now, provisional)
        for one in ready
    )
    if news:
        case = reschedule(replace(case, told=(*case.told, *news)), rules).case
    if case == before:
        return Reaction()
    if _shows_more(before, case) or found.undone:
        cause = emits[0].event_id if emits and emits[0].event_id else rules.data_version
        emits = (*emits, scheduled(case, cause, found.undone))
    return Reaction(body=case.body(), emit=emits)


def _settle(before: SlaCase, case: SlaCase, cause: str, books: Rulebooks) -> Reaction:
    if case == before and case.data_version:
        return Reaction()
    try:
        found = reschedule(case, _rules(books, case.tenant))
    except (CalendarMissing, UnknownTenant) as error:
        raise Poison(str(error)) from error
    body = found.case.body()
    if not _shows_more(before, found.case) and not found.undone:
        return Reaction(body=body)
    return Reaction(body=body, emit=(scheduled(found.case, cause, found.undone),))


def _shows_more(before: SlaCase, after: SlaCase) -> bool:
    return (before.clocks, before.nearest) != (after.clocks, after.nearest)


def _rules(books: Rulebooks, tenant: str) -> Rulebook:
    try:
        return books[tenant]
    except KeyError:
        raise UnknownTenant(f"there are no policies for the tenant {tenant}") from None


def _learn(case: SlaCase, fact: Fact, seen: CaseView) -> SlaCase:
    verified = case.verified or seen.verified is not None
    return replace(case.learn(fact), area=seen.area or case.area, verified=verified)


def _fact(event: Incoming[AssignedView] | Incoming[ProgressedView], case: CaseView) -> Fact:
    answered = case.answered_at if case.state == "answered" else None
    return Fact(
        seq=event.seq,
        at=event.time,
        state=case.state,
        entered_at=answered or event.time,
        report_class=case.report_class if case.class_confirmed else None,
        opd=case.opd,
    )


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Poison("follow_up.on is no date") from None
