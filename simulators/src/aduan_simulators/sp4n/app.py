"""SP4N-LAPOR! generation 2 over HTTP, with its traps, and `/_sim` for the tests."""

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from aduan.clock import Clock, SystemClock
from aduan_simulators.laporgub.book import Book, Pen, Row
from aduan_simulators.laporgub.control import (
    check,
    fault_routes,
    number,
    partner_error,
    read_json,
)
from aduan_simulators.laporgub.faults import Faults, PartnerError
from aduan_simulators.sp4n import desk
from aduan_simulators.sp4n.masters import ANSWER_HTML, institution_rows, template_rows

T = TypeVar("T")


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")
    content: str = ANSWER_HTML
    template_code: str = "JAWABAN"


class _Move(BaseModel):
    model_config = ConfigDict(extra="forbid")
    status: str
    note: str = ""


class Sp4n:
    """The endpoints of one simulated SP4N."""

    def __init__(
        self, book: Book, bearer: str, token: str, clock: Clock, behaviour: desk.Behaviour
    ) -> None:
        self.book = book
        self.faults = Faults(book, behaviour.seed)
        self._bearer = bearer
        self._token = token
        self._clock = clock
        self._behaviour = behaviour

    async def _do(self, operation: Callable[[Pen], T]) -> T:
        def with_habits(pen: Pen) -> T:
            desk.advance(pen, now=self._clock.now(), wall=self._clock.wall())
            return operation(pen)

        return await self.book.run(with_habits)

    async def _open(self, request: Request) -> None:
        """Check both headers, then let the fault switches act."""
        given = request.headers.get("authorization", "")
        token = request.headers.get("token", "")
        right = secrets.compare_digest(given.encode(), f"Bearer {self._bearer}".encode())
        if not (right and secrets.compare_digest(token.encode(), self._token.encode())):
            raise PartnerError(401, "Unauthorized")
        await self.faults.before()

    async def institutions(self, request: Request) -> Response:
        """GET masters/institutions/external."""
        await self._open(request)
        return JSONResponse({"results": {"data": institution_rows()}})

    async def templates(self, request: Request) -> Response:
        """GET masters/templates."""
        await self._open(request)
        return JSONResponse({"results": {"data": template_rows()}})

    async def upload(self, request: Request) -> Response:
        """POST complaints/complaint/file: only names and sizes are kept."""
        await self._open(request)
        async with request.form(max_files=10) as form:
            files = [f for f in form.getlist("attachments[]") if isinstance(f, UploadFile)]
            kept = [{"name": file.filename, "bytes": file.size} for file in files]
        if not kept:
            raise PartnerError(422, "Data tidak valid", {"attachments": ["required"]})

        def store(pen: Pen) -> list[dict[str, int]]:
            docs = []
            for file in kept:
                id = pen.next_number(desk.FILE)
                pen.put(desk.FILE, str(id), file)
                docs.append({"id": id})
            return docs

        docs = await self._do(store)
        await self.faults.after_store()
        return JSONResponse({"results": {"docs": docs}})

    async def create(self, request: Request) -> Response:
        """POST complaints/complaint-lmw: every call stores one more; the id moves in the answer."""
        await self._open(request)
        form = await read_json(request, desk.Creation)
        copies = 2 if await self.faults.strikes("duplicate") else 1

        def store(pen: Pen) -> Row:
            rows = [
                desk.create(
                    pen,
                    form,
                    now=self._clock.now(),
                    wall=self._clock.wall(),
                    behaviour=self._behaviour,
                )
                for _ in range(copies)
            ]
            return rows[-1]

        row = await self._do(store)
        await self.faults.after_store()
        shapes = (
            {"complaint_id": row["id"]},
            {"data": {"complaint_id": row["id"]}},
            {"data": {"results": {"complaint": {"id": row["id"]}}}},
        )
        return JSONResponse(shapes[row["id"] % 3])

    async def listing(self, request: Request) -> Response:
        """GET complaints?page=&page_size=: assumed; newest first."""
        await self._open(request)
        page = number(request, "page", default=1, low=1, high=1_000_000)
        size = number(request, "page_size", default=100, low=1, high=1000)

        def read(pen: Pen) -> tuple[list[Row], int]:
            rows = pen.newest(desk.COMPLAINT, limit=size, offset=(page - 1) * size)
            return [desk.list_view(row) for row in rows], pen.count(desk.COMPLAINT)

        rows, total = await self._do(read)
        return JSONResponse({"results": {"data": rows, "total": total}})

    async def status(self, request: Request) -> Response:
        """GET complaints/{id}/complaint."""
        await self._open(request)
        row = await self._do(lambda pen: desk.complaint_of(pen, request.path_params["id"]))
        data = {"data": desk.status_view(row), "data_logs": row["logs"]}
        return JSONResponse({"results": data})

    async def followups(self, request: Request) -> Response:
        """GET complaints/{id}/followups."""
        await self._open(request)
        row = await self._do(lambda pen: desk.complaint_of(pen, request.path_params["id"]))
        return JSONResponse({"results": {"data": row["followups"]}})

    async def add_followup(self, request: Request) -> Response:
        """POST complaints/followup/add (multipart); its answer names no id."""
        await self._open(request)
        async with request.form() as fields:
            texts: dict[str, object] = {
                name: value for name, value in fields.items() if isinstance(value, str)
            }
        form = check(desk.Followup, texts)
        await self._do(lambda pen: desk.follow_up(pen, form, now=self._clock.now()))
        await self.faults.after_store()
        return JSONResponse({"message": "success"})

    async def reject(self, request: Request) -> Response:
        """POST complaints/process/{id}/reject."""
        await self._open(request)
        form = await read_json(request, desk.Refusal)
        await self._do(lambda pen: desk.asks_to_reroute(pen, request.path_params["id"], form))
        await self.faults.after_store()
        return JSONResponse({"message": "success"})

    async def sim_tickets(self, _: Request) -> Response:
        """GET /_sim/tickets: what exists; all of it came from partners."""

        def figures(pen: Pen) -> dict[str, int]:
            count = pen.count(desk.COMPLAINT)
            return {
                "count": count,
                "submitted": count,
                "own": 0,
                "repeated_refs": pen.repeated_refs(desk.COMPLAINT),
            }

        return JSONResponse(await self._do(figures))

    async def sim_answer(self, request: Request) -> Response:
        """POST /_sim/tickets/{id}/answer: a ministry answers."""
        answer = await read_json(request, _Answer)
        entry = await self._do(
            lambda pen: desk.answers(
                pen,
                request.path_params["id"],
                content=answer.content,
                code=answer.template_code,
                now=self._clock.now(),
            )
        )
        return JSONResponse({"data": entry}, status_code=201)

    async def sim_move(self, request: Request) -> Response:
        """POST /_sim/tickets/{id}/move: SP4N sets a status, also one nobody has heard of."""
        move = await read_json(request, _Move)
        row = await self._do(
            lambda pen: desk.moves(
                pen, request.path_params["id"], status=move.status, note=move.note
            )
        )
        return JSONResponse({"data": desk.status_view(row)})


