"""What is masked in a free text, and what must stay readable for the office that repairs it."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aduan.privacy.scrub import LABELS, scrub

PHONES = [
    "081234567890",
    "0812-3456-7890",
    "0812 - 3456 - 7890",
    "0812.3456.7890",
    "0812_3456_7890",
    "0812–3456–7890",
    "(0812) 3456 7890",
    "08 12 34 56 78 90",
    "0 8 1 2 3 4 5 6 7 8 9 0",
    "0812\n3456\n7890",
    "+6281234567890",
    "+62 812 3456 7890",
    "+62-812-3456-7890",
    "+62 (812) 3456-7890",
    "6281234567890",
    "62 812-3456-7890",
    "0062 812 3456 7890",
    "812 3456 7890",
    "024-7601234",
    "(024) 7601234",
    "024 8311 222",
    "0274 512345",
    "+60123456789",
    "０８１２３４５６７８９０",
    "٠٨١٢٣٤٥٦٧٨٩٠",
]
NUMBERS_OF_PEOPLE = [
    "3374011234567890",
    "3374 0112 3456 7890",
    "3374.0112.3456.7890",
    "3374-0112-3456-7890",
    "33.74.01.123456.7890",
    "33 7401 1234 5678 90",
]
ADDRESSES = ["a.b@ex.test", "A.B+c@ex-am.co.id", "user (at) ex.test", "user[at]ex.test", "a@b.id"]
KEPT = [
    "RT 05 RW 02",
    "RT.005/RW.002 Kelurahan Sekaran",
    "jalan 12",
    "Jl. Pemuda No. 148",
    "No. 12A blok C-15",
    "kode pos 50275",
    "1-12-2026",
    "01/12/2026",
    "2026-12-01 08:15:00",
    "08-12-2026 10:30",
    "8/12/2026 14:30:15 WIB",
    "08.12.2026 1012",
    "tanggal 08 12 2026",
    "pukul 08.00-16.00",
    "08:00 12:00 16:00",
    "08.00 10.00 12.00 14.00",
    "2021 2022 2023 2024",
    "Rp 1.500.000",
    "Rp15.000.000.000,00",
    "8500000000 rupiah",
    "Rp 8500000000",
    "110",
    "112",
    "119 ext 8",
    "1708",
    "H 1234 AB",
    "KM 12+500",
    "-6.9812345, 110.4123456",
    "-7.081234567, 110.081234567",
    "1.081.234.567 butir",
    "SMG-7K2M9-QXA3F-Z",
    "33.74.01.1001",
    "nomor pelanggan 12345678",
]


@pytest.mark.parametrize("phone", PHONES)
@pytest.mark.parametrize("frame", ["{}", "hubungi {}.", "WA{}", "hp.{}", "({}), terima kasih"])
def test_a_phone_number_is_masked_in_every_spelling(phone: str, frame: str) -> None:
    """Not one digit of it is left, whatever stands around it."""
    found = scrub(frame.format(phone))

    assert {"phone": 1} == found.counts
    assert not any(sign.isdigit() for sign in found.text)


@pytest.mark.parametrize("number", NUMBERS_OF_PEOPLE)
@pytest.mark.parametrize("frame", ["{}", "NIK:{}", "nik{}.", "KK {} dan"])
def test_a_citizen_or_family_number_is_masked_in_every_spelling(number: str, frame: str) -> None:
    """Sixteen digits, grouped or not."""
    found = scrub(frame.format(number))

    assert {"nik": 1} == found.counts
    assert not any(sign.isdigit() for sign in found.text)


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_is_masked_in_every_spelling(address: str) -> None:
    """Also where somebody writes the sign out."""
    assert ("kirim ke [EMAIL], ya", {"email": 1}) == (
        scrub(f"kirim ke {address}, ya").text,
        scrub(f"kirim ke {address}, ya").counts,
    )


@pytest.mark.parametrize("text", KEPT)
def test_what_tells_where_and_when_stays(text: str) -> None:
    """A house number, a date, a time, an amount: without it nobody finds the pothole."""
    sentence = f"Mohon dicek {text} segera"

    assert (sentence, {}) == (scrub(sentence).text, scrub(sentence).counts)


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("Saya Budi Santoso, warga sini", "Budi Santoso", "Saya [NAMA], warga sini"),
        ("BUDI lapor", "Budi Santoso", "[NAMA] lapor"),
        ("rumah santoso", "Budi Santoso", "rumah [NAMA]"),
        ("rumah Santosonya pak", "Budi Santoso", "rumah [NAMA] pak"),
        ("Budi  \n Santoso", "Budi Santoso", "[NAMA]"),
        ("Budiman dan subudi bukan saya", "Budi Santoso", "Budiman dan subudi bukan saya"),
        ("Nur’aini, NUR'AINI", "Nur`aini", "[NAMA], [NAMA]"),
        ("Pak Budi dan dr. Ani", "dr. Ani Sari, S.H.", "Pak Budi dan dr. [NAMA]"),
        ("warga Semarang lapor", "Warga Semarang", "warga Semarang lapor"),
        ("Ai tahu, mari makan ubi ai", "Ai", "[NAMA] tahu, mari makan ubi ai"),
        ("Andre\u0301 lapor", "Andr\u00e9", "[NAMA] lapor"),
    ],
)
def test_the_reporters_own_name_is_masked_as_a_word(text: str, name: str, expected: str) -> None:
    """In any case, alone or whole; titles and longer words that contain it stay."""
    assert expected == scrub(text, (name,)).text


def test_a_whole_name_counts_once() -> None:
    """The counts tell how many things were masked, not how many words."""
    assert {"name": 2} == scrub("Budi Santoso, lalu Budi", ("Budi Santoso",)).counts


def test_how_a_text_ends_does_not_spare_its_first_number() -> None:
    """Only what stands right before a number tells an amount from a telephone."""
    assert "[TELEPON] lantai 5." == scrub("081.234.567.890 lantai 5.").text


def test_numbers_beside_each_other_are_two() -> None:
    """One after the other, or with a stroke between."""
    found = scrub("1.081234567890,089876543210 3374011234567890")

    assert "1.[TELEPON],[TELEPON] [NIK]" == found.text
    assert {"phone": 2, "nik": 1} == found.counts


@given(st.text(), st.text(max_size=40))
def test_scrubbing_twice_changes_nothing(text: str, name: str) -> None:
    """Whatever was sent: a scrubbed text is clean."""
    once = scrub(text, (name,)).text

    assert once == scrub(once, (name,)).text


@given(
    st.from_regex(r"08[1-9][0-9]{7,9}", fullmatch=True),
    st.lists(st.sampled_from(["", " ", "-", ".", "  ", " - "]), min_size=12, max_size=12),
    st.text(alphabet=string.ascii_letters + " ,:\n", max_size=30),
)
def test_no_spelling_of_a_number_gets_through(number: str, gaps: list[str], around: str) -> None:
    """However its digits are spread; a date of the year 19.. or 20.. would be one."""
    spread = "".join(digit + gap for digit, gap in zip(number, gaps, strict=False)).strip()
    found = scrub(f"{around} {spread} {around}")

    assert number[3:] not in "".join(filter(str.isdigit, found.text)) or number[4:8].startswith(
        ("19", "20")
    )


@given(st.text(alphabet="0123456789 .-+/()@a8", max_size=3000))
def test_hostile_texts_are_scrubbed_in_linear_time(text: str) -> None:
    """No pattern runs away: hypothesis would show it as a hanging test."""
    assert set(scrub(text).counts) <= set(LABELS)
