"""/lapor: the form, and the page that hands over ticket and token. Works without a script."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment

from aduan.clock import WIB
from aduan.errors import Busy
from aduan.web.pages.forms import one_time_key
from aduan.web.problems import Problem
from aduan_intake.adapters.reference import Tenant
from aduan_intake.commands import Cleaned, Taken, attach, take
from aduan_intake.domain.form import KINDS, read_form, untouched
from aduan_intake.entrypoints import forms
from aduan_intake.ports import Desk

PATH: Final = "/lapor"
PORTAL: Final = "web"
_BUSY: Final = (
    "Laporan belum tersimpan karena sistem sedang sibuk. Isian Bapak/Ibu masih ada di bawah ini; "
    "mohon kirim kembali sebentar lagi."
)
_SENT_BEFORE: Final = (
    "Laporan dari formulir ini sudah kami terima sebelumnya. Jika isian di bawah ini adalah "
    "laporan yang lain, silakan kirim sekali lagi."
)


def router(desk: Desk, tenant: Tenant, pages: Environment) -> APIRouter:
    """Return the routes of the form. tenant: whose citizens it serves."""
    routes = APIRouter(include_in_schema=False)
    form_page = pages.get_template("lapor.html")
    done_page = pages.get_template("diterima.html")
    areas = tenant.area_codes

    def today() -> date:
        return desk.clock.now().astimezone(WIB).date()

    def form(
        values: Any, errors: Any = None, *, key: str, status: int = 200, notice: str | None = None
    ) -> Response:
        text = form_page.render(
            tenant=tenant,
            here=PATH,
            kinds=KINDS,
            values=values,
            errors=errors or {},
            key=key,
            notice=notice,
            today=today().isoformat(),
            photos=forms.PHOTOS,
            photo_mb=forms.PHOTO_MB,
        )
        headers = {"Retry-After": "5"} if status == 503 else {}
        return HTMLResponse(text, status, headers)

    @routes.get(PATH)
    async def show() -> Response:
        """Show the empty form."""
        return form(untouched(), key=one_time_key())

    @routes.post(PATH)
    async def send(request: Request) -> Response:
        """Take the complaint, or show the form again with a sentence beside each field."""
        sent = await forms.read(desk, request)
        found = read_form(sent.texts, areas=areas, inlet=tenant.form_inlet, today=today())
        errors = dict(found.errors)
        if sent.error is not None:
            errors[forms.PHOTO] = sent.error
        key = sent.key()
        if errors or found.given is None:
            return form(found.values, errors, key=key or one_time_key(), status=422)
        if key is None:
            return form(found.values, key=one_time_key(), status=422, notice=_SENT_BEFORE)
        portal = await desk.portals.get(tenant.code, PORTAL)
        try:
            taken = await take(desk, found.given, tenant=tenant.code, portal=portal, key=key)
        except Busy:
            return form(found.values, key=key, status=503, notice=_BUSY)
        except Problem as problem:
            if problem.code != "idempotency_key_reused":
                raise
            fresh = one_time_key()
            return form(found.values, key=fresh, status=422, notice=_SENT_BEFORE)
        kept = await keep_photos(desk, taken, sent.photos, key)
        text = done_page.render(
            tenant=tenant,
            here=PATH,
            ticket=taken.ticket,
            token=taken.reporter_token,
            photos=kept,
            lost=len(sent.photos) - kept,
            reachable=found.given.reporter.email is not None,
            confidential=found.given.confidential,
        )
        return HTMLResponse(text, 201)

    return routes


async def keep_photos(desk: Desk, taken: Taken, photos: Sequence[Cleaned], key: str) -> int:
    """Return how many photos were kept. The complaint stands, whatever happens to its photos."""
    for number, photo in enumerate(photos):
        try:
            await attach(desk, taken.complaint_id, photo, by="reporter", key=f"{key}:{number}")
        except (Busy, Problem):
            desk.metrics.photos_lost.add()
            return number
    return len(photos)
