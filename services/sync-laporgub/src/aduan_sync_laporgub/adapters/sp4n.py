"""SP4N-LAPOR! generation 2 as a partner, with the traps that one integrator met."""

import hashlib
import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
from pydantic import BaseModel, Field

from aduan.clock import WIB
from aduan.contracts.values import ReportClass
from aduan_sync_laporgub.adapters.calls import call, client, understood
from aduan_sync_laporgub.adapters.markup import filled, plain_text
from aduan_sync_laporgub.domain.remote import (
    OutboundEntry,
    OutboundReport,
    RemoteEntry,
    RemoteState,
)
from aduan_sync_laporgub.domain.systems import MirrorSystem
from aduan_sync_laporgub.domain.words import Words
from aduan_sync_laporgub.ports import PartnerRefused, PartnerUnsure

_PAGE: Final = 200
_TIME: Final = "%d-%m-%Y %H:%M:%S"
# How far their clock may be off when we look for a submission by its age.
_SKEW: Final = timedelta(days=1)
_REF: Final = re.compile(r"\[(aduan:[0-9a-f-]{36}(?::[0-9]+)?)\]")
_FALLBACK_CLASS: Final[ReportClass] = "pengaduan_tidak_berkadar_pengawasan"


class _Row(BaseModel):
    id: int
    tags_raw: str | None = None
    created_at: str


class _Rows(BaseModel):
    data: list[_Row]


class _Listing(BaseModel):
    results: _Rows


class _Status(BaseModel):
    status_name: str
    disposition_name: str | None = None


class _StatusData(BaseModel):
    data: _Status


class _StatusAnswer(BaseModel):
    results: _StatusData


class _Followup(BaseModel):
    created_at: str
    institution_from_name: str | None = None
    institution_to_name: str | None = None
    template_code: str | None = None
    template_content: str | None = None
    content: str | None = None


class _Followups(BaseModel):
    data: list[_Followup] = Field(default_factory=list)


class _FollowupAnswer(BaseModel):
    results: _Followups


class Sp4n:
    """See ports.Partner."""

    system: MirrorSystem = "sp4n"

    def __init__(
        self,
        base: str,
        bearer: str,
        token: str,
        words: Words,
        *,
        timeout_seconds: float,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        headers = {"Authorization": f"Bearer {bearer}", "token": token}
        self._http = client(base, headers, transport)
        self._words = words
        self._timeout = timeout_seconds

    async def submit(self, report: OutboundReport) -> str:
        """See ports.Partner. Our reference travels as a tag."""
        tenant = self._words.tenants[report.tenant]
        classes = {str(name): id for name, id in self._words.classifications.items()}
        answer = await self._call(
            "POST",
            "complaints/complaint-lmw",
            json={
                "title": report.title,
                "content": report.text,
                "channel": "API",
                "user_id": tenant.user_id,
                "classification_id": classes.get(
                    report.report_class or _FALLBACK_CLASS, classes.get(_FALLBACK_CLASS, 0)
                ),
                "disposition_id": tenant.national_id,
                "date_of_incident": report.occurred_on,
                "tags_raw": report.ref,
                "is_anonymous": int(report.anonymous),
                "is_secret": int(report.secret),
                "attachments": "[]",  # a string that holds a list: so it is there
            },
        )
        return _created_id(answer)

    async def find(self, ref: str, *, since: datetime) -> tuple[str, ...]:
        """See ports.Partner. Reads the list, newest first, back to `since` and a day more."""
        oldest = since - _SKEW
        found: list[str] = []
        page = 1
        while True:
            answer = await self._call(
                "GET", "complaints", params={"page": page, "page_size": _PAGE}
            )
            rows = understood(answer, _Listing).results.data
            found.extend(str(row.id) for row in rows if row.tags_raw == ref)
            if len(rows) < _PAGE or _moment(rows[-1].created_at) < oldest:
                return tuple(reversed(found))
            page += 1

    async def push(self, entry: OutboundEntry) -> str:
        """See ports.Partner. Their answer names no id, so the entry is looked up by reference."""
        tenant = self._words.tenants[entry.tenant]
        await self._call(
            "POST",
            "complaints/followup/add",
            data={
                "user_id": str(tenant.user_id),
                "institution_from_id": str(tenant.institution_id),
                "institution_to_id": str(tenant.national_id),
                "complaint_id": entry.ticket,
                "template_code": entry.status or "",
                "is_secret": str(int(entry.secret)),
                "content": f"{entry.text} [{entry.ref}]",
            },
        )
        key = await self.find_entry(entry.ticket, entry.ref)
        if key is None:
            raise PartnerUnsure("a follow-up that cannot be found again")
        return key

    async def find_entry(self, ticket: str, ref: str) -> str | None:
        """See ports.Partner."""
        return next((e.key for e in await self._entries(ticket) if e.ref == ref), None)

    async def read(self, ticket: str) -> RemoteState:
        """See ports.Partner."""
        entries = await self._entries(ticket)
        answer = await self._call("GET", f"complaints/{ticket}/complaint")
        status = understood(answer, _StatusAnswer).results.data
        return RemoteState(status.status_name, entries)

    async def close(self) -> None:
        """See ports.Partner."""
        await self._http.aclose()

    async def _entries(self, ticket: str) -> tuple[RemoteEntry, ...]:
        if not ticket.isalnum():
            raise PartnerRefused("remote_gone")  # never a path of somebody else's making
        answer = await self._call("GET", f"complaints/{ticket}/followups")
        rows = understood(answer, _FollowupAnswer).results.data
        return tuple(_entry(ticket, row) for row in rows)

    async def _call(self, method: str, path: str, **options: Any) -> httpx.Response:
        return await call(
            self._http, method, path, peer=self.system, timeout_seconds=self._timeout, **options
        )


def _created_id(answer: httpx.Response) -> str:
    """Return the id, which moves between versions. Raises PartnerUnsure when it is nowhere."""
    for path in (
        ("complaint_id",),
        ("data", "complaint_id"),
        ("data", "results", "complaint", "id"),
    ):
        found: Any = understood(answer, _AnyObject).model_dump()
        for name in path:
            found = found.get(name) if isinstance(found, dict) else None
        if isinstance(found, int | str) and str(found).isalnum():
            return str(found)
    raise PartnerUnsure("an answer without an id")


class _AnyObject(BaseModel, extra="allow"):
    """Any JSON object."""


def _entry(ticket: str, row: _Followup) -> RemoteEntry:
    names = {
        "institution_from": row.institution_from_name or "",
        "institution_to": row.institution_to_name or "",
    }
    content = row.content or ""
    marked = _REF.search(content)
    # They give no id: what never changes about an entry is its time, its sender and its words.
    digest = hashlib.sha256(
        "\n".join((row.created_at, names["institution_from"], content)).encode()
    )
    opening = plain_text(filled(row.template_content or "", names))
    body = plain_text(filled(content, names))
    return RemoteEntry(
        key=f"sp4n:{ticket}:{digest.hexdigest()[:20]}",
        title=row.template_code or "",
        at=_moment(row.created_at),
        text="\n".join(part for part in (opening, body) if part),
        ref=marked.group(1) if marked else None,
    )


def _moment(text: str) -> datetime:
    """Read a time without a zone as WIB. Raises PartnerUnsure."""
    try:
        return datetime.strptime(text, _TIME).replace(tzinfo=WIB).astimezone(UTC)
    except ValueError:
        raise PartnerUnsure("a time in an unknown form") from None
