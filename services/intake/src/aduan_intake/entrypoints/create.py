"""POST /v1/complaints: the hot path, a bare route without dependency solving or response models."""

from collections.abc import Awaitable, Callable

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response

from aduan.web import idempotency
from aduan.web.keys import Authenticator
from aduan.web.problems import Problem
from aduan.web.rejections import from_validation
from aduan_intake.commands import Taken, take
from aduan_intake.domain.request import ComplaintIn
from aduan_intake.ports import Desk

BODY: TypeAdapter[ComplaintIn] = TypeAdapter(ComplaintIn)


def creator(desk: Desk, authenticator: Authenticator) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint."""

    async def create(request: Request) -> Response:
        principal = await authenticator.check(request.headers, "complaints:write")
        if principal.portal is None:
            raise Problem("not_yours", "This key belongs to no portal.")
        key = idempotency.given(request.headers)
        given = parse(await request.body())
        portal = await desk.portals.get(principal.tenant, principal.portal)
        taken = await take(desk, given, tenant=principal.tenant, portal=portal, key=key)
        return answer(taken)

    return create


def parse(body: bytes) -> ComplaintIn:
    """Read a body. Raises the problem that names the fields, never their values."""
    try:
        return BODY.validate_json(body)
    except ValidationError as error:
        raise from_validation(error) from None


def answer(taken: Taken) -> Response:
    """Return 201, the same for a repeat but for its header."""
    headers = {"Location": f"/v1/complaints/{taken.ticket}"}
    if taken.replayed:
        headers[idempotency.REPLAYED] = "true"
    body = {"ticket": taken.ticket, "reporter_token": taken.reporter_token}
    return Response(to_json(body), 201, headers, "application/json")
