"""Which office a report goes to: the order of evidence, hints, doubt and place.

Every report here is invented.
"""

import dataclasses
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aduan_routing.classify import Classifier, Decision, Report, load_tenant, may_assign

FOLDER: Final = Path(__file__).resolve().parents[3] / "reference" / "tenants" / "33.74"
REFERENCE: Final = load_tenant(FOLDER)
CLASSIFIER: Final = Classifier(REFERENCE)

LAMP: Final = "Lampu jalan di tanjakan dekat pos ronda padam sejak seminggu, gelap sekali"


def decide(
    text: str,
    *,
    place_text: str | None = None,
    area_code: str | None = None,
    opd_hint: str | None = None,
    citizen_word: str | None = None,
) -> Decision:
    """Decide one report by the shipped data."""
    return CLASSIFIER.decide(
        Report(
            text=text,
            place_text=place_text,
            area_code=area_code,
            opd_hint=opd_hint,
            citizen_word=citizen_word,
        )
    )


def assigned(decision: Decision) -> bool:
    """Tell whether a rule alone would hand an open (not confidential) case on."""
    return may_assign(decision, REFERENCE, confidential=False)


@pytest.mark.parametrize(
    ("office", "text"),
    [
        ("DPU", "Aspal depan balai warga berlubang besar, tiap malam ada motor jatuh"),
        ("DPU", "Dalan ngarep omahku growong jero banget, wingi ana sing tiba numpak motor"),
        ("DPU", "Got mampet neng pojokan kampung, nek udan banyune mbleber tekan omah"),
        ("DPU", "Rob masuk rumah tiap sore dan pompanya tidak dinyalakan petugas"),
        ("DISPERKIM", LAMP),
        ("DISPERKIM", "Lampune mati kabeh neng gang mburi, peteng ndedet wedi nek bengi"),
        ("DISPERKIM", "Wit gedhe pinggir dalan arep rubuh, tulung enggal dipangkas nggih"),
        ("DISHUB", "Tukang parkir minta lima ribu tanpa karcis di depan toko roti"),
        ("DISHUB", "BRT koridor dua sering telat dan sopirnya ngebut di tikungan"),
        ("DISHUB", "Bangjo perempatan mati dari kemarin, kendaraan saling berebut"),
        ("DLH", "Uwuh numpuk ning pinggir dalan wis seminggu ora dijupuk tukange"),
        ("DLH", "Pabrik tahu membuang limbah ke selokan, airnya hitam dan bau"),
        ("DISDUKCAPIL", "KTP saya belum jadi sejak tiga bulan lalu, katanya blangko habis"),
        ("DINSOS", "Simbah kulo mboten nate angsal bansos, mangka mboten gadhah penghasilan"),
        ("DINKES", "Antre di puskesmas dari jam enam sampai siang belum juga dipanggil"),
        ("DISDIK", "Sekolah dasar menarik sumbangan gedung dua juta untuk tiap murid"),
        ("SATPOLPP", "PKL jualan di trotoar sampai pejalan kaki turun ke jalan raya"),
        ("DAMKAR", "Ada sarang tawon besar di atap rumah kosong, tolong dievakuasi"),
        ("DISNAKER", "Perusahaan belum membayar THR padahal lebaran tinggal tiga hari"),
        ("PDAM", "Banyune PDAM mati telung dina, ora iso adus blas"),
        ("PDAM", "Pipa air bocor di bawah jembatan, muncrat sejak subuh"),
        ("BAPENDA", "Tagihan PBB rumah orang tua saya dobel, bagaimana mengurusnya"),
    ],
)
def test_a_clear_report_goes_to_its_office_without_a_person(office: str, text: str) -> None:
    """Indonesian, Javanese and mixed speech."""
    decision = decide(text)

    assert (office, "rule", True) == (decision.opd, decision.method, assigned(decision))


def test_the_reasons_show_the_words_that_decided() -> None:
    """An officer sees why, and the best suggestion is the decision itself."""
    decision = decide(LAMP)

    assert "lampu jalan" in dict(decision.reasons)["words"]
    assert ("DISPERKIM", decision.confidence) == decision.suggestions[0]
    assert decision.category == "pju"


