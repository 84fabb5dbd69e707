"""The life of a job: claimed before the call, settled after it, put back when it failed.

`submitting` is written before the call, so a crash or a time-out leaves a trace, and whoever takes
the job next looks before it calls. All times here are real times, handed in as text.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from aduan.clock import iso
from aduan.contracts.envelope import Emit
from aduan_sync_laporgub.domain.case import AT_ONCE, DecisionReason, Job, Link, MirrorCase, tell
from aduan_sync_laporgub.domain.decide import Step, decided
from aduan_sync_laporgub.domain.systems import MirrorSystem

NOTICE_AFTER_TRIES: Final = 8
BACKOFF_FIRST: Final = timedelta(seconds=2)
BACKOFF_MOST: Final = timedelta(minutes=15)


def claim(
    case: MirrorCase, system: MirrorSystem, *, wall: datetime, lease: timedelta
) -> MirrorCase | None:
    """Return the case with its due head job marked as under way; None when nothing is due.

    lease: how long nobody else takes it, longer than any call may last.
    """
    job = case.head(system)
    if job is None or job.next_at > iso(wall):
        return None
    in_doubt = job.state == "submitting"
    return case.with_job(
        job.model_copy(
            update={
                "state": "submitting",
                "tries": job.tries + 1,
                "look_first": job.look_first or in_doubt,
                "possible_repeat": job.possible_repeat or in_doubt,
                "next_at": iso(wall + lease),
            }
        )
    )


def put_back(
    case: MirrorCase,
    ref: str,
    *,
    stored: bool | None,
    wall: datetime,
    jitter: float,
    doubt: timedelta,
) -> Step:
    """Return the job to its queue after a failed try, later each time; tell of it once.

    stored: False when nothing was stored there, None when nobody knows. jitter: 0..1.
    doubt: how long a partner may still be storing what it did not answer; looking sooner could
    find nothing and make a double.
    """
    job = _job(case, ref)
    if job is None:
        return case, ()
    wait = back_off(job.tries, jitter)
    job = job.model_copy(
        update={
            "state": "ready" if stored is False else "submitting",
            "next_at": iso(wall + (wait if stored is False else max(wait, doubt))),
        }
    )
    case = case.with_job(job)
    if job.tries != NOTICE_AFTER_TRIES:
        return case, ()
    return case, (tell(case, "failed", system=job.system, reason_code="partner_unavailable"),)


def back_off(tries: int, jitter: float) -> timedelta:
    """Return the wait after the given number of tries: doubling, halved to whole by the jitter."""
    doubled = BACKOFF_FIRST * (1 << min(tries - 1, 20))
    return min(doubled, BACKOFF_MOST) * (0.5 + jitter / 2)


def linked(
    case: MirrorCase, system: MirrorSystem, ticket: str, *, now: datetime, next_pull_at: str
) -> Step:
    """Record the remote ticket of a submission; the first one wins, a second call does nothing."""
    case = case.model_copy(
        update={"jobs": tuple(j for j in case.jobs if (j.kind, j.system) != ("submit", system))}
    )
    if system in case.links:
        return case, ()
    case = case.with_link(system, Link(remote_ticket=ticket, next_pull_at=next_pull_at))
    return decided(case, "linked", "mirrored", system, now)


def pushed(case: MirrorCase, ref: str, remote_key: str) -> MirrorCase:
    """Record that a push stands there, so that it is recognised as ours when it comes back."""
    job = _job(case, ref)
    if job is None:
        return case
    case = case.without_job(ref)
    link = case.links.get(job.system)
    if link is None:
        return case
    wrote = link.wrote if remote_key in link.wrote else (*link.wrote, remote_key)
    return case.with_link(
        job.system, link.model_copy(update={"wrote": wrote, "told": job.status or link.told})
    )


def refused(case: MirrorCase, ref: str, reason_code: str, *, now: datetime) -> Step:
    """Give up a job that the partner will never take: a submission is held for a human."""
    job = _job(case, ref)
    if job is None:
        return case, ()
    if job.kind == "push":
        case = case.without_job(ref)
        return case, (tell(case, "failed", system=job.system, reason_code=reason_code),)
    failed = tell(case, "failed", system=job.system, reason_code=reason_code)
    case, held = held_back(case, job.system, "refused_by_partner", now=now)
    return case, (failed, *held)


def held_back(
    case: MirrorCase, system: MirrorSystem, reason: DecisionReason, *, now: datetime
) -> Step:
    """Drop everything owed to a partner and hold the case for a human."""
    jobs = tuple(job for job in case.jobs if job.system != system)
    case = case.model_copy(update={"jobs": jobs})
    return decided(case, "held", reason, system, now)


def mark_pull(case: MirrorCase, system: MirrorSystem) -> MirrorCase | None:
    """Ask for a fresh look at a ticket; None when one is already asked for."""
    link = case.links.get(system)
    if link is None or link.next_pull_at == AT_ONCE:
        return None
    return case.with_link(system, link.model_copy(update={"next_pull_at": AT_ONCE}))


def came_back(
    case: MirrorCase, system: MirrorSystem, *, position: int, ticket: str, now: datetime
) -> Step | None:
    """Act on a ticket of ours in a partner's inbound list; None when this row was seen before.

    The first sighting of a report that came from there is its own hand-over. Any other is a return:
    the first goes to routing, the second calls a human.
    """
    emits: Sequence[Emit] = ()
    if system not in case.links:
        case, emits = linked(case, system, ticket, now=now, next_pull_at=AT_ONCE)
    link = case.links[system]
    if position <= link.inbound_at:
        return None
    own_hand_over = link.came_from_there and link.returned_there <= link.returns
    returns = link.returns if own_hand_over else link.returns + 1
    link = link.model_copy(update={"inbound_at": position, "returns": returns})
    case = case.with_link(system, link)
    if own_hand_over:
        return case, tuple(emits)
    reason = "returned_to_us" if returns == 1 else "second_return"
    key = f"{system}:{ticket}:inbound:{position}"
    asked = tell(case, "reroute_requested", system=system, reason_code=reason, remote_key=key)
    if returns == 1:
        return case, (*emits, asked)
    case, held = decided(case, "held", "second_return", system, now)
    return case, (*emits, asked, *held)


def _job(case: MirrorCase, ref: str) -> Job | None:
    return next((job for job in case.jobs if job.ref == ref), None)
