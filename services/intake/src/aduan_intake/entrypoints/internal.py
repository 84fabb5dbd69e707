"""The inner door: contact handles for notices, content of confidential complaints.

Each call names its purpose and leaves an audit line without any of what was shown.
"""

from typing import Annotated, Any, Literal

import structlog
from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel

from aduan.storage.port import Body
from aduan.web.keys import Principal, require
from aduan.web.problems import Problem, responses
from aduan_intake.ports import Desk

Resolver = Annotated[Principal, Depends(require("contacts:resolve"))]
Reader = Annotated[Principal, Depends(require("content:read"))]
ComplaintId = Annotated[str, Path(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
log = structlog.get_logger("aduan.audit")


class Channel(BaseModel):
    """One way to reach the reporter."""

    kind: Literal["email", "phone"]
    address: str


class Contacts(BaseModel):
    """The ways to reach a reporter, preferred first. Empty where he left none."""

    channels: list[Channel]


class Content(BaseModel):
    """What a confidential complaint says, numbers and the reporter's name masked."""

    text: str
    title: str | None = None
    place_text: str | None = None
    lat: float | None = None
    lng: float | None = None


class ReplyContent(BaseModel):
    """What a reply to a confidential complaint says, masked."""

    text: str


def router(desk: Desk) -> APIRouter:
    """Return the routes under /internal/v1."""
    routes = APIRouter(prefix="/internal/v1", tags=["internal"])

    @routes.get("/contacts/{complaint_id}", responses=responses("not_found", "invalid"))
    async def contacts(
        asker: Resolver,
        complaint_id: ComplaintId,
        purpose: Annotated[Literal["notification"], Query()],
    ) -> Contacts:
        """Where a notice may be sent. The only way out for an address."""
        body = await _body(desk, asker, complaint_id)
        reporter = desk.vault.open(body["sealed"], complaint_id, "received")["reporter"]
        desk.metrics.opened.add(purpose=purpose)
        log.info("identity.opened", case_id=complaint_id, purpose=purpose, by=asker.key_id)
        kinds: tuple[Literal["email", "phone"], ...] = ("email", "phone")
        return Contacts(
            channels=[
                Channel(kind=kind, address=reporter[kind]) for kind in kinds if kind in reporter
            ]
        )

    @routes.get("/complaints/{complaint_id}/content", responses=responses("not_found", "invalid"))
    async def content(
        asker: Reader,
        complaint_id: ComplaintId,
        purpose: Annotated[str, Query(pattern=r"^[a-z_]{3,40}$")],
    ) -> Content:
        """The content behind content_ref: masked, without the reporter."""
        body = await _body(desk, asker, complaint_id)
        clean = desk.vault.open(body["sealed"], complaint_id, "received")["clean"]
        log.info("content.opened", case_id=complaint_id, purpose=purpose, by=asker.key_id)
        return Content(**clean)

    @routes.get(
        "/complaints/{complaint_id}/replies/{reply_id}/content",
        responses=responses("not_found", "invalid"),
    )
    async def reply_content(
        asker: Reader,
        complaint_id: ComplaintId,
        reply_id: ComplaintId,
        purpose: Annotated[str, Query(pattern=r"^[a-z_]{3,40}$")],
    ) -> ReplyContent:
        """The content of one reply."""
        body = await _body(desk, asker, complaint_id)
        sealed = _sealed_reply(body, reply_id)
        if sealed is None:
            raise Problem("not_found")
        opened = desk.vault.open(sealed, complaint_id, f"reply:{reply_id}")
        log.info("content.opened", case_id=complaint_id, purpose=purpose, by=asker.key_id)
        return ReplyContent(text=opened["clean"])

    return routes


async def _body(desk: Desk, asker: Principal, complaint_id: str) -> Body:
    body = await desk.cases.get(complaint_id)
    if body is None or body["tenant"] != asker.tenant:
        raise Problem("not_found")
    return body


def _sealed_reply(body: Body, reply_id: str) -> Any:
    for entry in body["replies"].values():
        if entry["reply_id"] == reply_id:
            return entry["sealed"]
    return None