@pytest.mark.parametrize(
    "text",
    [
        "Oknum pegawai kelurahan minta uang lima ratus ribu untuk mengurus surat",
        "Lurah menerima suap supaya surat tanah ditandatangani lebih cepat",
        "Lelang proyek drainase sudah diatur, pengadaan hanya untuk orang dalam",
        "Ada pungli waktu mengambil KTP di loket, tidak diberi kuitansi",
        "Petugas Dishub minta uang kepada tukang parkir dan karcisnya palsu",
    ],
)
def test_a_report_on_conduct_names_nobody_but_the_inspectorate(text: str) -> None:
    """Whatever else the text says, the desk complained about is neither chosen nor suggested."""
    decision = decide(text, area_code="33.74.10.1003")

    assert decision.oversight
    assert decision.opd is None
    assert decision.class_suggested == "pengaduan_berkadar_pengawasan"
    assert ["INSPEKTORAT"] == [office for office, _ in decision.suggestions]
    assert not assigned(decision)


def test_the_citizens_word_alone_can_make_it_oversight() -> None:
    """One word, "whistleblowing", is enough."""
    decision = decide(LAMP, citizen_word="Whistleblowing")

    assert decision.oversight


def test_providing_paving_is_not_procurement() -> None:
    """The word "pengadaan" alone is an everyday word."""
    decision = decide("Mohon pengadaan paving untuk gang kami karena becek kalau hujan")

    assert (False, "DPU") == (decision.oversight, decision.opd)


def test_danger_is_a_hint_and_the_report_still_goes_its_way() -> None:
    """The citizen is told to call; the office is chosen as ever."""
    decision = decide("Tolong ada kebakaran rumah di gang kami, apinya besar sekali")

    assert (True, "DAMKAR") == (decision.emergency, decision.opd)


@pytest.mark.parametrize(
    ("partner", "text"),
    [
        ("sp4n", "Listrik padam tiap malam di perumahan kami sejak hari Senin"),
        ("sp4n", "Sertifikat tanah saya di BPN sudah dua tahun belum jadi"),
        ("sp4n", "Jalan nasional menuju pelabuhan berlubang besar, banyak truk oleng"),
        ("sp4n", "Polsek tidak menanggapi laporan pencurian motor saya"),
        ("sp4n", "Sinyal Telkomsel hilang di rumah kami setiap sore"),
        ("laporgub", "Jalan provinsi di dekat perbatasan rusak parah dan gelap"),
        ("laporgub", "SMA negeri di tempat kami menarik uang gedung dari wali murid"),
        ("laporgub", "Bayar pajak kendaraan di samsat antrenya sampai empat jam"),
    ],
)
def test_another_bodys_matter_names_the_partner_and_waits_for_a_person(
    partner: str, text: str
) -> None:
    """The city has no say; a coordinator forwards it."""
    decision = decide(text)

    assert (partner, None, 0.0) == (decision.partner, decision.opd, decision.confidence)
    assert "jurisdiction" in dict(decision.reasons)
    assert not assigned(decision)


def test_a_tree_in_the_power_line_stays_the_citys_matter() -> None:
    """PLN is named, but the tree is ours."""
    decision = decide("Pohon menyentuh kabel PLN di depan rumah, tolong dipangkas")

    assert (None, "DISPERKIM") == (decision.partner, decision.opd)


def test_a_road_of_doubtful_owner_is_suggested_and_not_decided() -> None:
    """Nobody gave us a list of road owners, so a person decides."""
    decision = decide("Aspal Jalan Kaligawe berlubang besar di depan gudang, bahaya malam hari")

    assert "road_owner_unsure" in dict(decision.reasons)
    assert (None, "DPU", False) == (decision.partner, decision.opd, assigned(decision))


def test_rubbish_on_a_road_of_doubtful_owner_is_decided() -> None:
    """The owner matters for the road, not for what lies on it."""
    decision = decide("Sampah menumpuk di Jalan Kaligawe dan tidak diangkut, baunya busuk")

    assert ("DLH", True) == (decision.opd, assigned(decision))


