"""The mail provider over SMTP. Each stage is a call of its own, so that a break says what it means.

Before DATA was begun the provider cannot have the mail; after it, only its answer tells.
"""

from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
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
            if line.is_clean and client.is_connected:
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
    """One connection, for one mail. is_clean: it may be used for another one."""

    def __init__(self, client: aiosmtplib.SMTP, wall: Callable[[], datetime]) -> None:
        self.is_clean = False
        self._client = client
        self._wall = wall
        self._refused: int | None = None

    async def send(self, letter: Letter, to: Sequence[str]) -> Answer:
        """See Line."""
        content = compose(letter, to, self._wall())
        try:
            taken = await self._envelope(letter.sender[1], to)
        except aiosmtplib.SMTPResponseException as error:
            return _no(error.code)
        except _BROKEN:
            return Answer("deferred")
        if not taken:
            return _no(self._refused or PERMANENT)
        try:
            await self._client.data(content)
        except aiosmtplib.SMTPResponseException as error:
            # Its negative answer to the mail itself: it does not have it.
            return _no(error.code)
        except _BROKEN:
            return Answer("unknown")
        self.is_clean = True
        return Answer("accepted" if taken == len(to) else "accepted_partly", 250)

    async def _envelope(self, sender: str, to: Sequence[str]) -> int:
        await self._client.mail(sender)
        taken = 0
        for address in to:
            try:
                await self._client.rcpt(address)
                taken += 1
            except aiosmtplib.SMTPRecipientRefused as error:
                # The mildest refusal decides: one that may pass is worth another try.
                known = self._refused
                self._refused = error.code if known is None else min(known, error.code)
        return taken


def compose(letter: Letter, to: Sequence[str], at: datetime) -> bytes:
    """Return the mail as bytes. Addresses stand in To and nowhere else."""
    mail = EmailMessage(policy=SMTP_POLICY)
    mail["From"] = formataddr(letter.sender)
    mail["To"] = ", ".join(to)
    mail["Subject"] = letter.subject
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = f"<{letter.message_id}>"
    mail["Content-Language"] = "id"
    # RFC 3834: no out-of-office reply, and no loop with another robot.
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    mail.set_content(letter.text, cte="quoted-printable")
    return mail.as_bytes()


def _no(code: int) -> Answer:
    return Answer("refused" if code >= PERMANENT else "deferred", code)
