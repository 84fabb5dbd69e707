"""The officers' pages under /meja: a desk by deadline, and a case with what the table allows.

Server-rendered, no script. Every form carries the session's token; nothing here decides what may be
done, the workbench does.
"""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Request
from starlette.datastructures import FormData, UploadFile
from starlette.responses import RedirectResponse, Response

from aduan.contracts.values import State
from aduan.web.problems import Problem, invalid
from aduan_routing.entrypoints.desk_forms import FORMS, fields_of
from aduan_routing.entrypoints.desk_render import (
    ANSWER_SUFFIX,
    PATH,
    Pages,
    case_page,
    page,
    sign_in,
)
from aduan_routing.entrypoints.desk_session import Session
from aduan_routing.entrypoints.desk_view import desk_facts

PER_PAGE: Final = 25
PHOTOS: Final = 4
PHOTO_BYTES: Final = 5 * 1024 * 1024
BODY_BYTES: Final = PHOTOS * PHOTO_BYTES + 256 * 1024
PART_BYTES: Final = 64 * 1024
WRONG_KEY: Final = "Kunci tidak berlaku, atau bukan kunci untuk meja petugas."
STALE_FORM: Final = "Formulir sudah kedaluwarsa. Mohon masuk kembali."

CaseCode = Annotated[str, Path(max_length=64)]


def router(desk: Pages) -> APIRouter:
    """Return the routes under /meja."""
    routes = APIRouter(prefix=PATH, include_in_schema=False)

    @routes.get("")
    async def overview(
        request: Request,
        state: Annotated[State | None, Query()] = None,
        cursor: Annotated[str | None, Query(max_length=1024)] = None,
    ) -> Response:
        """The desk of who is signed in, nearest deadline first; else the sign-in."""
        session = await desk.sessions.current(request)
        if session is None:
            return sign_in(desk)
        who = session.who
        items, more = await desk.workbench.listing(who, state=state, cursor=cursor, limit=PER_PAGE)
        waiting = await desk.workbench.waiting(who) if session.role == "coordinator" else ()
        facts = desk_facts(items, desk.workbench.reference(who), desk.workbench.clock.now())
        facts |= {"waiting": waiting, "state": state, "next": more, "first": cursor is None}
        return page(desk, session, "meja.html", facts)

    @routes.post("/masuk")
    async def enter(request: Request) -> Response:
        """Take a key and begin a session."""
        async with request.form(max_files=0, max_fields=4) as form:
            key = _text(form, "kunci").strip()
        answer = RedirectResponse(PATH, status_code=303)
        if await desk.sessions.begin(key, answer):
            return answer
        return sign_in(desk, problem=WRONG_KEY, status=401)

    @routes.post("/keluar")
    async def leave(request: Request) -> Response:
        """End the session."""
        async with request.form(max_files=0, max_fields=4) as form:
            token = _text(form, "csrf")
        answer = RedirectResponse(PATH, status_code=303)
        if desk.sessions.is_own_form(request, token):
            desk.sessions.end(answer)
        return answer

    @routes.get("/kasus/{case}")
    async def one(
        request: Request,
        case: CaseCode,
        selesai: Annotated[str | None, Query(max_length=40)] = None,
    ) -> Response:
        """One case and what may be done with it now."""
        session = await desk.sessions.current(request)
        if session is None:
            return sign_in(desk, status=401)
        form = FORMS.get(selesai or "")
        done = form.done if form is not None else None
        return await case_page(desk, session, case, done=done)

    @routes.post("/kasus/{case}/tindakan/{action}")
    async def act(
        request: Request, case: CaseCode, action: Annotated[str, Path(max_length=40)]
    ) -> Response:
        """Do one action from its form."""
        return await _act(desk, request, case, action)

    @routes.post("/kasus/{case}" + ANSWER_SUFFIX)
    async def answer(request: Request, case: CaseCode) -> Response:
        """Answer a case, with photos as evidence."""
        return await _act(desk, request, case, "answer")

    @routes.get("/bukti/{evidence}")
    async def picture(request: Request, evidence: Annotated[str, Path(max_length=64)]) -> Response:
        """A photo of evidence."""
        session = await desk.sessions.current(request)
        if session is None:
            return sign_in(desk, status=401)
        content, media_type = await desk.workbench.picture(session.who, evidence)
        return Response(content, media_type=media_type)

    return routes


async def _act(desk: Pages, request: Request, case: str, action: str) -> Response:
    session = await desk.sessions.current(request)
    if session is None:
        return sign_in(desk, status=401)
    files = PHOTOS + 1 if action == "answer" else 0
    async with request.form(max_files=files, max_fields=24, max_part_size=PART_BYTES) as form:
        return await _do(desk, session, request, form, case, action)


async def _do(
    desk: Pages, session: Session, request: Request, form: FormData, case: str, action: str
) -> Response:
    if not desk.sessions.is_own_form(request, _text(form, "csrf")):
        return sign_in(desk, problem=STALE_FORM, status=403)
    if action not in FORMS:
        return await case_page(desk, session, case, problem=Problem("not_found"))
    sent = {name: value for name, value in form.items() if isinstance(value, str)}
    fields = fields_of(action, sent)
    key = sent.get("kunci_sekali") or None
    try:
        seen, _ = await desk.workbench.see(session.who, case)
        if action == "answer":
            fields["evidence"] = await _proofs(desk, session, seen.id, form, key)
        await desk.workbench.act(session.who, seen.id, action, fields, key)
    except Problem as problem:
        return await case_page(desk, session, case, problem=problem, action=action, sent=sent)
    target = f"{PATH}/kasus/{seen.body['ticket']}?selesai={action}"
    return RedirectResponse(target, status_code=303)


async def _proofs(
    desk: Pages, session: Session, case: str, form: FormData, key: str | None
) -> list[str]:
    """Store the photos of a form; the same form sent twice stores each once."""
    found: list[str] = []
    files = [one for one in form.getlist("evidence") if isinstance(one, UploadFile)]
    for number, file in enumerate(file for file in files if file.size):
        if number == PHOTOS:
            raise invalid("evidence", "are too many")
        content = await file.read(PHOTO_BYTES + 1)
        once = f"{key}-{number}" if key is not None else None
        found.append(await desk.workbench.prove(session.who, case, content, once))
    return found


def _text(form: FormData, name: str) -> str:
    value = form.get(name)
    return value if isinstance(value, str) else ""
