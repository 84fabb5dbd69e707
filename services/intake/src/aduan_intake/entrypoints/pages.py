"""The citizens' pages as one: the form, the tracking, the reply box, and how often one may send."""

from typing import Final

from fastapi import Depends, FastAPI, Request
from fastapi.responses import HTMLResponse, Response

from aduan.errors import AduanError
from aduan.web.pages import environment
from aduan_intake.adapters.form_pace import FormPace
from aduan_intake.adapters.reference import Tenant
from aduan_intake.entrypoints import reply_page, report_page, track_page
from aduan_intake.entrypoints.track_views import TrackViews
from aduan_intake.ports import Desk
from aduan_intake.vault import in_groups

_AGAIN_SECONDS: Final = 60


class TooFast(AduanError):
    """More forms came from one address than it may send in an hour."""


def install(app: FastAPI, desk: Desk, tenant: Tenant, pace: FormPace) -> None:
    """Add the pages to the app. tenant: whose citizens they serve."""
    pages = environment("aduan_intake")
    pages.filters["berkelompok"] = in_groups
    slow_down = pages.get_template("tunggu.html")

    async def paced(request: Request) -> None:
        address = request.client.host if request.client is not None else ""
        if request.method == "POST" and not pace.take(address):
            raise TooFast

    async def on_too_fast(request: Request, _error: Exception) -> Response:
        page = slow_down.render(tenant=tenant, here=f"/{request.url.path.split('/')[1]}")
        return HTMLResponse(page, 429, {"Retry-After": str(_AGAIN_SECONDS)})

    app.add_exception_handler(TooFast, on_too_fast)
    views = TrackViews(desk, tenant, pages)
    for router in (
        report_page.router(desk, tenant, pages),
        track_page.router(desk, views),
        reply_page.router(desk, views),
    ):
        app.include_router(router, dependencies=[Depends(paced)])
