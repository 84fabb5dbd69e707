"""Complaints over HTTP: take one, see how it goes on, add to it."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Path, Request, UploadFile
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

from aduan.web import idempotency
from aduan.web.keys import Authenticator
from aduan.web.problems import responses
from aduan_intake.commands import attach, clean, find_by_ticket, photo, reply
from aduan_intake.domain.images import BYTES_LIMIT
from aduan_intake.domain.replies import ReplyIn
from aduan_intake.domain.request import ComplaintIn
from aduan_intake.domain.timeline import public_view
from aduan_intake.entrypoints.access import known_speaker
from aduan_intake.entrypoints.access import speaker as who_speaks
from aduan_intake.entrypoints.create import PATH, Creator
from aduan_intake.ports import Desk

Ticket = Annotated[str, Path(max_length=64, description="As given, in any spelling of it.")]
Token = Annotated[
    str | None, Header(alias="X-Reporter-Token", max_length=64, description="From the POST.")
]
IdempotencyKey = Annotated[
    str | None,
    Header(alias="Idempotency-Key", max_length=257, description="1 to 255 visible ASCII signs."),
]
_SECURITY: Final[list[dict[str, list[str]]]] = [{"HTTPBearer": []}, {"APIKeyHeader": []}]


class Acknowledged(BaseModel):
    """What a portal must keep: the number for the citizen, and the citizen's own token."""

    ticket: str = Field(examples=["SMG-7K2M9-QXA3F-Z"])
    reporter_token: str


class Line(BaseModel):
    """One public entry, oldest first."""

    at: str
    text: str
    by: str
    more: str | None = None


class NextDue(BaseModel):
    """The deadline that ends first, also in plain words."""

    clock: str
    due_at: str
    words: str


class Public(BaseModel):
    """What anybody may see. Of a confidential complaint only that it exists: state is null."""

    ticket: str
    state: str | None
    state_label: str
    confidential: bool
    received_at: str | None
    timeline: list[Line]
    next_due: NextDue | None


class Replied(BaseModel):
    """An acknowledged reply."""

    reply_id: str
    replied_at: str


class Attached(Replied):
    """An acknowledged photo, as it is kept: re-encoded, without metadata."""

    attachment_id: str
    media_type: str
    bytes: int
    sha256: str


def router(desk: Desk, authenticator: Authenticator, create: Creator) -> APIRouter:
    """Return the routes under /v1/complaints. create: takes a complaint; see hot.py."""
    routes = APIRouter(tags=["complaints"])

    @routes.post(
        PATH,
        status_code=201,
        response_model=Acknowledged,
        responses=responses(
            "idempotency_key_required",
            "invalid_idempotency_key",
            "external_id_taken",
            "idempotency_key_reused",
            "not_yours",
            "invalid",
        ),
        openapi_extra={
            "security": _SECURITY,
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": ComplaintIn.model_json_schema()}},
            },
            "parameters": [
                {
                    "name": "Idempotency-Key",
                    "in": "header",
                    "required": False,
                    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
                }
            ],
        },
    )
    async def post_complaint(request: Request) -> Response:
        """Take a complaint. A repeat by Idempotency-Key or external_id gives the same answer."""
        status, headers, content = await create(request.headers, await request.body())
        response = Response(content, status)
        response.raw_headers = headers
        return response

    @routes.get(
        PATH + "/{ticket}",
        response_model=Public,
        responses=responses(
            "invalid_ticket", "not_found", "reporter_token_invalid", "credentials_invalid"
        ),
    )
    async def get_complaint(request: Request, ticket: Ticket, _token: Token = None) -> Any:
        """How a complaint goes on. No key is needed; with the reporter's token, all of it."""
        complaint_id, body = await find_by_ticket(desk, ticket)
        who = await who_speaks(request, desk, authenticator, complaint_id, body)
        return public_view(body, known_reporter=who is not None, now=desk.clock.now())

    @routes.post(
        PATH + "/{ticket}/replies",
        status_code=201,
        response_model=Replied,
        responses=responses(
            "invalid_ticket",
            "not_found",
            "credentials_missing",
            "reporter_token_invalid",
            "not_yours",
            "idempotency_key_required",
            "idempotency_key_reused",
            "conflict",
            "invalid",
        ),
    )
    async def post_reply(
        request: Request,
        ticket: Ticket,
        given: ReplyIn,
        _token: Token = None,
        _key: IdempotencyKey = None,
    ) -> Response:
        """Answer a question, add something, rate, object, or withdraw."""
        complaint_id, body = await find_by_ticket(desk, ticket)
        who = await known_speaker(request, desk, authenticator, complaint_id, body)
        key = idempotency.needed(request.headers)
        said = await reply(desk, complaint_id, given, by=who, key=key)
        return _created({"reply_id": said.reply_id, "replied_at": said.at}, replayed=said.replayed)

    @routes.post(
        PATH + "/{ticket}/attachments",
        status_code=201,
        response_model=Attached,
        responses=responses(
            "invalid_ticket",
            "not_found",
            "credentials_missing",
            "reporter_token_invalid",
            "not_yours",
            "idempotency_key_required",
            "idempotency_key_reused",
            "content_too_large",
            "unsupported_media_type",
            "conflict",
            "invalid",
        ),
    )
    async def post_attachment(
        request: Request,
        ticket: Ticket,
        file: UploadFile,
        _token: Token = None,
        _key: IdempotencyKey = None,
    ) -> Response:
        """Add a photo (JPEG, PNG or WebP, at most 10 MB). Its metadata is not kept."""
        complaint_id, body = await find_by_ticket(desk, ticket)
        who = await known_speaker(request, desk, authenticator, complaint_id, body)
        key = idempotency.needed(request.headers)
        content = await file.read(BYTES_LIMIT + 1)
        cleaned = await clean(desk, content)
        reference, said = await attach(desk, complaint_id, cleaned, by=who, key=key)
        made = {
            "attachment_id": reference.id,
            "media_type": reference.media_type,
            "bytes": reference.bytes,
            "sha256": reference.sha256,
            "reply_id": said.reply_id,
            "replied_at": said.at,
        }
        return _created(made, replayed=said.replayed)

    @routes.get(
        PATH + "/{ticket}/attachments/{attachment_id}",
        response_class=Response,
        responses=responses(
            "invalid_ticket", "not_found", "credentials_missing", "reporter_token_invalid"
        ),
    )
    async def get_attachment(
        request: Request,
        ticket: Ticket,
        attachment_id: Annotated[str, Path(max_length=64)],
        _token: Token = None,
    ) -> Response:
        """Return a photo to its reporter or portal."""
        complaint_id, body = await find_by_ticket(desk, ticket)
        await known_speaker(request, desk, authenticator, complaint_id, body)
        media_type, content = await photo(desk, complaint_id, attachment_id)
        return Response(content, media_type=media_type)

    return routes


def _created(made: dict[str, Any], *, replayed: bool) -> Response:
    headers = {idempotency.REPLAYED: "true"} if replayed else {}
    return JSONResponse(made, status_code=201, headers=headers)
