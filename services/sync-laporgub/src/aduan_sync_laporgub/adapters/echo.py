"""The partner of the canary: takes everything, remembers nothing, and is nowhere but here.

What it answers follows from the reference alone, so every replica answers alike and a look after a
doubt finds what was submitted.
"""

from datetime import datetime
from typing import Final
from uuid import UUID, uuid5

from aduan_sync_laporgub.domain.remote import OutboundEntry, OutboundReport, RemoteState
from aduan_sync_laporgub.domain.systems import ECHO, MirrorSystem

RECEIVED: Final = "diterima"
_NAMESPACE: Final = UUID("0c9d3a4e-6b7d-5a52-8a38-1f4f7f2b9a10")


class Echo:
    """A Partner, as ports.py says. Raises nothing."""

    system: MirrorSystem = ECHO

    async def submit(self, report: OutboundReport) -> str:
        """See the port."""
        return _named(report.ref)

    async def find(self, ref: str, *, since: datetime) -> tuple[str, ...]:  # noqa: ARG002 - the port's
        """See the port."""
        return (_named(ref),)

    async def push(self, entry: OutboundEntry) -> str:
        """See the port."""
        return _named(entry.ref)

    async def find_entry(self, ticket: str, ref: str) -> str | None:  # noqa: ARG002 - the port's
        """See the port."""
        return _named(ref)

    async def read(self, ticket: str) -> RemoteState:  # noqa: ARG002 - the port's
        """See the port."""
        return RemoteState(RECEIVED, ())

    async def close(self) -> None:
        """See the port."""


def _named(ref: str) -> str:
    return f"ECHO-{uuid5(_NAMESPACE, ref)}"
