"""The public timeline as a projection: what each event adds, and what it must not."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aduan.clock import iso
from aduan.contracts.envelope import Incoming
from aduan_intake import handlers
from aduan_intake.domain.replies import OFFERED, offered
from aduan_intake.domain.timeline import public_view
from aduan_intake.handlers import (
    AnswerView,
    AssignedView,
    BreachedView,
    CaseView,
    CorrectionView,
    MirrorView,
    NearestView,
    OfficeView,
    ProgressedView,
    ScheduledView,
)

NOW = datetime(2026, 12, 1, 2, tzinfo=UTC)
NAMES = {"DPU": "Dinas Pekerjaan Umum"}
Dict = Mapping[str, Any]


def a_body(**changes: Any) -> Dict:
    """A complaint that was just received."""
    return {
        "ticket": "SMG-7K2M9-QXA3F-Z",
        "state": "received",
        "confidential": False,
        "received_at": iso(NOW),
        "title": "Judul",
        "text": "Isi",
        "place": {"area_code": "33.74.01.1001", "lat": -6.9, "lng": 110.4, "text": "gang"},
        "timeline": [],
        "nearest": None,
        **changes,
    }


def an_event(data: Any, *, hours: float = 1) -> Incoming[Any]:
    """An event that occurred `hours` after the complaint was received."""
    return Incoming(
        id="e", topic="t", type="y", stream="routing", seq=1, subject="s", tenant="33.74",
        time=NOW + timedelta(hours=hours), causation_id="c", correlation_id="c", traceparent="",
        data=data,
    )  # fmt: skip


def progressed(
    state: str = "answered", *, confidential: bool = False, **more: Any
) -> ProgressedView:
    """complaint.progressed as intake reads it."""
    case = CaseView(state=state, confidential=confidential)
    return ProgressedView(case=case, citizen_text="Laporan dijawab.", **more)


def seen(body: Dict, *, known: bool = False, now: datetime = NOW) -> Dict:
    """What may be shown."""
    return public_view(body, known_reporter=known, now=now)


def test_an_assignment_names_the_office() -> None:
    """Which desk has it now."""
    case = CaseView(state="assigned", confidential=False)
    event = an_event(AssignedView(case=case, opd=OfficeView(code="DPU")))
    body = handlers.on_assigned(a_body(), event, NOW, names=NAMES).body
    assert body is not None

    assert "assigned" == body["state"]
    assert "Laporan diteruskan ke Dinas Pekerjaan Umum." == body["timeline"][0]["text"]


def test_an_answer_and_a_question_are_shown_unless_confidential() -> None:
    """The answer of an open case is public; of a confidential one it stays away."""
    answered = progressed(answer=AnswerView(text="Sudah diperbaiki."))
    asked = progressed("awaiting_reporter", question="Di mana?")
    hidden = progressed(confidential=True, answer=AnswerView(text="Rahasia."), question="Siapa?")
    lines = [
        (handlers.on_progressed(a_body(), an_event(data), NOW).body or {})["timeline"][0].get(
            "more"
        )
        for data in (answered, asked, hidden)
    ]

    assert ["Sudah diperbaiki.", "Di mana?", None] == lines


def test_lines_stand_in_the_order_in_which_things_happened() -> None:
    """However late an event of another service arrives."""
    first = handlers.on_progressed(a_body(), an_event(progressed(), hours=5), NOW).body
    mirror = MirrorView(kind="linked", system="laporgub", remote_ticket="LGWP10000001")
    both = handlers.on_mirror(first, an_event(mirror, hours=2), NOW).body
    assert both is not None

    assert ["Laporan juga tercatat di LaporGub dengan nomor LGWP10000001.", "Laporan dijawab."] == [
        line["text"] for line in both["timeline"]
    ]
    assert "answered" == both["state"]


def test_a_complaint_that_becomes_confidential_loses_its_words_in_clear() -> None:
    """They stay in the sealed field, for whoever claims them."""
    data = progressed("triage", confidential=True)
    body = handlers.on_progressed(a_body(), an_event(data), NOW).body
    assert body is not None

    assert (None, None) == (body["title"], body["text"])
    assert {"area_code": "33.74.01.1001", "lat": None, "lng": None, "text": None} == body["place"]
    assert (None, []) == (seen(body)["state"], seen(body)["timeline"])
    assert "triage" == seen(body, known=True)["state"]


@pytest.mark.parametrize(
    ("clock", "words"),
    [
        ("verify", "Laporan diverifikasi paling lambat Kamis, 3 Desember 2026 pukul 09.00 WIB."),
        ("reply_timeout", "Mohon jawaban Bapak/Ibu paling lambat Kamis, 3 Desember 2026 pukul 09.00 WIB."),
        ("of_tomorrow", "Batas waktu berikutnya: Kamis, 3 Desember 2026 pukul 09.00 WIB."),
    ],
)  # fmt: skip
def test_the_next_due_date_is_told_in_plain_words(clock: str, words: str) -> None:
    """Also a clock that a newer release has invented."""
    data = ScheduledView(nearest=NearestView(name=clock, due_at=NOW + timedelta(days=2)))
    body = handlers.on_scheduled(a_body(), an_event(data), NOW).body
    assert body is not None

    assert words == seen(body)["next_due"]["words"]
    assert "sudah terlewati" in seen(body, now=NOW + timedelta(days=3))["next_due"]["words"]


def test_without_a_running_clock_nothing_is_due() -> None:
    """A closed case owes nothing."""
    body = a_body(nearest={"name": "verify", "due_at": iso(NOW)})
    changed = handlers.on_scheduled(body, an_event(ScheduledView()), NOW).body
    assert changed is not None

    assert seen(changed)["next_due"] is None


def test_a_missed_deadline_is_admitted_once_and_taken_back_when_it_was_none() -> None:
    """Escalations are not for the public; a correction removes the line of its own clock alone."""

    def breach(clock: str, level: int) -> Incoming[Any]:
        return an_event(BreachedView(clock=clock, instance=1, level=level, due_at=NOW))

    body: Dict | None = a_body()
    for clock, level in (("verify", 0), ("verify", 1), ("complete", 0)):
        body = handlers.on_breached(body, breach(clock, level), NOW).body or body
    assert body is not None
    corrected = ScheduledView(corrects=(CorrectionView(clock="verify", instance=1),))
    after = handlers.on_scheduled(body, an_event(corrected), NOW).body
    assert after is not None

    assert 2 == len(body["timeline"])
    assert ["Batas waktu penyelesaian terlewati; pimpinan unit telah diberi tahu."] == [
        line["text"] for line in after["timeline"]
    ]


def test_an_unknown_state_of_a_newer_routing_is_shown_all_the_same() -> None:
    """A page that fails would be worse than a plain word."""
    body = handlers.on_progressed(a_body(), an_event(progressed("of_tomorrow")), NOW).body
    assert body is not None

    assert "Sedang diproses" == seen(body)["state_label"]


def test_only_what_is_linked_is_told_of_a_partner() -> None:
    """Decisions about mirroring are not for the citizen."""
    for kind in ("not_due", "held", "failed"):
        data = MirrorView(kind=kind, system="laporgub", remote_ticket="X")

        assert handlers.on_mirror(a_body(), an_event(data), NOW).body is None


def test_an_event_before_its_complaint_has_no_effect() -> None:
    """The inbox does not let it happen; the functions would not fail either."""
    every = [
        handlers.on_progressed(None, an_event(progressed()), NOW),
        handlers.on_scheduled(None, an_event(ScheduledView()), NOW),
        handlers.on_mirror(None, an_event(MirrorView(kind="linked")), NOW),
    ]

    assert all(reaction.body is None and not reaction.emit for reaction in every)


def test_what_a_page_offers_follows_the_state() -> None:
    """An answered case is rated or objected to; a rejected one takes nothing more."""
    kinds = {state: [kind for kind, _, _ in rows] for state, rows in OFFERED.items()}

    assert "reply" == kinds["awaiting_reporter"][0]
    assert ["rating", "objection", "reply"] == kinds["answered"]
    assert () == offered("rejected")
    assert ["supplement", "withdrawal"] == [kind for kind, _, _ in offered("in_progress")]
