"""The mail provider of the canary: takes every letter and brings it nowhere."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aduan_notify.ports import Answer, Letter, Line


class EchoMailer:
    """A Mailer, as ports.py says."""

    @asynccontextmanager
    async def line(self) -> AsyncIterator[Line]:
        """See the port."""
        yield _EchoLine()


class _EchoLine:
    is_clean = True

    async def send(self, letter: Letter, to: Sequence[str]) -> Answer:  # noqa: ARG002 - the port's
        return Answer("accepted")
