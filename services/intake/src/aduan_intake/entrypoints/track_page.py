"""/lacak: find a complaint by its number and see how it goes on. Works without a script.

Whoever reads a confidential complaint sends the token with the form itself; there is no cookie, so
no other site can act in the reporter's name.
"""

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from aduan_intake.entrypoints import forms
from aduan_intake.entrypoints.reply_page import WRONG_TOKEN
from aduan_intake.entrypoints.track_views import BLANK, PATH, TrackViews, to
from aduan_intake.ports import Desk

OPEN: Final = "/buka"


def router(desk: Desk, views: TrackViews) -> APIRouter:
    """Return the routes of search and tracking."""
    routes = APIRouter(include_in_schema=False)

    @routes.get(PATH)
    async def find(tiket: str = "") -> Response:
        """Show the search, or lead to the complaint that was searched for."""
        if not tiket.strip():
            return views.search()
        found = await views.look(tiket)
        return found if isinstance(found, Response) else to(found[1]["ticket"])

    @routes.get(PATH + "/{ticket}")
    async def show(ticket: str, terkirim: str = "") -> Response:
        """Show what everybody may see of a complaint."""
        found = await views.look(ticket)
        if isinstance(found, Response):
            return found
        _, body = found
        if ticket != body["ticket"]:
            return to(body["ticket"])
        return views.case(body, sent=terkirim == "1")

    @routes.get(PATH + "/{ticket}" + OPEN)
    async def back(ticket: str) -> Response:
        """Lead somebody who reloads the answer to the form back to the complaint."""
        return to(ticket)

    @routes.post(PATH + "/{ticket}" + OPEN)
    async def unlock(request: Request, ticket: str) -> Response:
        """Show a confidential complaint to its reporter."""
        sent = await forms.read(desk, request)
        found = await views.look(ticket)
        if isinstance(found, Response):
            return found
        id, body = found
        token = sent.texts.get("token", "").strip()
        if not desk.vault.token_fits(token, id, body["token_generation"]):
            return views.case(body, errors={"token": WRONG_TOKEN}, status=403)
        return views.case(body, known=True, values={**BLANK, "token": token})

    return routes
