"""POST /v1/complaints: from headers and bytes to an answer, without request or response objects."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from aduan.web import idempotency
from aduan.web.keys import Authenticator
from aduan.web.problems import Problem
from aduan.web.rejections import from_validation
from aduan_intake.commands import Taken, take
from aduan_intake.domain.request import ComplaintIn
from aduan_intake.ports import Desk

PATH: Final = "/v1/complaints"
BODY: Final[TypeAdapter[ComplaintIn]] = TypeAdapter(ComplaintIn)

RawHeaders = list[tuple[bytes, bytes]]
Answer = tuple[int, RawHeaders, bytes]
Creator = Callable[[Mapping[str, str], bytes], Awaitable[Answer]]


def creator(desk: Desk, authenticator: Authenticator) -> Creator:
    """Return what takes (headers, body) and gives (status, headers, body). It raises the problems."""

    async def create(headers: Mapping[str, str], body: bytes) -> Answer:
        principal = await authenticator.check(headers, "complaints:write")
        if principal.portal is None:
            raise Problem("not_yours", "This key belongs to no portal.")
        key = idempotency.given(headers)
        given = parse(body)
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


def answer(taken: Taken) -> Answer:
    """Return 201, the same for a repeat but for its header."""
    content = to_json({"ticket": taken.ticket, "reporter_token": taken.reporter_token})
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(content)),
        (b"location", f"{PATH}/{taken.ticket}".encode()),
    ]
    if taken.replayed:
        headers.append((idempotency.REPLAYED.lower().encode(), b"true"))
    return 201, headers, content
