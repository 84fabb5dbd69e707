"""LaporGub over HTTP: the public pages that are known, the partner API that we assume, `/_sim`."""

import html
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse
from starlette.responses import Response as HttpResponse
from starlette.routing import Route

from aduan.clock import Clock, SystemClock
from aduan_simulators.laporgub import desk
from aduan_simulators.laporgub.book import Book, Pen, Row
from aduan_simulators.laporgub.control import fault_routes, number, partner_error, read_json
from aduan_simulators.laporgub.faults import Faults, PartnerError
from aduan_simulators.laporgub.places import CITIES
from aduan_simulators.laporgub.samples import citizen_report

T = TypeVar("T")
PARTNER_USER = "Pemerintah Kota Semarang"
_PUBLIC_ENTRY = ("title", "date", "user", "description")


class _Inbound(BaseModel):
    """Either invented reports by number (`count`), or one written out by a test."""

    model_config = ConfigDict(extra="forbid")
    count: int = 1
    report: dict[str, object] | None = None


class _Move(BaseModel):
    model_config = ConfigDict(extra="forbid")
    status: str | None = None
    title: str = "Pembaruan"
    text: str = "Laporan diperbarui."


class LaporGub:
    """The endpoints of one simulated LaporGub."""

    def __init__(self, book: Book, token: str, clock: Clock, behaviour: desk.Behaviour) -> None:
        self.book = book
        self.faults = Faults(book, behaviour.seed)
        self._token = token
        self._clock = clock
        self._behaviour = behaviour

    async def _do(self, operation: Callable[[Pen], T]) -> T:
        def with_habits(pen: Pen) -> T:
            desk.advance(
                pen,
                now=self._clock.now(),
                wall=self._clock.wall(),
                behaviour=self._behaviour,
            )
            return operation(pen)

        return await self.book.run(with_habits)

    def _check(self, request: Request) -> None:
        given = request.headers.get("authorization", "")
        if not secrets.compare_digest(given.encode(), f"Bearer {self._token}".encode()):
            raise PartnerError(401, "Token tidak sah")

    async def cities(self, _: Request) -> HttpResponse:
        """GET /api/get-city: known."""
        return JSONResponse([{"id": id, "name": name} for id, name in CITIES.items()])

    async def detail(self, request: Request) -> HttpResponse:
        """GET /detail/{ticket}: known. A private report shows nothing but its number."""
        row = await self._do(lambda pen: desk.ticket_of(pen, request.path_params["ticket"]))
        private = row["jenis"] != 1
        entries = [] if private else [{k: e[k] for k in _PUBLIC_ENTRY} for e in row["linimasa"]]
        if "application/json" in request.headers.get("accept", ""):
            return JSONResponse({"ticket": row["tiket"], "timeline": entries})
        items = "".join(
            f"<li><b>{html.escape(e['title'])}</b> {html.escape(e['date'])} "
            f"{html.escape(e['user'])}<p>{html.escape(e['description'])}</p></li>"
            for e in entries
        )
        return HTMLResponse(
            f'<!doctype html><html lang="id"><title>{row["tiket"]}</title>'
            f"<h1>{row['tiket']}</h1><ol>{items}</ol></html>"
        )

    async def submit(self, request: Request) -> HttpResponse:
        """POST /api/mitra/v1/laporan: assumed. A repeat with the same ref is another ticket."""
        self._check(request)
        await self.faults.before()
        form = await read_json(request, desk.Submission)
        copies = 2 if await self.faults.strikes("duplicate") else 1
        rows = await self._do(lambda pen: [self._store(pen, form) for _ in range(copies)])
        await self.faults.after_store()
        return JSONResponse({"data": _partner_view(rows[-1])}, status_code=201)

    def _store(self, pen: Pen, form: desk.Submission) -> Row:
        return desk.submit(
            pen,
            form,
            partner=PARTNER_USER,
            now=self._clock.now(),
            wall=self._clock.wall(),
            behaviour=self._behaviour,
        )

    async def by_ref(self, request: Request) -> HttpResponse:
        """GET /api/mitra/v1/laporan?ref=: assumed. Every ticket with this ref, oldest first."""
        self._check(request)
        await self.faults.before()
        ref = request.query_params.get("ref", "")
        if not ref:
            raise PartnerError(422, "Parameter tidak sah", {"ref": ["required"]})
        rows = await self._do(lambda pen: pen.by_ref(desk.TICKET, ref))
        rows.sort(key=lambda row: (row["dibuat"], row["tiket"]))
        return JSONResponse({"data": [_partner_view(row) for row in rows]})

    async def one(self, request: Request) -> HttpResponse:
        """GET /api/mitra/v1/laporan/{ticket}: assumed."""
        self._check(request)
        await self.faults.before()
        row = await self._do(lambda pen: desk.ticket_of(pen, request.path_params["ticket"]))
        return JSONResponse({"data": _partner_view(row)})

    async def respond(self, request: Request) -> HttpResponse:
        """POST /api/mitra/v1/laporan/{ticket}/tanggapan: assumed. A repeat is another entry."""
        self._check(request)
        await self.faults.before()
        form = await read_json(request, desk.Response)
        ticket = request.path_params["ticket"]
        entry = await self._do(
            lambda pen: desk.respond(pen, ticket, form, user=PARTNER_USER, now=self._clock.now())
        )
        await self.faults.after_store()
        return JSONResponse({"data": entry}, status_code=201)

    async def changes(self, request: Request) -> HttpResponse:
        """GET /api/mitra/v1/perubahan?sejak=&batas=: assumed. Tickets in the order of change."""
        self._check(request)
        await self.faults.before()
        rows, cursor = await self._feed(request, desk.TICKET)
        data = [{"tiket": row["tiket"], "status": row["status"]} for _, row in rows]
        return JSONResponse({"data": data, "berikut": cursor})

    async def inbound(self, request: Request) -> HttpResponse:
        """GET /api/mitra/v1/masuk?sejak=&batas=: assumed. Reports that the city must handle."""
        self._check(request)
        await self.faults.before()
        sent, cursor = await self._feed(request, desk.INBOUND)

        def read(pen: Pen) -> list[Row]:
            rows = [(place, desk.ticket_of(pen, row["tiket"])) for place, row in sent]
            return [
                {**_partner_view(row), "pelapor": row["pelapor"], "urut": place}
                for place, row in rows
            ]

        return JSONResponse({"data": await self._do(read), "berikut": cursor})

    async def _feed(self, request: Request, kind: str) -> tuple[list[tuple[int, Row]], int]:
        since = number(request, "sejak", default=0, low=0, high=2**53)
        limit = number(request, "batas", default=100, low=1, high=500)
        found = await self._do(lambda pen: pen.changed_after(kind, since, limit))
        return found, found[-1][0] if found else since

    async def sim_tickets(self, _: Request) -> HttpResponse:
        """GET /_sim/tickets: what exists. `submitted` came from partners, `own` from citizens."""

        def figures(pen: Pen) -> dict[str, int]:
            own = pen.number("own")
            total = pen.count(desk.TICKET)
            return {
                "count": total,
                "submitted": total - own,
                "own": own,
                "repeated_refs": pen.repeated_refs(desk.TICKET),
            }

        return JSONResponse(await self._do(figures))

    async def sim_inbound(self, request: Request) -> HttpResponse:
        """POST /_sim/inbound: citizens report to the province; the tickets are the answer."""
        wanted = await read_json(request, _Inbound)

        def write(pen: Pen) -> list[str]:
            tickets = []
            for _ in range(wanted.count):
                sample = citizen_report(self._behaviour.seed, pen.next_number("citizen"))
                row = desk.citizen_reports(
                    pen,
                    sample | (wanted.report or {}),
                    now=self._clock.now(),
                    behaviour=self._behaviour,
                )
                tickets.append(str(row["tiket"]))
            return tickets

        return JSONResponse({"tickets": await self._do(write)}, status_code=201)

    async def sim_move(self, request: Request) -> HttpResponse:
        """POST /_sim/tickets/{ticket}/move: the province's staff act."""
        move = await read_json(request, _Move)
        row = await self._do(
            lambda pen: desk.staff_moves(
                pen,
                request.path_params["ticket"],
                status=move.status,
                title=move.title,
                text=move.text,
                now=self._clock.now(),
            )
        )
        return JSONResponse({"data": _partner_view(row)})

    async def sim_send(self, request: Request) -> HttpResponse:
        """POST /_sim/tickets/{ticket}/send: the province passes a ticket (back) to the city."""
        ticket = request.path_params["ticket"]
        await self._do(lambda pen: desk.send_to_city(pen, ticket, now=self._clock.now()))
        return JSONResponse({"tiket": ticket}, status_code=201)


