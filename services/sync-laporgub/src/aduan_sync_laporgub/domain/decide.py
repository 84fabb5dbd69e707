"""The mirror decision of a case: exactly one at any time, from complaint.created on.

A case is submitted to one partner, by jurisdiction: the tenant's own partner once an office has it,
or the partner to whom routing forwarded it. What came from a partner is answered there and never
submitted there again.
"""

from datetime import datetime, timedelta
from typing import Final

from aduan.clock import iso
from aduan.contracts.envelope import Cause, Emit
from aduan.contracts.values import PartnerSystem, State
from aduan_sync_laporgub.domain.case import (
    AT_ONCE,
    Decision,
    DecisionKind,
    DecisionReason,
    Job,
    Link,
    MirrorCase,
    tell,
)
from aduan_sync_laporgub.domain.partners import Partners
from aduan_sync_laporgub.domain.systems import PARTNERS, SYSTEMS, MirrorSystem
from aduan_sync_laporgub.domain.words import Words

AT_AN_OFFICE: Final[frozenset[State]] = frozenset(
    {
        "assigned",
        "accepted",
        "in_progress",
        "awaiting_reporter",
        "answered",
        "conditionally_closed",
        "closed",
    }
)
LATE: Final = timedelta(hours=1)
FOR_A_HUMAN: Final = frozenset({"hop_loop", "second_return", "refused_by_partner"})
OVER: Final[frozenset[State]] = frozenset({"rejected", "archived"})

Step = tuple[MirrorCase, tuple[Emit, ...]]


def origin_system(case: MirrorCase) -> PartnerSystem | None:
    """Return the partner that a case came from, or None. Nothing ever comes from the echo."""
    found = case.origin.system if case.origin is not None else None
    return next((system for system in PARTNERS if system == found), None)


def first_decision(case: MirrorCase, partners: Partners, now: datetime) -> Step:
    """Decide what is known at complaint.created; nothing is ever due yet."""
    came_from = origin_system(case)
    if case.test:
        return decided(case, "not_due", "test", None, now)
    if came_from is not None and case.origin is not None:
        reachable = partners.at(case.tenant, came_from) is not None
        link = Link(
            remote_ticket=case.origin.external_id,
            came_from_there=True,
            next_pull_at=AT_ONCE if reachable else None,
        )
        case = case.with_link(came_from, link)
        return decided(case, "not_due", "came_from_there", came_from, now)
    if partners.target(case.tenant) is None:
        return decided(case, "not_due", "no_partner", None, now)
    return decided(case, "not_due", "undecided", None, now)


def follow(
    case: MirrorCase, partners: Partners, why: Cause, now: datetime, *, occurred_at: datetime
) -> Step:
    """Decide again after a routing event; `case` already has its facts.

    occurred_at: of the event. An old one may have been acted on by an earlier life of this service,
    so its submission looks first, back to that moment.
    """
    if case.test:
        return case, ()
    if case.state in OVER:
        return _forget_untried(case), ()
    system = _wanted(case, partners)
    if system is None:
        return case, ()
    words = partners.at(case.tenant, system)
    link = case.links.get(system)
    if link is not None:
        return _forwarded_again(case, system, link, now)
    if case.submitting_to(system):
        return _hold_what_became_confidential(case, system, words, now)
    if case.decision.system == system and case.decision.reason_code in FOR_A_HUMAN:
        return case, ()
    if words is None:
        return decided(case, "held", "no_partner", system, now)
    if case.origin is not None and system in case.origin.hops:
        return decided(case, "held", "hop_loop", system, now)
    if must_hold(case, words):
        return decided(case, "held", "confidential_unsupported", system, now)
    return _owe_submission(case, system, why, now, occurred_at=occurred_at), ()


def must_hold(case: MirrorCase, words: Words | None) -> bool:
    """Whether a confidential case may not be handed to this partner."""
    return case.confidential and (words is None or not words.supports_confidential)


def decided(
    case: MirrorCase,
    kind: DecisionKind,
    reason: DecisionReason,
    system: MirrorSystem | None,
    now: datetime,
) -> Step:
    """Replace the current decision and tell it; an unchanged decision is not told again."""
    new = Decision(kind=kind, reason_code=reason, system=system, at=iso(now))
    old = case.decision
    if case.state is not None and (old.kind, old.reason_code, old.system) == (kind, reason, system):
        return case, ()
    case = case.model_copy(update={"decision": new})
    return case, (tell(case, kind, system=system, reason_code=reason),)


def _wanted(case: MirrorCase, partners: Partners) -> MirrorSystem | None:
    if case.state == "forwarded":
        return case.forwarded_to
    if case.state in AT_AN_OFFICE and origin_system(case) is None:
        return partners.target(case.tenant)
    return None


def _forwarded_again(case: MirrorCase, system: MirrorSystem, link: Link, now: datetime) -> Step:
    """A case that goes back to a partner who has it: once is an answer, twice needs a human."""
    if case.state != "forwarded":
        if case.decision.reason_code != "second_return":
            return case, ()
        if link.came_from_there:
            return decided(case, "not_due", "came_from_there", system, now)
        return decided(case, "linked", "mirrored", system, now)
    if link.came_from_there:
        link = link.model_copy(update={"returned_there": link.returned_there + 1})
        case = case.with_link(system, link)
        ping_pong = link.returned_there > 1
    else:
        ping_pong = link.returns > 0
    if ping_pong:
        return decided(case, "held", "second_return", system, now)
    return case, ()


def _owe_submission(
    case: MirrorCase, system: MirrorSystem, why: Cause, now: datetime, *, occurred_at: datetime
) -> MirrorCase:
    # The first reference of a case names only the case, so a rebuilt store asks for the same one.
    job = Job(
        kind="submit",
        system=system,
        ref=f"aduan:{case.id}",
        created_at=iso(min(occurred_at, now)),
        look_first=now - occurred_at > LATE,
        cause=(why.causation_id, why.correlation_id, why.traceparent),
    )
    return case.model_copy(update={"jobs": (*case.jobs, job)})


def _hold_what_became_confidential(
    case: MirrorCase, system: MirrorSystem, words: Words | None, now: datetime
) -> Step:
    job = case.head(system)
    if job is None or not must_hold(case, words) or not _untried(job):
        # A tried submission may already be there: the sender looks, and never sends it again.
        return case, ()
    case = _without_jobs(case, system)
    return decided(case, "held", "confidential_unsupported", system, now)


def _forget_untried(case: MirrorCase) -> MirrorCase:
    for system in SYSTEMS:
        head = case.head(system)
        if head is not None and head.kind == "submit" and _untried(head):
            case = _without_jobs(case, system)
    return case


def _untried(job: Job) -> bool:
    return job.state == "ready" and job.tries == 0


def _without_jobs(case: MirrorCase, system: MirrorSystem) -> MirrorCase:
    jobs = tuple(job for job in case.jobs if job.system != system)
    return case.model_copy(update={"jobs": jobs})
