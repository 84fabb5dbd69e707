"""Who may add to a complaint, and see all of it: its reporter, and the portal it came through."""

from typing import Final

from starlette.requests import Request

from aduan.storage.port import Body
from aduan.web.keys import Authenticator, key_in
from aduan.web.problems import Problem
from aduan_intake.ports import Desk

TOKEN_HEADER: Final = "X-Reporter-Token"  # noqa: S105 - the name of a header


async def speaker(
    request: Request, desk: Desk, authenticator: Authenticator, complaint_id: str, body: Body
) -> str | None:
    """Return "reporter" for a fitting token, "portal" for the portal's key, None for the public.

    Raises reporter_token_invalid, not_yours, and what the authenticator raises.
    """
    token = request.headers.get(TOKEN_HEADER)
    if token is not None:
        if not desk.vault.token_fits(token, complaint_id, body["token_generation"]):
            raise Problem("reporter_token_invalid")
        return "reporter"
    if key_in(request.headers) is None:
        return None
    principal = await authenticator.check(request.headers, "complaints:write")
    if (principal.tenant, principal.portal) != (body["tenant"], body["portal"]):
        raise Problem("not_yours")
    return "portal"


async def known_speaker(
    request: Request, desk: Desk, authenticator: Authenticator, complaint_id: str, body: Body
) -> str:
    """Return who speaks. Raises credentials_missing for the public."""
    who = await speaker(request, desk, authenticator, complaint_id, body)
    if who is None:
        raise Problem(
            "credentials_missing",
            f"Send the reporter's token in {TOKEN_HEADER}, or the portal's key.",
            headers={"WWW-Authenticate": 'Bearer realm="aduan"'},
        )
    return who
