"""The two pages about complaints: the search, and one complaint as its reader may see it."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment

from aduan.storage.port import Body
from aduan.web.pages.forms import one_time_key
from aduan.web.problems import Problem
from aduan_intake.adapters.reference import Tenant
from aduan_intake.commands import find_by_ticket
from aduan_intake.domain.replies import offered
from aduan_intake.domain.timeline import public_view
from aduan_intake.entrypoints import forms
from aduan_intake.ports import Desk

PATH: Final = "/lacak"
BLANK: Final[Mapping[str, str]] = {"balasan": "", "isi": "", "nilai": "", "token": ""}
"""The fields of the reply box."""
_MISTYPED: Final = "Nomor laporan ini tidak lengkap atau salah ketik. Mohon periksa kembali."
_UNKNOWN: Final = "Laporan dengan nomor ini tidak ditemukan. Mohon periksa kembali nomornya."


class TrackViews:
    """Renders them. tenant: whose brand the search page bears; a complaint bears its own."""

    def __init__(self, desk: Desk, tenant: Tenant, pages: Environment) -> None:
        self._desk = desk
        self._tenant = tenant
        self._search = pages.get_template("lacak.html")
        self._case = pages.get_template("laporan.html")

    def search(self, ticket: str = "", error: str | None = None, status: int = 200) -> Response:
        """Return the search page; `ticket` is what was typed."""
        page = self._search.render(tenant=self._tenant, here=PATH, ticket=ticket, error=error)
        return HTMLResponse(page, status)

    async def look(self, ticket: str) -> tuple[str, Body] | Response:
        """Return (id, body), or the search page that says why there is none."""
        try:
            return await find_by_ticket(self._desk, ticket)
        except Problem as problem:
            sentence = _MISTYPED if problem.code == "invalid_ticket" else _UNKNOWN
            return self.search(ticket[:64], sentence, problem.status)

    def case(
        self,
        body: Body,
        *,
        known: bool = False,
        values: Mapping[str, str] = BLANK,
        errors: Mapping[str, str] | None = None,
        key: str | None = None,
        status: int = 200,
        sent: bool = False,
        notice: str | None = None,
    ) -> Response:
        """Return the page of one complaint.

        known: the reader has shown the reporter's token. values, errors, key: of the reply box,
        where it is shown again. sent: say thanks for a reply.
        """
        choices = offered(body["state"]) if known or not body["confidential"] else ()
        first = choices[0][0] if choices else ""
        page = self._case.render(
            tenant=self._desk.tenants[body["tenant"]],
            here=PATH,
            view=public_view(body, known_reporter=known, now=self._desk.clock.now()),
            choices=choices,
            values={**values, "balasan": values["balasan"] or first},
            errors=errors or {},
            key=key or one_time_key(),
            sent=sent,
            notice=notice,
            photos=forms.PHOTOS,
            photo_mb=forms.PHOTO_MB,
        )
        return HTMLResponse(page, status)


def to(ticket: str, query: str = "") -> Response:
    """Lead to the page of a complaint."""
    return RedirectResponse(f"{PATH}/{quote(ticket, safe='')}{query}", 303)
