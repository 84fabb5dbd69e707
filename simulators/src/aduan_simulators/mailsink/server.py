"""The SMTP side of the sink, on Twisted: 250 is answered only after the mail is on the disk.

Known gap, on purpose: no TLS and no authentication. It listens on the loopback unless told otherwise.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.protocol import ServerFactory
from twisted.internet.threads import deferToThread
from twisted.mail.smtp import ESMTP, Address, SMTPServerError, User

from aduan_simulators.mailsink.spool import Spool

MAIL_LIMIT: Final = 1024 * 1024
_Peer = tuple[bytes, bytes]


@dataclass(slots=True)
class Behaviour:
    """How the sink misbehaves, for tests of those who send.

    refuse: recipients answered with 550. defer: recipients answered with 451.
    lose_answers: so many mails are stored, and the connection is cut instead of the 250.
    """

    refuse: frozenset[str] = frozenset()
    defer: frozenset[str] = frozenset()
    lose_answers: int = 0


def refusal(code: int, words: str | bytes) -> Exception:
    """Return what Twisted answers with this code when a hook raises it.

    words: text from a hook about a recipient, bytes from one about the mail; Twisted encodes only
    the first kind.
    """
    return SMTPServerError(code, words)  # type: ignore[no-untyped-call]  # Twisted's


class Incoming:
    """One mail while it arrives.

    Twisted asks for one object per recipient; followers leave the work to their `lead`, so that a
    mail to three people is one file.
    """

    def __init__(self, delivery: "Delivery", lead: "Incoming | None") -> None:
        self._delivery = delivery
        self._lead = lead
        self._lines: list[bytes] = []
        self._size = 0

    def lineReceived(self, line: bytes) -> None:  # noqa: N802 - Twisted's name
        """Take one line; a follower leaves it to its lead."""
        if self._lead is None:
            self._size += len(line) + 2
            if self._size > MAIL_LIMIT:
                raise refusal(552, b"5.3.4 mail too large")
            self._lines.append(line)

    def eomReceived(self) -> "Deferred[bytes]":  # noqa: N802 - Twisted's name
        """Store the mail; Twisted answers 250 when the result is there."""
        done: Deferred[bytes] = Deferred()
        if self._lead is not None:
            done.callback(b"")
            return done
        content = b"\r\n".join(self._lines) + b"\r\n"
        stored: Deferred[Path] = deferToThread(self._delivery.spool.keep, content)
        return stored.addCallback(self._stored)

    def connectionLost(self) -> None:  # noqa: N802 - Twisted's name
        """Forget a mail whose sender went away before its end."""
        self._lines.clear()

    def _stored(self, path: Path) -> bytes:
        self._delivery.after_store()
        return path.name.encode()


class Delivery:
    """What one connection may do."""

    def __init__(self, spool: Spool, behaviour: Behaviour, hang_up: Callable[[], None]) -> None:
        self.spool = spool
        self._behaviour = behaviour
        self._hang_up = hang_up
        self._lead: Incoming | None = None

    def receivedHeader(  # noqa: N802 - Twisted's name
        self, _helo: _Peer, _origin: Address, _recipients: list[User]
    ) -> bytes:
        """Add no header: the file is what the sender sent."""
        return b""

    def validateFrom(self, _helo: _Peer, origin: Address) -> Address:  # noqa: N802
        """Accept every sender; a new mail begins."""
        self._lead = None
        return origin

    def validateTo(self, user: User) -> Callable[[], Incoming]:  # noqa: N802
        """Accept a recipient unless the behaviour says otherwise."""
        address = str(user.dest).lower()
        if address in self._behaviour.refuse:
            raise refusal(550, "5.1.1 no such mailbox")
        if address in self._behaviour.defer:
            raise refusal(451, "4.3.0 try again later")
        return self._incoming

    def after_store(self) -> None:
        """Cut the connection instead of answering, as often as the behaviour says."""
        if self._behaviour.lose_answers > 0:
            self._behaviour.lose_answers -= 1
            self._hang_up()

    def _incoming(self) -> Incoming:
        found = Incoming(self, self._lead)
        if self._lead is None:
            self._lead = found
        return found


class Protocol(ESMTP):
    """One connection. A mail that could not be stored is the sink's trouble, so it says 451."""

    noisy = False

    def _messageHandled(  # noqa: N802 - Twisted's name; its own answers 550, which senders believe
        self, results: list[tuple[bool, object]]
    ) -> None:
        if all(stored for stored, _ in results):
            code, words = 250, b"2.0.0 kept"
        else:
            code, words = 451, b"4.3.1 cannot store now"
        self.sendCode(code, words)  # type: ignore[no-untyped-call]  # Twisted's


class Sink(ServerFactory):
    """Makes the protocol of each connection."""

    noisy = False

    def __init__(self, spool: Spool, behaviour: Behaviour) -> None:
        self._spool = spool
        self._behaviour = behaviour

    def buildProtocol(self, _addr: object) -> Protocol:  # noqa: N802 - Twisted's name
        """Return a protocol with a delivery of its own."""
        protocol = Protocol()  # type: ignore[no-untyped-call]  # Twisted's
        protocol.factory = self

        def hang_up() -> None:
            transport: Any = protocol.transport  # its stub knows the half of TCP's
            transport.abortConnection()

        protocol.delivery = Delivery(self._spool, self._behaviour, hang_up)
        return protocol
