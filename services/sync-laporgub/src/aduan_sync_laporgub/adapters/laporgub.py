"""LaporGub as a partner and as a feed. Its partner API is assumed (see simulators/README.md)."""

from datetime import datetime
from typing import Any, Final

import httpx
from pydantic import BaseModel, Field

from aduan.clock import WIB
from aduan_sync_laporgub.adapters.calls import call, client, understood
from aduan_sync_laporgub.domain.remote import (
    InboundReport,
    OutboundEntry,
    OutboundReport,
    RemoteEntry,
    RemoteState,
)
from aduan_sync_laporgub.domain.systems import MirrorSystem
from aduan_sync_laporgub.domain.words import Words
from aduan_sync_laporgub.ports import PartnerRefused, PartnerUnsure

_API: Final = "api/mitra/v1"
PUBLIC: Final = 1  # `jenis`: the opposite of SP4N's is_secret, where 1 is secret
PRIVATE: Final = 0


class _Ticket(BaseModel):
    tiket: str


class _One(BaseModel):
    data: _Ticket


class _Many(BaseModel):
    data: list[_Ticket]


class _Entry(BaseModel):
    id: str
    title: str
    date: str
    description: str
    ref: str | None = None


class _Written(BaseModel):
    data: _Entry


class _Detail(BaseModel):
    status: str
    linimasa: list[_Entry]


class _Read(BaseModel):
    data: _Detail


class _Changes(BaseModel):
    data: list[_Ticket]
    berikut: int


class _Inbound(BaseModel):
    data: list[dict[str, Any]] = Field(default_factory=list)
    berikut: int


class LaporGub:
    """See ports.Partner and ports.Feed."""

    system: MirrorSystem = "laporgub"

    def __init__(
        self,
        base: str,
        token: str,
        words: Words,
        *,
        timeout_seconds: float,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._http = client(base, {"Authorization": f"Bearer {token}"}, transport)
        self._words = words
        self._timeout = timeout_seconds

    async def submit(self, report: OutboundReport) -> str:
        """See ports.Partner."""
        tenant = self._words.tenants[report.tenant]
        answer = await self._call(
            "POST",
            f"{_API}/laporan",
            json={
                "ref": report.ref,
                "judul": report.title,
                "aduan": report.text,
                "lokasi": report.place or tenant.place,
                "kota_id": tenant.city_id,
                "jenis": PRIVATE if report.secret else PUBLIC,
                "anonim": int(report.anonymous),
                "sektor": self._words.sector(report.category),
            },
        )
        return understood(answer, _One).data.tiket

    async def find(
        self,
        ref: str,
        *,
        since: datetime,  # noqa: ARG002 - the port's; the reference is an index there
    ) -> tuple[str, ...]:
        """See ports.Partner."""
        answer = await self._call("GET", f"{_API}/laporan", params={"ref": ref})
        return tuple(row.tiket for row in understood(answer, _Many).data)

    async def push(self, entry: OutboundEntry) -> str:
        """See ports.Partner."""
        answer = await self._call(
            "POST",
            f"{_API}/laporan/{entry.ticket}/tanggapan",
            json={
                "ref": entry.ref,
                "judul": entry.title,
                "isi": entry.text,
                "status": entry.status,
            },
        )
        return _key(understood(answer, _Written).data)

    async def find_entry(self, ticket: str, ref: str) -> str | None:
        """See ports.Partner."""
        detail = await self._detail(ticket)
        return next((_key(entry) for entry in detail.linimasa if entry.ref == ref), None)

    async def read(self, ticket: str) -> RemoteState:
        """See ports.Partner."""
        detail = await self._detail(ticket)
        entries = tuple(
            RemoteEntry(_key(row), row.title, _moment(row.date), row.description, row.ref)
            for row in detail.linimasa
        )
        return RemoteState(detail.status, entries)

    async def changes(self, after: int, limit: int) -> tuple[tuple[str, ...], int]:
        """See ports.Feed."""
        answer = await self._call(
            "GET", f"{_API}/perubahan", params={"sejak": after, "batas": limit}
        )
        found = understood(answer, _Changes)
        return tuple(dict.fromkeys(row.tiket for row in found.data)), found.berikut

    async def inbound(self, after: int, limit: int) -> tuple[tuple[InboundReport, ...], int]:
        """See ports.Feed. Raises PartnerUnsure for a row without number or place in the list."""
        answer = await self._call("GET", f"{_API}/masuk", params={"sejak": after, "batas": limit})
        found = understood(answer, _Inbound)
        try:
            rows = tuple(
                InboundReport(int(row["urut"]), str(row["tiket"]), row.get("ref") or None, row)
                for row in found.data
            )
        except (KeyError, TypeError, ValueError):
            raise PartnerUnsure("an inbound row without number or place") from None
        return rows, found.berikut

    async def close(self) -> None:
        """See ports.Partner."""
        await self._http.aclose()

    async def _detail(self, ticket: str) -> _Detail:
        if not ticket.isalnum():
            raise PartnerRefused("remote_gone")  # never a path of somebody else's making
        answer = await self._call("GET", f"{_API}/laporan/{ticket}")
        return understood(answer, _Read).data

    async def _call(self, method: str, path: str, **options: Any) -> httpx.Response:
        return await call(
            self._http, method, path, peer=self.system, timeout_seconds=self._timeout, **options
        )


def _key(entry: _Entry) -> str:
    return f"laporgub:{entry.id}"


def _moment(text: str) -> datetime:
    """Read a time without a zone as WIB. Raises PartnerUnsure."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise PartnerUnsure("a time in an unknown form") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=WIB)
