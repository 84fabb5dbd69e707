"""The reply box of /lacak: an answer, more details, a rating, an objection, or the end."""

from collections.abc import Mapping
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import ValidationError

from aduan.errors import Busy
from aduan.web.problems import Problem
from aduan_intake.commands import attach, reply
from aduan_intake.domain.replies import PHOTO_ONLY, ReplyIn
from aduan_intake.entrypoints import forms
from aduan_intake.entrypoints.track_views import BLANK, PATH, TrackViews, to
from aduan_intake.ports import Desk

REPLY: Final = "/balasan"
WRONG_TOKEN: Final = "Kunci pelapor ini tidak cocok dengan laporan."  # noqa: S105 - a sentence
_BUSY: Final = "Balasan belum tersimpan karena sistem sedang sibuk. Mohon kirim kembali nanti."
_SENT_BEFORE: Final = (
    "Balasan dari formulir ini sudah kami terima sebelumnya. Jika isian di bawah ini adalah "
    "balasan yang lain, silakan kirim sekali lagi."
)
_FULL: Final = "Laporan ini sudah tidak dapat menerima balasan."
_RATINGS: Final = frozenset("12345")


def router(desk: Desk, views: TrackViews) -> APIRouter:
    """Return the routes of the reply box."""
    routes = APIRouter(include_in_schema=False)

    @routes.get(PATH + "/{ticket}" + REPLY)
    async def back(ticket: str) -> Response:
        """Lead somebody who reloads the answer to the form back to the complaint."""
        return to(ticket)

    @routes.post(PATH + "/{ticket}" + REPLY)
    async def answer(request: Request, ticket: str) -> Response:
        """Take a reply, or show the form again with a sentence beside each field."""
        sent = await forms.read(desk, request)
        found = await views.look(ticket)
        if isinstance(found, Response):
            return found
        id, body = found
        values = {name: sent.texts.get(name, "").replace("\r\n", "\n").strip() for name in BLANK}
        known = desk.vault.token_fits(values["token"], id, body["token_generation"])
        given, errors = _read(values, has_photos=bool(sent.photos))
        if sent.error is not None:
            errors[forms.PHOTO] = sent.error
        if not known:
            errors["token"] = WRONG_TOKEN
        key, status = sent.key(), 422 if known else 403
        if errors or given is None or key is None:
            return views.case(
                body, known=known, values=values, errors=errors, key=key, status=status
            )
        try:
            await reply(desk, id, given, by="reporter", key=key)
            for number, photo in enumerate(sent.photos):
                await attach(desk, id, photo, by="reporter", key=f"{key}:{number}")
        except Busy:
            return views.case(body, known=True, values=values, key=key, status=503, notice=_BUSY)
        except Problem as problem:
            reused = problem.code == "idempotency_key_reused"
            notice = _SENT_BEFORE if reused else _FULL
            return views.case(body, known=True, values=values, status=problem.status, notice=notice)
        return to(body["ticket"], "?terkirim=1")

    return routes


def _read(values: Mapping[str, str], *, has_photos: bool) -> tuple[ReplyIn | None, dict[str, str]]:
    sent: dict[str, Any] = {"kind": values["balasan"], "text": values["isi"] or None}
    if has_photos and values["balasan"] == "supplement" and not values["isi"]:
        sent["text"] = PHOTO_ONLY
    if values["balasan"] == "rating":
        if values["nilai"] not in _RATINGS:
            return None, {"nilai": "Mohon pilih nilai dari 1 sampai 5."}
        sent["rating"] = int(values["nilai"])
    try:
        return ReplyIn.model_validate(sent), {}
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False, include_input=False)
    where = {entry["loc"][:1] for entry in details}
    if ("kind",) in where:
        return None, {"balasan": "Mohon pilih salah satu."}
    if ("text",) in where:
        return None, {"isi": "Isi balasan paling banyak 10.000 huruf."}
    return None, {"isi": "Isi balasan belum diisi."}
