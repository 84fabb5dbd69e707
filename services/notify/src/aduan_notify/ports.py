"""What this service needs from outside, in its own words."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Literal, Protocol

from aduan.errors import AduanError


class MailAway(AduanError):
    """The mail provider cannot be reached: nothing was handed over, everybody waits."""


class ContactsAway(AduanError):
    """Intake gave no usable answer about a contact: ask again later."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail before it is addressed.

    message_id: without angle brackets. sender: name and address.
    """

    message_id: str
    sender: tuple[str, str]
    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the provider said.

    accepted: it has the mail. accepted_partly: for some of the recipients. deferred: no for now.
    refused: no for ever. unknown: the connection broke when it may have had the mail already.
    """

    kind: Literal["accepted", "accepted_partly", "deferred", "refused", "unknown"]
    code: int | None = None


class Line(Protocol):
    """An open way to the provider, for one mail after another."""

    @property
    def is_clean(self) -> bool:
        """Whether it may be used for another letter; once it is not, it stays so."""
        ...

    async def send(self, letter: Letter, to: Sequence[str]) -> Answer:
        """Hand the letter over to well-formed addresses. Raises nothing that is not a bug."""
        ...


class Mailer(Protocol):
    """The mail provider."""

    def line(self) -> AbstractAsyncContextManager[Line]:
        """Open a way before anything is promised. Raises MailAway."""
        ...


class Contacts(Protocol):
    """Intake, the only one who knows how a reporter is reached."""

    async def email_of(self, complaint_id: str) -> str | None:
        """Return the address, or None where there is none (any more). Raises ContactsAway."""
        ...
