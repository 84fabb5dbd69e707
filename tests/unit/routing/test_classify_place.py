"""Which unit of the city a place belongs to: codes, names, homonyms and points."""

from pathlib import Path
from typing import Final

import pytest

from aduan_routing.classify import Classifier, Decision, Report, load_tenant, may_assign

FOLDER: Final = Path(__file__).resolve().parents[3] / "reference" / "tenants" / "33.74"
REFERENCE: Final = load_tenant(FOLDER)
CLASSIFIER: Final = Classifier(REFERENCE)
NEIGHBOUR: Final = "Tetangga menyetel sound horeg sampai jam dua pagi, warga terganggu"


def decide(
    text: str = NEIGHBOUR,
    *,
    place: str | None = None,
    code: str | None = None,
    at: tuple[float, float] | None = None,
) -> Decision:
    """Decide a matter of the neighbourhood at a place."""
    lat, lng = at or (None, None)
    return CLASSIFIER.decide(Report(text=text, place_text=place, area_code=code, lat=lat, lng=lng))


@pytest.mark.parametrize(
    ("code", "office"),
    [
        ("33.74.02.1004", "33.74.02"),
        ("33.74.14.1005", "33.74.14"),
        ("33.74.10.1003", "33.74.10"),
        ("33.74.16.1007", "33.74.16"),
        ("33.74.12", "33.74.12"),
    ],
)
def test_a_code_decides_the_unit_also_for_homonyms(code: str, office: str) -> None:
    """Both Purwosari, both Mangunharjo, and a kecamatan as such."""
    decision = decide(code=code)

    assert (office, "area", code) == (decision.opd, decision.method, decision.area)
    assert may_assign(decision, REFERENCE, confidential=False)


@pytest.mark.parametrize(
    ("place", "area"),
    [
        ("Kelurahan Sendangmulyo, dekat masjid", "33.74.10.1011"),
        ("kel. Bulu Lor RT 2", "33.74.02.1002"),
        ("Pudakpayung", "33.74.11.1001"),
        ("Purwosari, kec. Mijen", "33.74.14.1005"),
        ("kelurahan Purwosari kecamatan Semarang Utara", "33.74.02.1004"),
        ("Mangunharjo Tugu", "33.74.16.1007"),
        ("kel. Tembalang", "33.74.10.1006"),
        ("Tembalang", "33.74.10"),
        ("Kec. Ngaliyan", "33.74.15"),
    ],
)
def test_a_named_place_decides_the_area(place: str, area: str) -> None:
    """A kecamatan tells homonyms apart; a shared bare name says no more than the kecamatan."""
    decision = decide(place=place)

    assert (area, REFERENCE.kecamatan_of(area)) == (decision.area, decision.opd)


@pytest.mark.parametrize(
    "place",
    ["Purwosari", "kelurahan Mangunharjo", "antara Sekaran dan Meteseh"],
)
def test_an_ambiguous_name_decides_nothing(place: str) -> None:
    """A person asks which of the two."""
    decision = decide(place=place)

    assert (None, None) == (decision.area, decision.opd)
    assert "area_ambiguous" in dict(decision.reasons)


@pytest.mark.parametrize("place", ["Jl. Candi Golf", "pasar Jatingaleh", "gang Kauman", "Bandung"])
def test_a_street_or_market_is_no_kelurahan(place: str) -> None:
    """Streets bear the names of kelurahan far away."""
    assert decide(place=place).area is None


def test_a_kelurahan_in_the_text_is_not_believed() -> None:
    """One passes, works in or comes from a place one names."""
    decision = decide(f"{NEIGHBOUR}, saya warga kelurahan Sendangmulyo")

    assert (None, None) == (decision.area, decision.opd)


def test_a_point_suggests_a_kecamatan_and_never_decides() -> None:
    """Without geometry the nearest centre is a guess."""
    decision = decide(at=(-7.05, 110.46))

    assert (None, None) == (decision.area, decision.opd)
    assert dict(decision.suggestions)["33.74.10"] <= 0.45
    assert "area_by_point" in dict(decision.reasons)
    assert not may_assign(decision, REFERENCE, confidential=False)


@pytest.mark.parametrize("at", [(-7.26, 112.75), (0.0, 0.0)])
def test_a_point_outside_the_city_suggests_nothing(at: tuple[float, float]) -> None:
    """Another city, or the sea off Africa that broken phones report."""
    assert "33.74.10" not in [office for office, _ in decide(at=at).suggestions]


@pytest.mark.parametrize("code", ["35.73.01.1001", "33.74", "33.74.99", ""])
def test_a_code_that_is_no_unit_of_the_city_is_ignored(code: str) -> None:
    """Another city's code, the city itself, a code that does not exist."""
    assert decide(code=code).area is None


def test_a_departments_matter_does_not_go_to_the_unit_of_the_place() -> None:
    """The place is kept, the office is chosen by the matter."""
    decision = decide("Lampu jalan di depan pos ronda padam seminggu", code="33.74.10.1003")

    assert ("DISPERKIM", "33.74.10.1003", "rule") == (
        decision.opd,
        decision.area,
        decision.method,
    )
