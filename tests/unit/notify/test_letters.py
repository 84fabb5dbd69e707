"""Letters: complete, strict, polite, and silent about what is confidential."""

import re
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from aduan_notify.adapters.directory import load_directory
from aduan_notify.adapters.rows import BadReference
from aduan_notify.adapters.words import due_in_words
from aduan_notify.domain.address import masked
from aduan_notify.domain.causes import AUDIENCES, TOLD

REFERENCE: Final = Path(__file__).resolve().parents[3] / "reference"
NOW: Final = datetime(2026, 12, 1, tzinfo=UTC)
BODY: Final[dict[str, Any]] = {
    "ticket": "SMG-7K2M9-QXA3F-Z",
    "received_at": "2026-11-30T18:30:00.000000Z",
    "opd": "DPU",
    "confidential": False,
    "oversight": False,
}
ALL: Final = [(cause, audience) for cause, heard in TOLD.items() for audience in heard]


def a_row(cause: str, audience: str, **facts: Any) -> dict[str, Any]:
    """A row as far as a letter reads it."""
    return {"cause": cause, "audience": audience, "unit": None, "facts": facts}


def write(cause: str, audience: str, *, now: datetime = NOW, **facts: Any) -> tuple[str, str]:
    """Return subject and text of Semarang's letter."""
    directory = load_directory(REFERENCE, "33.74")
    return directory.write(
        BODY, a_row(cause, audience, **facts), public_url="https://aduan.test", now=now
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The reference data of Semarang, to be broken."""
    shutil.copytree(REFERENCE / "tenants" / "33.74", tmp_path / "tenants" / "33.74")
    return tmp_path


@pytest.mark.parametrize(("cause", "audience"), ALL)
def test_every_letter_names_the_report_and_addresses_the_reader(cause: str, audience: str) -> None:
    """Number in the subject, a polite address, one line as subject, no leftovers of a template."""
    subject, text = write(
        cause, audience, clock="handle", due_at="2026-12-04T17:00:00.000000Z", level=1
    )

    assert BODY["ticket"] in subject
    assert text.startswith("Yth. Bapak/Ibu,\n\n")
    assert "Hormat kami," in text
    assert not re.search(r"[{}]|None|Undefined|\n\n\n|[ \t]\n", subject + text)
    assert len(subject) <= 120


def test_a_letter_without_the_facts_of_its_cause_still_reads_well() -> None:
    """A conditional closing without date or year leaves no hole."""
    _, text = write("conditionally_closed", "reporter")

    assert "selesai bersyarat.\n" in text


def test_an_answer_that_came_by_a_partner_names_the_partner() -> None:
    """No office of the city takes the credit, or the blame."""
    assert "telah dijawab melalui SP4N-LAPOR!." in write("answered", "reporter", partner="sp4n")[1]
    assert "telah dijawab oleh Dinas Pekerjaan Umum." in write("answered", "reporter")[1]


def test_the_day_of_receipt_is_the_day_in_wib() -> None:
    """18.30 UTC on the last of November is the first of December in Semarang."""
    assert "Selasa, 1 Desember 2026" in write("received", "reporter")[1]


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        (datetime(2026, 12, 4, 17, 0, tzinfo=UTC), "Jumat, 4 Desember 2026 pukul 24.00 WIB"),
        (datetime(2026, 12, 4, 17, 1, tzinfo=UTC), "Sabtu, 5 Desember 2026 pukul 00.01 WIB"),
        (datetime(2026, 12, 1, 9, 30, tzinfo=UTC), "Selasa, 1 Desember 2026 pukul 16.30 WIB"),
        (datetime(2026, 12, 31, 17, 0, tzinfo=UTC), "Kamis, 31 Desember 2026 pukul 24.00 WIB"),
    ],
)
def test_a_deadline_at_midnight_is_the_end_of_its_day(moment: datetime, said: str) -> None:
    """As the rules mean it, and as people read it."""
    assert said == due_in_words(moment)


def test_a_reply_is_taught_the_official_inlets_of_its_day() -> None:
    """An inlet that ended is not named, one that is not official neither."""
    _, today = write("received", "reporter")
    _, then = write("received", "reporter", now=datetime(2024, 6, 1, tzinfo=UTC))

    assert "balasan ke alamat ini tidak dibaca" in today
    assert "- SMS 1708: 1708\n" in today
    assert "Sapa Mbak Ita" not in today
    assert "Media sosial" not in today
    assert "Sapa Mbak Ita" in then
    assert "112" in today


@pytest.mark.parametrize("flag", ["confidential", "oversight"])
def test_a_confidential_letter_is_the_same_for_every_cause(flag: str) -> None:
    """Whoever reads the mailbox learns that there is a number, and nothing more."""
    directory = load_directory(REFERENCE, "33.74")
    body = {**BODY, flag: True}
    for audience in AUDIENCES:
        found = {
            directory.write(
                body,
                a_row(cause, audience, unit="DPU", clock="handle", partner="sp4n"),
                public_url="https://aduan.test",
                now=NOW,
            )
            for cause in TOLD
        }
        assert len(found) == 1
        (subject, text) = found.pop()
        assert BODY["ticket"] in subject
        assert not re.search(r"Pekerjaan Umum|DPU|penanganan|SP4N-LAPOR!\n", subject)
        assert "Pekerjaan Umum" not in text


BREAKS: Final = (
    ("letters/received.toml", "{{ ticket }}", "{{ nomor }}", "there is no variable nomor"),
    ("letters/received.toml", "{{ ticket }}", "{{ ticket }", "received.toml"),
    ("letters/received.toml", "[reporter]", "[office]", "nobody gets this letter"),
    ("letters/received.toml", "subject =", "subjek =", "received.toml"),
    ("letters/confidential.toml", "{{ ticket }}", "{{ unit }}", "there is no variable unit"),
    ("mail.toml", "{{ letter }}", "{{ surat }}", "there is no variable surat"),
    ("mail.toml", 'sender = "', 'sender = "bukan alamat ', "sender: the mail address"),
    ("mail.toml", "[heads]", '[heads]\nTIDAKADA = "x@contoh.test"', "no office TIDAKADA"),
    ("mail.toml", "no_unit", "no_units", "mail.toml"),
)


@pytest.mark.parametrize(("file", "old", "new", "sentence"), BREAKS)
def test_a_mistake_in_the_texts_stops_the_start(
    copy: Path, file: str, old: str, new: str, sentence: str
) -> None:
    """Found when the service starts, with file and field, never by a citizen."""
    path = copy / "tenants" / "33.74" / "templates" / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))

    with pytest.raises(BadReference, match=re.escape(sentence)):
        load_directory(copy, "33.74")


@pytest.mark.parametrize("file", ["letters/answered.toml", "letters/confidential.toml"])
def test_a_missing_letter_stops_the_start(copy: Path, file: str) -> None:
    """Every cause and audience of the table has its letter."""
    (copy / "tenants" / "33.74" / "templates" / file).unlink()

    with pytest.raises(BadReference, match=file):
        load_directory(copy, "33.74")


def test_a_template_cannot_reach_beyond_its_variables(copy: Path) -> None:
    """Texts are data: what they may do ends at formatting."""
    path = copy / "tenants" / "33.74" / "templates" / "letters" / "received.toml"
    path.write_text(path.read_text().replace("{{ ticket }}", "{{ ticket.__class__.__mro__ }}"))

    with pytest.raises(BadReference, match=r"received\.toml.*unsafe"):
        load_directory(copy, "33.74")


def test_an_office_with_a_broken_address_stops_the_start(copy: Path) -> None:
    """Every standing address is checked, those of heads too."""
    path = copy / "tenants" / "33.74" / "offices.csv"
    path.write_text(path.read_text().replace("dpu@opd.semarang.test", "dpu opd"))

    with pytest.raises(BadReference, match="DPU: the mail address"):
        load_directory(copy, "33.74")


def test_officials_have_their_standing_addresses() -> None:
    """Office, head beside it, coordinator and leadership; an unknown office has none."""
    directory = load_directory(REFERENCE, "33.74")

    assert ("dpu@opd.semarang.test",) == directory.addresses("office", "DPU")
    assert ("kepala.dpu@opd.semarang.test",) == directory.addresses("office_head", "DPU")
    assert ("diskominfo@opd.semarang.test",) == directory.addresses("coordinator", None)
    assert ("sekretaris-daerah@semarang.test",) == directory.addresses("leadership", None)
    assert () == directory.addresses("office", "TIDAKADA")


def test_a_masked_address_still_shows_that_it_is_one() -> None:
    """Where a letter went, without to whom."""
    assert "b***@c***.test" == masked("budi.santoso@contoh.test")