def _partner_view(row: Row) -> Row:
    hidden = ("pelapor", "mitra")
    return {key: value for key, value in row.items() if key not in hidden}


def create_app(
    folder: Path,
    *,
    token: str,
    clock: Clock | None = None,
    behaviour: desk.Behaviour | None = None,
) -> Starlette:
    """Return the simulator over `folder`/laporgub.sqlite3; partners must send `Bearer token`."""
    book = Book(folder / "laporgub.sqlite3")
    sim = LaporGub(book, token, clock or SystemClock(), behaviour or desk.Behaviour())

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        book.close()

    partner = "/api/mitra/v1"
    return Starlette(
        lifespan=lifespan,
        exception_handlers={PartnerError: partner_error},
        routes=[
            Route("/api/get-city", sim.cities),
            Route("/detail/{ticket}", sim.detail),
            Route(f"{partner}/laporan", sim.submit, methods=["POST"]),
            Route(f"{partner}/laporan", sim.by_ref, methods=["GET"]),
            Route(f"{partner}/laporan/{{ticket}}", sim.one),
            Route(f"{partner}/laporan/{{ticket}}/tanggapan", sim.respond, methods=["POST"]),
            Route(f"{partner}/perubahan", sim.changes),
            Route(f"{partner}/masuk", sim.inbound),
            Route("/_sim/tickets", sim.sim_tickets),
            Route("/_sim/inbound", sim.sim_inbound, methods=["POST"]),
            Route("/_sim/tickets/{ticket}/move", sim.sim_move, methods=["POST"]),
            Route("/_sim/tickets/{ticket}/send", sim.sim_send, methods=["POST"]),
            *fault_routes(sim.faults),
        ],
    )
