"""The life of a job: claimed once, in doubt after a lost answer, later each time."""

from datetime import UTC, datetime, timedelta

import pytest

from aduan.clock import iso
from aduan_sync_laporgub.domain import jobs
from aduan_sync_laporgub.domain.case import Decision, Job, Link, MirrorCase, Report, read

NOW = datetime(2026, 12, 1, 2, tzinfo=UTC)
LEASE = timedelta(seconds=17)
DOUBT = timedelta(seconds=30)
ID = "00000000-0000-7000-8000-000000000001"


def a_case(*owed: Job, link: Link | None = None) -> MirrorCase:
    """Return a case at an office that owes these calls."""
    return MirrorCase(
        id=ID,
        tenant="33.74",
        ticket="SMG-1",
        report=Report(text="Lampu mati.", received_at=iso(NOW)),
        anonymous=False,
        confidential=False,
        state="assigned",
        decision=Decision(kind="not_due", reason_code="undecided", at=iso(NOW)),
        links={"laporgub": link} if link else {},
        jobs=owed,
    )


def a_submission() -> Job:
    """Return a submission that nobody has tried."""
    return Job(
        kind="submit",
        system="laporgub",
        ref=f"aduan:{ID}",
        created_at=iso(NOW),
        cause=("a", "b", "c"),
    )


def claimed(case: MirrorCase, wall: datetime = NOW) -> MirrorCase:
    """Claim and expect it to work."""
    found = jobs.claim(case, "laporgub", wall=wall, lease=LEASE)
    assert found is not None
    return found


def head(case: MirrorCase) -> Job:
    """Return the job whose turn it is."""
    job = case.head("laporgub")
    assert job is not None
    return job


def test_a_claimed_job_is_marked_before_the_call_and_nobody_else_takes_it() -> None:
    """`submitting` with a lease; a second claim gets nothing until the lease is over."""
    case = claimed(a_case(a_submission()))

    assert ("submitting", 1, False) == (head(case).state, head(case).tries, head(case).look_first)
    assert jobs.claim(case, "laporgub", wall=NOW + LEASE / 2, lease=LEASE) is None
    assert jobs.claim(case, "sp4n", wall=NOW + LEASE * 2, lease=LEASE) is None


def test_a_job_that_was_left_in_the_middle_is_looked_up_first() -> None:
    """Whoever takes it after a crash knows that it may be there, and says so before trying."""
    case = claimed(claimed(a_case(a_submission())), NOW + LEASE * 2)

    assert (True, True) == (head(case).look_first, head(case).possible_repeat)


@pytest.mark.parametrize(("stored", "state"), [(False, "ready"), (None, "submitting")])
def test_a_failed_try_keeps_what_is_known_about_it(stored: bool | None, state: str) -> None:
    """Surely not stored: ready again. Unknown: still in doubt."""
    case, emits = jobs.put_back(
        claimed(a_case(a_submission())),
        f"aduan:{ID}",
        stored=stored,
        wall=NOW,
        jitter=0.0,
        doubt=DOUBT,
    )

    assert state == head(case).state
    assert () == emits


@pytest.mark.parametrize(("stored", "seconds"), [(False, 1), (None, 30)])
def test_an_unanswered_call_is_given_time_before_anybody_looks(
    stored: bool | None, seconds: int
) -> None:
    """A slow partner may store after we hung up; looking at once would find nothing."""
    case, _ = jobs.put_back(
        claimed(a_case(a_submission())), f"aduan:{ID}", stored=stored, wall=NOW, jitter=0.0,
        doubt=DOUBT,
    )  # fmt: skip

    assert iso(NOW + timedelta(seconds=seconds)) == head(case).next_at


def test_doubt_is_not_forgotten_by_a_later_refused_connection() -> None:
    """First a time-out, then no connection: the first try may still have been stored."""
    case, _ = jobs.put_back(
        claimed(a_case(a_submission())),
        f"aduan:{ID}",
        stored=None,
        wall=NOW,
        jitter=0.0,
        doubt=DOUBT,
    )
    case = claimed(case, NOW + timedelta(minutes=1))
    case, _ = jobs.put_back(case, f"aduan:{ID}", stored=False, wall=NOW, jitter=0.0, doubt=DOUBT)

    assert head(claimed(case, NOW + timedelta(hours=1))).look_first


def test_the_wait_doubles_up_to_a_quarter_of_an_hour() -> None:
    """Without jitter half of 2, 4, 8 ... seconds; never beyond the most, with it at most the whole."""
    waits = [jobs.back_off(tries, 0.0).total_seconds() for tries in (1, 2, 3, 4, 30, 5000)]

    assert [1, 2, 4, 8, 450, 450] == waits
    assert timedelta(seconds=2) == jobs.back_off(1, 1.0)


def test_a_coordinator_hears_of_a_long_outage_once() -> None:
    """At the eighth try, and not at the ninth."""
    case, told = a_case(a_submission()), []
    for number in range(12):
        wall = NOW + timedelta(hours=number)
        case, emits = jobs.put_back(
            claimed(case, wall), f"aduan:{ID}", stored=False, wall=wall, jitter=0.5, doubt=DOUBT
        )
        told.append(len(emits))

    assert [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0] == told


def test_a_ticket_is_linked_once_whoever_comes_second() -> None:
    """A late worker with another ticket changes nothing and tells nothing."""
    first, told = jobs.linked(
        a_case(a_submission()), "laporgub", "LGWP1", now=NOW, next_pull_at=iso(NOW)
    )
    second, again = jobs.linked(first, "laporgub", "LGWP2", now=NOW, next_pull_at=iso(NOW))

    assert ("linked", "LGWP1", ()) == (
        second.decision.kind, second.links["laporgub"].remote_ticket, again,
    )  # fmt: skip
    assert 1 == len(told)
    assert () == second.jobs


def test_a_refused_push_is_told_and_the_next_one_goes_on() -> None:
    """One entry that the partner never takes must not hold the rest of the case."""
    push = a_submission().model_copy(update={"kind": "push", "ref": f"aduan:{ID}:1"})
    after = push.model_copy(update={"ref": f"aduan:{ID}:2"})
    case = a_case(push, after, link=Link(remote_ticket="LGWP1"))

    case, emits = jobs.refused(case, push.ref, "invalid", now=NOW)

    assert after.ref == head(case).ref
    assert ["mirror.changed"] == [emit.topic for emit in emits]


def test_a_stored_case_is_read_back_as_it_was() -> None:
    """The document is the whole memory."""
    case = claimed(a_case(a_submission(), link=Link(remote_ticket="LGWP1", seen=("a",))))

    assert case == read(case.body())
