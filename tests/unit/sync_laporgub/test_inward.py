"""What a partner's ticket means: news once, nothing of our own, nothing guessed."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from aduan.clock import iso
from aduan.contracts.events import MirrorChanged
from aduan.contracts.values import State
from aduan_sync_laporgub.adapters.reference import load_partners
from aduan_sync_laporgub.domain.case import Decision, Link, MirrorCase, Report
from aduan_sync_laporgub.domain.inward import take_over
from aduan_sync_laporgub.domain.remote import RemoteEntry, RemoteState

REFERENCE = Path(__file__).resolve().parents[3] / "reference"
WORDS = load_partners(REFERENCE, (), ("laporgub",)).words["laporgub"]
NOW = datetime(2026, 12, 1, 2, tzinfo=UTC)
RECEIVED = NOW - timedelta(days=1)
ID = "00000000-0000-7000-8000-000000000001"


def a_case(
    state: State | None = "assigned", *, confidential: bool = False, **link: Any
) -> MirrorCase:
    """Return a case with a ticket at LaporGub."""
    return MirrorCase(
        id=ID,
        tenant="33.74",
        ticket="SMG-1",
        report=Report(received_at=iso(RECEIVED)),
        anonymous=False,
        confidential=confidential,
        state=state,
        decision=Decision(kind="linked", reason_code="mirrored", system="laporgub", at=iso(NOW)),
        links={"laporgub": Link(remote_ticket="LGWP1", **link)},
    )


def entry(number: int, title: str, *, ref: str | None = None, at: datetime = NOW) -> RemoteEntry:
    """Return a timeline entry."""
    return RemoteEntry(f"laporgub:LGWP1-{number}", title, at, f"Isi {number}.", ref)


def heard(
    case: MirrorCase, raw: str, *entries: RemoteEntry, wall: datetime = NOW
) -> tuple[MirrorCase, list[MirrorChanged]]:
    """Take over and return the news."""
    case, emits = take_over(
        case,
        "laporgub",
        RemoteState(raw, entries),
        WORDS,
        seal=lambda text, about: f"sealed({about})",
        now=NOW,
        wall=wall,
        next_pull_at=iso(wall + timedelta(hours=3)),
    )
    return case, [emit.data for emit in emits if isinstance(emit.data, MirrorChanged)]


def kinds(news: list[MirrorChanged]) -> list[tuple[str, str | None, str | None]]:
    """Return kind, status and reason of each."""
    return [(one.kind, one.status, one.reason_code) for one in news]


def test_news_are_told_once_however_often_they_are_read() -> None:
    """The second reading of the same ticket tells nothing."""
    entries = (entry(1, "Laporan diterima"), entry(2, "Tanggapan"))
    case, first = heard(a_case(), "progres", *entries)
    case, second = heard(case, "progres", *entries)

    assert [("answer", "answered", None), ("status", None, "fits")] == kinds(first)
    assert [] == second


def test_a_fresh_ticket_that_waits_is_no_news() -> None:
    """The receipt and its first status say nothing that we do not know."""
    _, news = heard(a_case(None), "belum dijawab", entry(1, "Laporan diterima"))

    assert [] == news


@pytest.mark.parametrize("how", ["reference", "key"])
def test_our_own_entry_is_dropped_by_reference_and_by_key(how: str) -> None:
    """A crash may have kept us from recording the key; the reference still tells."""
    ours = entry(2, "Tanggapan", ref=f"aduan:{ID}:4" if how == "reference" else None)
    wrote = (ours.key,) if how == "key" else ()
    _, news = heard(a_case(raw_status="progres", wrote=wrote), "progres", ours)

    assert [] == news


def test_an_entry_of_another_case_s_reference_is_not_ours() -> None:
    """Somebody copied a reference: it is news, not an echo."""
    foreign = entry(2, "Tanggapan", ref="aduan:00000000-0000-7000-8000-000000000009:1")
    _, news = heard(a_case(raw_status="progres"), "progres", foreign)

    assert ["answer"] == [one.kind for one in news]


def test_our_own_refusal_is_not_read_as_theirs_behind_an_older_entry() -> None:
    """They verified, we then said "not ours": read together, only the verification is news."""
    entries = (entry(2, "Verifikasi"), entry(3, "Bukan wewenang", ref=f"aduan:{ID}:1"))
    _, news = heard(a_case("forwarded", told="bukan wewenang"), "bukan wewenang", *entries)

    assert [("status", None, "fits")] == kinds(news)


def test_their_word_after_our_closing_is_a_reopening() -> None:
    """We closed, they went on: told as reopened although no reading lay in between."""
    entries = (entry(2, "Selesai", ref=f"aduan:{ID}:1"), entry(3, "Progres"))
    case, news = heard(a_case("closed", told="selesai"), "progres", *entries)

    assert [("reopened", "in_progress", None)] == kinds(news)
    assert case.links["laporgub"].told is None


@pytest.mark.parametrize(
    ("state", "raw", "expected"),
    [
        ("in_progress", "verifikasi", ("status", None, "fits")),
        ("answered", "progres", ("status", None, "fits")),
        ("conditionally_closed", "selesai", ("status", None, "fits")),
        ("forwarded", "progres", ("status", None, "fits")),
        ("forwarded", "selesai", ("status", "closed", None)),
        ("forwarded", "bukan wewenang", ("reroute_requested", None, "refused_there")),
        ("returned", "bukan wewenang", ("status", None, "fits")),
        ("in_progress", "spam", ("status", "archived", None)),
        ("in_progress", "tidak layak", ("status", "rejected", None)),
        ("in_progress", "dikembalikan", ("status", "awaiting_reporter", None)),
        ("in_progress", "menunggu rapat", ("status", None, "unknown_status")),
    ],
)
def test_a_word_means_what_the_table_says(
    state: State, raw: str, expected: tuple[str, str | None, str | None]
) -> None:
    """The raw word is always kept; only what contradicts our state claims one."""
    _, news = heard(a_case(state, raw_status="belum dijawab"), raw)

    assert [expected] == kinds(news)
    assert [raw] == [one.raw_status for one in news]


def test_a_second_refusal_says_so() -> None:
    """The coordinator sees ping-pong."""
    _, news = heard(a_case("forwarded", raw_status="progres", returns=1), "bukan wewenang")

    assert [("reroute_requested", None, "second_return")] == kinds(news)


def test_a_partner_s_clock_cannot_answer_in_the_future_or_before_the_report() -> None:
    """remote_at stops a deadline clock: never later than our receipt, never before the case."""
    times = [NOW + timedelta(hours=2), NOW - timedelta(hours=2), NOW - timedelta(days=9)]
    entries = [entry(n, "Tanggapan", at=at) for n, at in enumerate(times)]
    _, news = heard(a_case(raw_status="progres"), "progres", *entries)

    assert [NOW, times[1], RECEIVED] == [one.remote_at for one in news]


def test_words_about_a_confidential_case_stay_behind_a_reference() -> None:
    """Sealed here, bound to the case and the entry; the event has no text."""
    case, news = heard(
        a_case(confidential=True, raw_status="progres"), "progres", entry(2, "Tanggapan")
    )

    assert [None] == [one.text for one in news]
    assert [f"/v1/mirrors/{ID}/content?key=laporgub:LGWP1-2"] == [one.content_ref for one in news]
    assert "Isi 2" not in str(case.body())
    assert f"sealed(cases:{ID}:laporgub:LGWP1-2)" in str(case.body())


@pytest.mark.parametrize(("days", "watched"), [(0, True), (29, True), (31, False)])
def test_a_finished_ticket_is_watched_for_thirty_days(days: int, watched: bool) -> None:
    """A late reopening is seen; the list of tickets to look after does not grow for ever."""
    case, _ = heard(a_case("closed", raw_status="progres"), "selesai")
    case, _ = heard(case, "selesai", wall=NOW + timedelta(days=days))

    assert watched == (case.links["laporgub"].next_pull_at is not None)
