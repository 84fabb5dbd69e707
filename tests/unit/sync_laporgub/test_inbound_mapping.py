"""From LaporGub's row to intake's body: flags, times, identity, and what may be kept of it."""

from pathlib import Path
from typing import Any

import pytest

from aduan_sync_laporgub.adapters.reference import load_partners
from aduan_sync_laporgub.domain.inbound import case_of, hand_over, parked_id, parked_row
from aduan_sync_laporgub.domain.remote import InboundReport

REFERENCE = Path(__file__).resolve().parents[3] / "reference"
WORDS = load_partners(REFERENCE, (), ("laporgub",)).words["laporgub"]


def a_row(**changes: Any) -> InboundReport:
    """Return a row as LaporGub lists it."""
    raw = {
        "urut": 7,
        "tiket": "LGWP10000001",
        "aduan": "Selokan mampet.",
        "lokasi": "Kelurahan Sekaran",
        "jenis": 1,
        "anonim": 0,
        "kanal": "Android",
        "dibuat": "2026-12-01 09:00:00",
        "pelapor": {"nama": "Wulan Contohwati", "telepon": "081100001234", "email": None},
        **changes,
    }
    return InboundReport(7, "LGWP10000001", None, raw)


@pytest.mark.parametrize(
    ("jenis", "confidential"),
    [(1, False), (0, True), ("1", False), ("0", True), (None, None), (2, None), ("", None), (True, None)],
)  # fmt: skip
def test_jenis_1_is_public_and_0_is_confidential(jenis: object, confidential: bool | None) -> None:
    """The opposite polarity of SP4N; anything unreadable is left out, never guessed."""
    assert confidential == hand_over(a_row(jenis=jenis), WORDS).get("confidential")


def test_a_row_without_flags_names_none() -> None:
    """Intake then counts it as anonymous and confidential."""
    body = hand_over(a_row(jenis=None, anonim=None), WORDS)

    assert set() == {"confidential", "anonymous"} & body.keys()


def test_the_body_says_where_it_came_from_and_whose_clock_it_was() -> None:
    """Origin with hops for the loop guard; a time without a zone is WIB."""
    body = hand_over(a_row(), WORDS)

    assert {"system": "laporgub", "external_id": "LGWP10000001", "hops": ["laporgub"]} == body[
        "origin"
    ]
    assert "LGWP10000001" == body["external_id"]
    assert "2026-12-01T02:00:00.000000Z" == body["reported_at"]
    assert {"name": "Wulan Contohwati", "phone": "081100001234"} == body["reporter"]


def test_the_same_row_gives_the_same_body() -> None:
    """Else the second POST would be a conflict instead of a repeat."""
    assert hand_over(a_row(), WORDS) == hand_over(a_row(), WORDS)


def test_a_mistyped_contact_does_not_keep_a_report_out() -> None:
    """The reporter is reached through LaporGub anyway; what cannot be used is left out."""
    person = {"nama": "Wulan Contohwati", "telepon": "nanti", "email": "wulan(at)x"}

    assert {"name": "Wulan Contohwati"} == hand_over(a_row(pelapor=person), WORDS)["reporter"]


def test_a_long_title_or_place_is_cut_to_what_intake_takes() -> None:
    """Only the text itself is never cut."""
    body = hand_over(a_row(judul="j" * 300, lokasi="l" * 600, aduan="a" * 9_000), WORDS)

    assert (200, 500, 9_000) == (
        len(body["title"]), len(body["place"]["text"]), len(body["text"]),
    )  # fmt: skip


def test_nothing_is_invented_for_what_is_missing() -> None:
    """No reporter, no time, no place: the keys are absent."""
    body = hand_over(a_row(pelapor=None, dibuat="kemarin", lokasi=""), WORDS)

    assert set() == {"reporter", "reported_at", "place"} & body.keys()


def test_a_parked_row_keeps_nothing_that_a_person_wrote_or_is_called_by() -> None:
    """Identity is stripped before anything is stored."""
    kept = str(parked_row(a_row()))

    assert "LGWP10000001" in kept
    for secret in ("Wulan", "0811", "Selokan", "Sekaran"):
        assert secret not in kept


def test_parking_has_one_id_per_ticket() -> None:
    """Parked again, it is the same item."""
    assert parked_id("laporgub", "A") == parked_id("laporgub", "A") != parked_id("laporgub", "B")


@pytest.mark.parametrize(
    ("ref", "case"),
    [("aduan:x", "x"), ("aduan:x:3", "x"), ("other:x", None), ("", None), (None, None)],
)
def test_a_reference_of_ours_names_its_case(ref: str | None, case: str | None) -> None:
    """Anybody else's reference names none."""
    assert case == case_of(ref)