def test_a_choice_of_the_citizen_is_evidence_and_no_decision() -> None:
    """A wrong office does not turn a clear text; a right one makes it surer."""
    wrong = decide(LAMP, opd_hint="DINKES")
    vague = "Mohon perhatian untuk jembatan kecil di kampung kami"
    alone, helped = decide(vague), decide(vague, opd_hint="DPU")

    assert wrong.opd == "DISPERKIM"
    assert helped.confidence > alone.confidence


def test_a_choice_that_no_word_bears_out_stays_a_suggestion() -> None:
    """A hint alone never assigns."""
    decision = decide("Selamat pagi, mohon segera dibantu sesuai pilihan saya", opd_hint="PDAM")

    assert ("PDAM", False) == (decision.opd, assigned(decision))
    assert "no_evidence" in dict(decision.reasons)


def test_an_unknown_choice_changes_nothing() -> None:
    """Portals may send codes we do not have."""
    assert decide(LAMP) == decide(LAMP, opd_hint="DINAS-SIHIR")


@pytest.mark.parametrize("text", ["PJU mati", "jalan rusak pak", "parkir liar"])
def test_a_short_text_is_asked_back_and_not_guessed(text: str) -> None:
    """The office is suggested, a person decides."""
    decision = decide(text)

    assert decision.opd is not None
    assert not assigned(decision)
    assert "short_text" in dict(decision.reasons)


@pytest.mark.parametrize("text", ["", "   ", "???", "asdf qwer zxcv lkjh poiu mnbv", "\u200b🙏🙏"])
def test_a_text_without_a_known_word_has_no_office(text: str) -> None:
    """Nothing known, nothing claimed."""
    decision = decide(text)

    assert (None, 0.0, ()) == (decision.opd, decision.confidence, decision.suggestions)


def test_a_confidential_case_is_never_assigned_by_a_rule() -> None:
    """However clear it is."""
    decision = decide(LAMP)

    assert may_assign(decision, REFERENCE, confidential=False)
    assert not may_assign(decision, REFERENCE, confidential=True)


def test_a_switched_off_office_gets_nothing_from_a_rule() -> None:
    """The switch of the unit is asked last."""
    offices = dict(REFERENCE.offices)
    offices["DISPERKIM"] = dataclasses.replace(offices["DISPERKIM"], automatic=False)
    switched_off = dataclasses.replace(REFERENCE, offices=offices)

    assert not may_assign(decide(LAMP), switched_off, confidential=False)


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        ("permintaan_informasi", "Mau tanya, apa syarat membuat akta kelahiran anak kedua"),
        ("permintaan_informasi", "Nuwun sewu badhe tanglet, ngurus KTP ical wonten pundi"),
        ("aspirasi", "Usul saya, sebaiknya taman kota diberi kursi dan lampu tambahan"),
        ("pengaduan_tidak_berkadar_pengawasan", LAMP),
    ],
)
def test_the_class_is_suggested_from_the_way_of_speaking(expected: str, text: str) -> None:
    """Question, wish or complaint."""
    assert expected == decide(text).class_suggested


def test_the_citizens_own_word_outweighs_the_way_of_speaking() -> None:
    """He said it is a wish."""
    assert decide(LAMP, citizen_word="saran").class_suggested == "aspirasi"


def test_who_reports_cannot_be_passed_in() -> None:
    """Neutrality: the fields are the matter and its place, and no others."""
    assert {field.name for field in dataclasses.fields(Report)} == {
        "text",
        "title",
        "place_text",
        "area_code",
        "lat",
        "lng",
        "citizen_word",
        "class_hint",
        "category_hint",
        "opd_hint",
    }


@settings(max_examples=300, deadline=None)
@given(text=st.text(max_size=400), place=st.none() | st.text(max_size=60))
def test_any_text_gets_a_decision_within_bounds(text: str, place: str | None) -> None:
    """No input raises, and every number is a confidence of a known office."""
    decision = decide(text, place_text=place)

    assert len(decision.suggestions) <= 3
    assert all(0 <= c <= 1 and office in REFERENCE.offices for office, c in decision.suggestions)
    assert 0 <= decision.confidence <= 1
    assert decision == decide(text, place_text=place)
