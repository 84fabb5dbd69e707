"""Evidence over HTTP: a picture goes in with its case, and comes out for who may see that case."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Path, Request, UploadFile
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel

from aduan.web import idempotency
from aduan.web.keys import Principal, require
from aduan.web.problems import Problem, responses
from aduan_routing.evidence import EvidenceShelf

Reader = Annotated[Principal, Depends(require("cases:read"))]
Actor = Annotated[Principal, Depends(require("cases:act"))]


class EvidenceShape(BaseModel):
    """A stored picture: always JPEG, without any metadata."""

    id: str
    case: str
    media_type: str
    bytes: int
    sha256: str


def router(shelf: EvidenceShelf) -> APIRouter:
    """Return the routes under /v1/evidence."""
    routes = APIRouter(
        prefix="/v1/evidence",
        tags=["evidence"],
        responses=responses("credentials_missing", "scope_missing", "invalid", "unavailable"),
    )

    @routes.post(
        "",
        status_code=201,
        response_model=EvidenceShape,
        responses=responses(
            "not_yours",
            "not_found",
            "content_too_large",
            "unsupported_media_type",
            "idempotency_key_reused",
            "invalid_idempotency_key",
        ),
    )
    async def put(
        request: Request,
        who: Actor,
        case: Annotated[str, Form(min_length=1, max_length=64)],
        file: UploadFile,
    ) -> Response:
        """Store a picture of a case of one's own. JPEG, PNG or WebP, at most 5 MB."""
        if who.opd is None:
            raise Problem("not_yours", "Only the key of an office may do this.")
        key = idempotency.given(request.headers)
        stored, replayed = await shelf.put(who, case, await file.read(), key)
        headers = {"Location": f"/v1/evidence/{stored['id']}"}
        if replayed:
            headers[idempotency.REPLAYED] = "true"
        return JSONResponse(stored, status_code=201, headers=headers)

    @routes.get("/{id}", responses=responses("not_found"), response_class=Response)
    async def get(who: Reader, id: Annotated[str, Path(max_length=64)]) -> Response:
        """The picture."""
        content, media_type = await shelf.get(who, id)
        headers = {"Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff"}
        return Response(content, media_type=media_type, headers=headers)

    return routes
