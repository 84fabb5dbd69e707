"""What this service needs from outside, in its own words."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, Protocol

from aduan.errors import AduanError
from aduan_sync_laporgub.domain.remote import (
    InboundReport,
    OutboundEntry,
    OutboundReport,
    Rejected,
    RemoteState,
)
from aduan_sync_laporgub.domain.systems import MirrorSystem

RefusalCode = Literal["invalid", "identity_required", "confidential_refused", "remote_gone"]


class PartnerDown(AduanError):
    """Nothing was stored there: no connection, wrong credentials, or too many requests."""


class PartnerUnsure(AduanError):
    """The partner may or may not have stored it: a time-out, a broken connection, a 5xx."""


class PartnerRefused(AduanError):
    """The partner will never take this. Nothing was stored."""

    def __init__(self, code: RefusalCode) -> None:
        super().__init__(code)
        self.code = code


class Partner(Protocol):
    """One partner system. Every method raises PartnerDown, PartnerUnsure or PartnerRefused."""

    @property
    def system(self) -> MirrorSystem:
        """Which partner this is."""
        ...

    async def submit(self, report: OutboundReport) -> str:
        """Create a ticket and return its number. Never idempotent: look first after a doubt."""
        ...

    async def find(self, ref: str, *, since: datetime) -> tuple[str, ...]:
        """Return the tickets submitted since then that carry our reference, oldest first."""
        ...

    async def push(self, entry: OutboundEntry) -> str:
        """Write an entry and return its remote key. Never idempotent."""
        ...

    async def find_entry(self, ticket: str, ref: str) -> str | None:
        """Return the remote key of the entry that carries our reference."""
        ...

    async def read(self, ticket: str) -> RemoteState:
        """Return status and entries of a ticket."""
        ...

    async def close(self) -> None:
        """Release the connections."""
        ...


class Feed(Protocol):
    """A partner that lists what changed. Cursors are its own numbers; 0 is the beginning."""

    async def changes(self, after: int, limit: int) -> tuple[tuple[str, ...], int]:
        """Return tickets in the order of their change, and the next cursor."""
        ...

    async def inbound(self, after: int, limit: int) -> tuple[tuple[InboundReport, ...], int]:
        """Return reports for the tenant in the order they were sent, and the next cursor."""
        ...


class Intake(Protocol):
    """Intake over HTTP, as any portal sees it, and its door for confidential content."""

    async def hand_in(self, report: Mapping[str, Any]) -> Rejected | None:
        """POST a report, idempotent by its external_id. None: acknowledged. Raises IntakeAway."""
        ...

    async def content(self, content_ref: str) -> str:
        """Claim the text behind a reference, for the purpose of handing it to a partner.

        Raises IntakeAway; ContentGone when it does not exist any more.
        """
        ...

    async def close(self) -> None:
        """Release the connections."""
        ...


class IntakeAway(AduanError):
    """Intake did not answer, or not in a way that decides anything: try again later."""


class ContentGone(AduanError):
    """The content behind a reference is gone or not ours to read."""
