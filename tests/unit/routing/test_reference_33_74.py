"""The reference data of Kota Semarang is complete and agrees with itself."""

from collections import Counter
from datetime import date
from pathlib import Path
from typing import Final

import pytest

from aduan_routing.classify import AREA_OFFICE, Reference, load_tenant
from aduan_routing.classify.terms import parts_of

FOLDER: Final = Path(__file__).resolve().parents[3] / "reference" / "tenants" / "33.74"
KELURAHAN_PER_KECAMATAN: Final = (15, 9, 10, 7, 13, 12, 10, 7, 8, 12, 11, 16, 16, 14, 10, 7)


@pytest.fixture(scope="module")
def reference() -> Reference:
    """The folder as shipped, read once."""
    return load_tenant(FOLDER)


def test_every_kecamatan_has_its_number_of_kelurahan(reference: Reference) -> None:
    """Codes .01 to .16 hold 15, 9, 10 ... kelurahan, 177 in all."""
    kelurahan = [area for area in reference.areas.values() if area.level == "kelurahan"]
    per_kecamatan = Counter(area.parent for area in kelurahan)

    assert len(kelurahan) == 177
    assert tuple(per_kecamatan[f"33.74.{n:02}"] for n in range(1, 17)) == KELURAHAN_PER_KECAMATAN


def test_kelurahan_codes_run_without_a_gap_inside_each_kecamatan(reference: Reference) -> None:
    """1001, 1002 ... in each kecamatan; a typing slip would leave a hole."""
    for number, count in enumerate(KELURAHAN_PER_KECAMATAN, 1):
        expected = {f"33.74.{number:02}.{1000 + n}" for n in range(1, count + 1)}

        assert expected == {
            area.code for area in reference.areas.values() if area.parent == f"33.74.{number:02}"
        }


def test_there_are_two_purwosari_and_two_mangunharjo_and_no_other_homonyms(
    reference: Reference,
) -> None:
    """Names repeat, so every key is a code."""
    names = Counter(a.name for a in reference.areas.values() if a.level == "kelurahan")

    assert {name for name, count in names.items() if count > 1} == {"Purwosari", "Mangunharjo"}
    assert reference.areas["33.74.02.1004"].name == reference.areas["33.74.14.1005"].name
    assert reference.areas["33.74.10.1003"].name == reference.areas["33.74.16.1007"].name


def test_seven_kelurahan_bear_the_name_of_their_kecamatan(reference: Reference) -> None:
    """A bare name of these seven means either."""
    shared = {
        area.name
        for area in reference.areas.values()
        if area.level == "kelurahan" and area.name == reference.areas[area.parent].name
    }

    assert shared == {
        "Gayamsari",
        "Gajahmungkur",
        "Tembalang",
        "Banyumanik",
        "Gunungpati",
        "Mijen",
        "Ngaliyan",
    }


def test_the_directory_holds_68_units_by_level(reference: Reference) -> None:
    """24 dinas, 10 badan, 12 bagian, 16 kecamatan, 6 city-owned or hospital."""
    levels = Counter(office.level for office in reference.offices.values())

    assert levels == {"dinas": 24, "badan": 10, "bagian": 12, "kecamatan": 16, "bumd": 6}


def test_every_kecamatan_is_also_an_office(reference: Reference) -> None:
    """A matter of the place can always be handed to the unit of the place."""
    kecamatan = {area.code for area in reference.areas.values() if area.level == "kecamatan"}

    assert kecamatan == {o.code for o in reference.offices.values() if o.level == "kecamatan"}


def test_no_rule_assigns_to_the_inspectorate_alone(reference: Reference) -> None:
    """Oversight always passes a person; most other switches are on."""
    switched_on = sum(office.automatic for office in reference.offices.values())

    assert not reference.offices["INSPEKTORAT"].automatic
    assert switched_on > 55


def test_office_mail_is_reachable_by_nobody(reference: Reference) -> None:
    """Shipped boxes are placeholders on a domain that can never exist, one box each."""
    boxes = [office.mail for office in reference.offices.values()]

    assert all(box.endswith("@opd.semarang.test") for box in boxes)
    assert len(set(boxes)) == len(boxes)


def test_every_category_with_an_office_of_its_own_has_words(reference: Reference) -> None:
    """A category that no term speaks for can never be suggested."""
    spoken_for = {term.category for term in reference.words.terms if term.weight > 0}

    assert spoken_for == set(reference.categories)
    assert {reference.categories[c].office for c in spoken_for} - {AREA_OFFICE} <= set(
        reference.offices
    )


def test_no_term_is_a_place_name_of_the_city(reference: Reference) -> None:
    """A kelurahan is never predicted from text: its name alone must not weigh anything."""
    names = {
        tuple(area.name.lower().split())
        for area in reference.areas.values()
        if area.level == "kelurahan"
    } - {("bendungan",), ("pesantren",), ("kuningan",)}
    words = {part for term in reference.words.terms for part in parts_of(term.words)}

    assert not names & words


def test_road_work_needs_evidence_and_a_missing_identity_card_does_not(
    reference: Reference,
) -> None:
    """`physical` says whether an answer must show the work."""
    assert reference.categories["jalan-rusak"].physical
    assert reference.categories["pju"].physical
    assert not reference.categories["ktp-kk"].physical


@pytest.mark.parametrize(
    ("word", "meaning"),
    [
        ("Pertanyaan", "permintaan_informasi"),
        ("keluhan", "pengaduan_tidak_berkadar_pengawasan"),
        ("ADUAN", "pengaduan_tidak_berkadar_pengawasan"),
        ("opini", "aspirasi"),
        ("kritik", "aspirasi"),
        ("whistleblowing", "pengaduan_berkadar_pengawasan"),
        ("curhat", None),
        (None, None),
    ],
)
def test_the_citizens_own_word_is_read_as_a_class(
    reference: Reference, word: str | None, meaning: str | None
) -> None:
    """The table of the handbook, section 5; an unknown word means nothing."""
    assert meaning == reference.class_of_word(word)


def test_an_inlet_is_valid_from_its_first_to_its_last_day(reference: Reference) -> None:
    """A renamed channel keeps its label for reports of its time."""
    old = reference.inlets["sapa-mbak-ita"]

    assert [False, True, True, False] == [
        old.valid_on(day)
        for day in (
            date(2022, 11, 30),
            date(2022, 12, 1),
            date(2025, 3, 31),
            date(2025, 4, 1),
        )
    ]
    assert reference.inlets["tagar-laporhendi"].valid_on(date(2030, 1, 1))


def test_reference_data_cannot_be_edited_while_running(reference: Reference) -> None:
    """Mappings are read-only."""
    with pytest.raises(TypeError):
        reference.offices["DPU"] = reference.offices["DISHUB"]  # type: ignore[index]  # on purpose
