"""The mail sink as its own process: what got a 250 is a file, and nothing else is."""

import asyncio
import smtplib
from email.message import EmailMessage
from pathlib import Path
from sys import executable

import aiosmtplib
import pytest

from aduan_simulators.mailsink.process import running
from aduan_simulators.mailsink.reading import read


def a_mail(message_id: str, *to: str, body: str = "Laporan diterima.\n") -> EmailMessage:
    """A small mail in Indonesian."""
    mail = EmailMessage()
    mail["From"] = "Kanal Aduan <aduan@semarang.test>"
    mail["To"] = ", ".join(to)
    mail["Subject"] = "Laporan SMG-7K2M9-QXA3F-Z – diterima"
    mail["Message-ID"] = message_id
    mail.set_content(body)
    return mail


async def send(port: int, mail: EmailMessage) -> None:
    """Send one mail over a connection of its own."""
    await aiosmtplib.send(mail, hostname="127.0.0.1", port=port, timeout=10)


async def test_an_accepted_mail_is_a_file_that_survives_a_kill(tmp_path: Path) -> None:
    """The 250 is a promise: the sink is killed without warning and the mail is there."""
    process = await asyncio.create_subprocess_exec(
        executable, "-m", "aduan_simulators.mailsink", "--dir", str(tmp_path),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), 20)
    port = int(line.rsplit(b":", 1)[1])
    await send(port, a_mail("<satu@contoh.test>", "warga@contoh.test", body="Baris.\n.titik\n"))
    process.kill()
    await process.wait()

    found = read(tmp_path).mails

    assert [mail.message_id for mail in found] == ["<satu@contoh.test>"]
    assert found[0].to == ("warga@contoh.test",)
    assert found[0].subject == "Laporan SMG-7K2M9-QXA3F-Z – diterima"
    assert found[0].body.replace("\r\n", "\n") == "Baris.\n.titik\n"
    assert list(tmp_path.glob("*.part")) == []


async def test_copies_of_one_message_id_are_counted_as_surplus(tmp_path: Path) -> None:
    """Nothing is merged away: three mails, two identities, one surplus copy."""
    async with running(tmp_path) as port:
        for message_id in ("<satu@contoh.test>", "<dua@contoh.test>", "<satu@contoh.test>"):
            await send(port, a_mail(message_id, "warga@contoh.test"))

    box = read(tmp_path)

    assert (2, 1) == (box.distinct, box.surplus)


async def test_one_mail_to_three_people_is_one_file(tmp_path: Path) -> None:
    """Recipients do not multiply copies."""
    people = ("satu@contoh.test", "dua@contoh.test", "tiga@contoh.test")
    async with running(tmp_path) as port:
        await send(port, a_mail("<satu@contoh.test>", *people))

    box = read(tmp_path)

    assert len(box.mails) == 1
    assert box.mails[0].to == people


async def test_forty_senders_at_once_are_all_kept(tmp_path: Path) -> None:
    """Concurrent connections neither lose nor overwrite each other's mail."""
    async with running(tmp_path) as port:
        await asyncio.gather(
            *(send(port, a_mail(f"<{n}@contoh.test>", "warga@contoh.test")) for n in range(40))
        )

    assert read(tmp_path).distinct == 40


@pytest.mark.parametrize(("option", "code"), [("--refuse", 550), ("--defer", 451)])
async def test_a_recipient_can_be_turned_away(tmp_path: Path, option: str, code: int) -> None:
    """A listed recipient gets his code, and nothing is kept."""
    async with running(tmp_path, option, "hilang@contoh.test") as port:
        with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as refused:
            await send(port, a_mail("<satu@contoh.test>", "hilang@contoh.test"))

    assert [one.code for one in refused.value.recipients] == [code]
    assert read(tmp_path).mails == []


async def test_a_lost_answer_leaves_the_mail_and_an_unsure_sender(tmp_path: Path) -> None:
    """The harsh case: stored, but the sender only sees the connection break."""
    async with running(tmp_path, "--lose-answers", "1") as port:
        with pytest.raises((aiosmtplib.SMTPException, OSError)):
            await send(port, a_mail("<satu@contoh.test>", "warga@contoh.test"))
        await send(port, a_mail("<satu@contoh.test>", "warga@contoh.test"))

    assert (1, 1) == (read(tmp_path).distinct, read(tmp_path).surplus)


async def test_a_mail_that_stops_in_the_middle_is_not_kept(tmp_path: Path) -> None:
    """Without the final dot there is no mail."""
    async with running(tmp_path) as port:

        def half() -> None:
            client = smtplib.SMTP("127.0.0.1", port, timeout=10)
            client.ehlo()
            client.mail("aduan@semarang.test")
            client.rcpt("warga@contoh.test")
            client.docmd("DATA")
            client.send("Message-ID: <satu@contoh.test>\r\n\r\nsetengah\r\n")
            client.close()

        await asyncio.to_thread(half)
        await send(port, a_mail("<dua@contoh.test>", "warga@contoh.test"))

    assert [mail.message_id for mail in read(tmp_path).mails] == ["<dua@contoh.test>"]


async def test_a_mail_beyond_a_mebibyte_is_refused(tmp_path: Path) -> None:
    """The sink keeps notices, not archives: 552, and the next mail is taken."""
    async with running(tmp_path) as port:
        with pytest.raises(aiosmtplib.SMTPDataError) as refused:
            await send(
                port, a_mail("<satu@contoh.test>", "warga@contoh.test", body="panjang\n" * 140_000)
            )
        await send(port, a_mail("<dua@contoh.test>", "warga@contoh.test"))

    assert refused.value.code == 552
    assert [mail.message_id for mail in read(tmp_path).mails] == ["<dua@contoh.test>"]


async def test_it_says_in_one_sentence_why_it_cannot_start(tmp_path: Path) -> None:
    """A taken port or an impossible folder: code 2 and words, not a traceback."""
    async with running(tmp_path / "first") as port:
        taken = await refused_start("--dir", str(tmp_path / "second"), "--port", str(port))
    (tmp_path / "file").write_text("")
    no_folder = await refused_start("--dir", str(tmp_path / "file" / "folder"))

    assert f"port {port} is in use" in taken
    assert "the folder cannot be used" in no_folder


async def refused_start(*arguments: str) -> str:
    """Start the sink, expect exit code 2, and return what it said."""
    process = await asyncio.create_subprocess_exec(
        executable, "-m", "aduan_simulators.mailsink", *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, errors = await asyncio.wait_for(process.communicate(), 20)

    assert process.returncode == 2
    assert b"Traceback" not in errors
    return errors.decode()