def create_app(
    folder: Path,
    *,
    bearer: str,
    token: str,
    clock: Clock | None = None,
    behaviour: desk.Behaviour | None = None,
) -> Starlette:
    """Return the simulator over `folder`/sp4n.sqlite3; its API stands at the root."""
    book = Book(folder / "sp4n.sqlite3")
    sim = Sp4n(book, bearer, token, clock or SystemClock(), behaviour or desk.Behaviour())

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        book.close()

    return Starlette(
        lifespan=lifespan,
        exception_handlers={PartnerError: partner_error},
        routes=[
            Route("/masters/institutions/external", sim.institutions),
            Route("/masters/templates", sim.templates),
            Route("/complaints", sim.listing),
            Route("/complaints/complaint/file", sim.upload, methods=["POST"]),
            Route("/complaints/complaint-lmw", sim.create, methods=["POST"]),
            Route("/complaints/followup/add", sim.add_followup, methods=["POST"]),
            Route("/complaints/process/{id}/reject", sim.reject, methods=["POST"]),
            Route("/complaints/{id}/complaint", sim.status),
            Route("/complaints/{id}/followups", sim.followups),
            Route("/_sim/tickets", sim.sim_tickets),
            Route("/_sim/tickets/{id}/answer", sim.sim_answer, methods=["POST"]),
            Route("/_sim/tickets/{id}/move", sim.sim_move, methods=["POST"]),
            *fault_routes(sim.faults),
        ],
    )
