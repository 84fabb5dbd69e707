"""The shapes that go to a partner and come from one, free of any partner's own format."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class OutboundReport:
    """A complaint as a partner gets it. Scrubbed text, no identity, no attachment.

    category: ours; report_class: ours or None; secret: the content must not be public.
    """

    ref: str
    tenant: str
    title: str
    text: str
    place: str | None
    occurred_on: str | None
    category: str | None
    report_class: str | None
    anonymous: bool
    secret: bool


@dataclass(frozen=True, slots=True)
class OutboundEntry:
    """A push. status: the partner's word (LaporGub) or template code (SP4N)."""

    ref: str
    tenant: str
    ticket: str
    title: str
    text: str
    status: str | None
    secret: bool


@dataclass(frozen=True, slots=True)
class RemoteEntry:
    """An entry there. text: plain, no HTML. at: aware UTC. ref: ours, if we wrote it."""

    key: str
    title: str
    at: datetime
    text: str
    ref: str | None


@dataclass(frozen=True, slots=True)
class RemoteState:
    """A ticket as the partner shows it now; entries oldest first."""

    raw_status: str
    entries: tuple[RemoteEntry, ...]


@dataclass(frozen=True, slots=True)
class InboundReport:
    """A report that a partner sends to a tenant. raw: its row as received, identity included.

    raw is handed to intake and never stored. ref: ours, if we once submitted this ticket.
    """

    position: int
    ticket: str
    ref: str | None
    raw: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rejected:
    """Intake will never take a report. reason: the problem's code; fields: names, no values."""

    reason: str
    fields: tuple[str, ...] = ()
