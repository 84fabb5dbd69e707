"""A letter as bytes: what a reader gets back, and what no word of it can do."""

from datetime import UTC, datetime
from email import message_from_bytes, policy

import pytest

from aduan_notify.adapters.smtp import compose
from aduan_notify.ports import Letter

AT = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)
SENDER = ("Kanal Aduan", "aduan@semarang.test")
TO = ("warga@contoh.test", "dpu@opd.semarang.test")


def a_letter(subject: str = "Laporan diterima", text: str = "Halo.\n") -> Letter:
    """A letter with these words."""
    return Letter("1234@semarang.test", SENDER, subject, text)


@pytest.mark.parametrize(
    "subject",
    [
        "Laporan SMG-0000-0000-001 diterima",
        "Laporan diterima – terima kasih, Ibu Aminah Zulaikha",
        "Laporan didisposisikan kepada Dinas Perumahan Rakyat dan Kawasan Permukiman, segera ditangani",
        "=?utf-8?q?bukan_kode?=",
    ],
)
def test_a_subject_is_read_as_it_was_written(subject: str) -> None:
    """Long ones are folded, others than ASCII encoded; the reader sees no difference."""
    mail = message_from_bytes(compose(a_letter(subject), TO, AT), policy=policy.default)

    assert subject == mail["Subject"]


@pytest.mark.parametrize(
    "text",
    [
        "Satu baris.\n",
        "Tanda = dan titik dua: 100%\n.\n..\nFrom sini\n",
        "Baris yang panjang sekali, " * 40 + "\n\nselesai – ya\n",
        "é" * 300 + "\n",
    ],
)
def test_a_text_is_read_as_it_was_written(text: str) -> None:
    """Quoted-printable: no line is longer than a server must take, none ends otherwise than CRLF."""
    raw = compose(a_letter(text=text), TO, AT)

    mail = message_from_bytes(raw, policy=policy.default)
    body = mail.get_content()
    assert text == body.replace("\r\n", "\n")
    assert max(map(len, raw.split(b"\r\n"))) <= 78
    assert raw.count(b"\n") == raw.count(b"\r\n")
    assert raw.isascii()


def test_the_headers_are_those_of_a_robot_with_a_name_for_its_letter() -> None:
    """All recipients in To, the Message-ID as the ledger has it, and nobody answers for a holiday."""
    many = tuple(f"unit{n}@opd.semarang.test" for n in range(21))
    raw = compose(a_letter(), many, AT)

    mail = message_from_bytes(raw, policy=policy.default)
    assert many == tuple(one.addr_spec for one in mail["To"].addresses)
    assert "<1234@semarang.test>" == mail["Message-ID"]
    assert "Kanal Aduan <aduan@semarang.test>" == mail["From"]
    assert AT == mail["Date"].datetime
    assert ("id", "auto-generated", "All") == (
        mail["Content-Language"], mail["Auto-Submitted"], mail["X-Auto-Response-Suppress"],
    )  # fmt: skip
    assert ("text/plain", "utf-8") == (mail.get_content_type(), mail.get_content_charset())


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\u2028"])
def test_no_word_of_a_subject_begins_another_header(end: str) -> None:
    """A line end in a subject is a blank: reference data cannot address a letter."""
    raw = compose(a_letter(f"Laporan{end}Bcc: lain@contoh.test"), TO, AT)

    mail = message_from_bytes(raw, policy=policy.default)
    assert mail["Bcc"] is None
    assert "Laporan Bcc: lain@contoh.test" == mail["Subject"]


def test_a_sender_name_in_another_script_is_encoded() -> None:
    """The From of a tenant may hold any letter, the mail holds ASCII."""
    letter = Letter("1@semarang.test", ("Kanal Aduan ꦱꦼꦩꦫꦁ", SENDER[1]), "a", "b")

    raw = compose(letter, TO, AT)

    assert raw.isascii()
    (sender,) = message_from_bytes(raw, policy=policy.default)["From"].addresses
    assert ("Kanal Aduan ꦱꦼꦩꦫꦁ", SENDER[1]) == (sender.display_name, sender.addr_spec)
