"""Reads back what the sink kept: the mails, their distinct Message-IDs, and surplus copies."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import getaddresses
from pathlib import Path

from aduan_simulators.mailsink.spool import SUFFIX


@dataclass(frozen=True, slots=True)
class Mail:
    """One kept copy. to: bare addresses of the To header; body: decoded text; raw: as it came."""

    path: Path
    message_id: str
    to: tuple[str, ...]
    subject: str
    body: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Mailbox:
    """All copies in the folder, in the order of their arrival."""

    mails: Sequence[Mail]

    def copies(self) -> Counter[str]:
        """Return Message-ID -> how many copies were kept."""
        return Counter(mail.message_id for mail in self.mails)

    @property
    def distinct(self) -> int:
        """How many different Message-IDs there are."""
        return len(self.copies())

    @property
    def surplus(self) -> int:
        """How many copies there are beyond the first of each Message-ID."""
        return len(self.mails) - self.distinct

    def sent_to(self, address: str) -> Sequence[Mail]:
        """Return the mails that name an address in To."""
        return [mail for mail in self.mails if address in mail.to]


def read(folder: Path) -> Mailbox:
    """Read the whole folder; a mail that is being written right now is not there yet.

    Raises ValueError for a mail without a Message-ID.
    """
    return Mailbox([read_mail(path) for path in sorted(folder.glob(f"*{SUFFIX}"))])


def read_mail(path: Path) -> Mail:
    """Read one file. Raises ValueError when it has no Message-ID."""
    raw = path.read_bytes()
    message = BytesParser(EmailMessage, policy=policy.default).parsebytes(raw)
    message_id = message["Message-ID"]
    if message_id is None:
        raise ValueError(f"{path.name} has no Message-ID")
    text = message.get_body(preferencelist=("plain",))
    return Mail(
        path=path,
        message_id=str(message_id).strip(),
        to=tuple(address for _, address in getaddresses([str(message.get("To", ""))])),
        subject=str(message.get("Subject", "")),
        body=text.get_content() if text is not None else "",
        raw=raw,
    )
