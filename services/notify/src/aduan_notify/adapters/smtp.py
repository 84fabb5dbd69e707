"""The mail provider over SMTP. Each stage is a call of its own, so that a break says what it means.

Before DATA was begun the provider cannot have the mail; after it, only its answer tells.
"""

from binascii import b2a_qp
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.utils import format_datetime, formataddr
from typing import Final

import aiosmtplib

from aduan_notify.ports import Answer, Letter, MailAway

PERMANENT: Final = 500
IDLE_SECONDS: Final = 20.0
_BROKEN: Final = (
    aiosmtplib.SMTPServerDisconnected,
    aiosmtplib.SMTPTimeoutError,
    TimeoutError,
    OSError,
)


@dataclass(frozen=True, slots=True)
class Account:
    """Where and how to log in. timeout_seconds: for each single answer of the provider."""

    host: str
    port: int
    timeout_seconds: float
    tls: bool = False
    start_tls: bool | None = None
    user: str | None = None
    password: str | None = None


class SmtpMailer:
    """Keeps a few connections open between mails; see Mailer."""

    def __init__(
        self, account: Account, *, wall: Callable[[], datetime], monotonic: Callable[[], float]
    ) -> None:
        """wall: real time, for the Date header."""
        self._account = account
        self._wall = wall
        self._monotonic = monotonic
        self._idle: deque[tuple[float, aiosmtplib.SMTP]] = deque()

    @asynccontextmanager
    async def line(self) -> AsyncIterator["SmtpLine"]:
        """See Mailer."""
        client = await self._client()
        line = SmtpLine(client, self._wall)
        try:
            yield line
        finally:
            if line.is_clean:
                self._idle.append((self._monotonic(), client))
            else:
                client.close()

    async def close(self) -> None:
        """Say goodbye on every connection."""
        while self._idle:
            _, client = self._idle.pop()
            try:
                await client.quit()
            except (aiosmtplib.SMTPException, OSError):
                client.close()  # it is gone already, which is all we want

    async def _client(self) -> aiosmtplib.SMTP:
        while self._idle:
            since, client = self._idle.pop()
            if client.is_connected and self._monotonic() - since < IDLE_SECONDS:
                return client
            client.close()
        account = self._account
        client = aiosmtplib.SMTP(
            hostname=account.host,
            port=account.port,
            timeout=account.timeout_seconds,
            use_tls=account.tls,
            start_tls=account.start_tls,
            username=account.user,
            password=account.password,
        )
        try:
            await client.connect()
        except (aiosmtplib.SMTPException, OSError) as error:
            client.close()
            raise MailAway(type(error).__name__) from error
        return client


class SmtpLine:
    """One connection; see Line. A mail that was not taken whole leaves it in a state unknown to us."""

    def __init__(self, client: aiosmtplib.SMTP, wall: Callable[[], datetime]) -> None:
        self._clean = True
        self._client = client
        self._wall = wall

    @property
    def is_clean(self) -> bool:
        """See Line."""
        return self._clean and self._client.is_connected

    async def send(self, letter: Letter, to: Sequence[str]) -> Answer:
        """See Line."""
        self._clean = False
        content = compose(letter, to, self._wall())
        try:
            taken, refused = await self._envelope(letter.sender[1], to)
        except aiosmtplib.SMTPResponseException as error:
            return _no(error.code)
        except _BROKEN:
            return Answer("deferred")
        if not taken:
            return _no(refused)
        try:
            await self._client.data(content)
        except aiosmtplib.SMTPResponseException as error:
            # Its negative answer to the mail itself: it does not have it.
            return _no(error.code)
        except _BROKEN:
            return Answer("unknown")
        self._clean = True
        return Answer("accepted" if taken == len(to) else "accepted_partly", 250)

    async def _envelope(self, sender: str, to: Sequence[str]) -> tuple[int, int]:
        """Return how many recipients were taken, and the mildest refusal of the others.

        The mildest decides: one that may pass is worth another try.
        """
        await self._client.mail(sender)
        refused = []
        for address in to:
            try:
                await self._client.rcpt(address)
            except aiosmtplib.SMTPRecipientRefused as error:
                refused.append(error.code)
        return len(to) - len(refused), min(refused, default=PERMANENT)


def compose(letter: Letter, to: Sequence[str], at: datetime) -> bytes:
    """Return the mail as bytes. Addresses stand in To and nowhere else.

    to: as is_address wants them. The letter's words are the tenant's and ours.
    """
    # By hand: the library's message reads its own headers back several times, which takes longer
    # than all the rest that is done for a letter.
    head = (
        ("From", formataddr(letter.sender)),
        ("To", ",\r\n ".join(to)),
        ("Subject", _words("Subject", letter.subject)),
        ("Date", format_datetime(at)),
        ("Message-ID", f"<{letter.message_id}>"),
        ("Content-Language", "id"),
        # RFC 3834: no out-of-office reply, and no loop with another robot.
        ("Auto-Submitted", "auto-generated"),
        ("X-Auto-Response-Suppress", "All"),
        ("MIME-Version", "1.0"),
        ("Content-Type", 'text/plain; charset="utf-8"'),
        ("Content-Transfer-Encoding", "quoted-printable"),
    )
    lines = "".join(f"{name}: {value}\r\n" for name, value in head)
    text = "\r\n".join((*letter.text.splitlines(), "")).encode()
    return lines.encode("ascii") + b"\r\n" + b2a_qp(text, istext=True)


def _words(name: str, text: str) -> str:
    """Return a header's text: one line that is folded, and encoded (RFC 2047) where not plain."""
    one_line = " ".join(text.split())
    plain = one_line.isascii() and "=?" not in one_line
    return Header(one_line, "us-ascii" if plain else "utf-8", header_name=name).encode(
        linesep="\r\n"
    )


def _no(code: int) -> Answer:
    return Answer("refused" if code >= PERMANENT else "deferred", code)
