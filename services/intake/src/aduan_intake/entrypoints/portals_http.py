"""Portals and their keys, for an operator with the scope portals:manage."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from aduan.clock import iso
from aduan.contracts.values import Moment
from aduan.web.keys import Authenticator, KeyRecord, Principal, require
from aduan.web.problems import Problem, responses
from aduan_intake.domain.complaint import Portal
from aduan_intake.ports import Desk

Manager = Annotated[Principal, Depends(require("portals:manage"))]
_CODE: Final = r"^[a-z0-9][a-z0-9-]{0,39}$"
Code = Annotated[str, Path(pattern=_CODE)]


class PortalIn(BaseModel):
    """A new portal. anonymous, confidential: what counts when it leaves the flag out.

    Without an agreed value a missing flag counts as true, until a coordinator decides.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: str = Field(pattern=_CODE)
    name: str = Field(min_length=1, max_length=200)
    inlet: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
    anonymous: bool | None = None
    confidential: bool | None = None
    expires_at: Moment | None = None


class KeyIn(BaseModel):
    """A new key of a portal."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    expires_at: Moment | None = None


class NewKey(BaseModel):
    """A key, shown this once."""

    portal: str
    key: str
    key_id: str
    expires_at: str | None = None


def router(desk: Desk, authenticator: Authenticator) -> APIRouter:
    """Return the routes under /v1/portals."""
    routes = APIRouter(prefix="/v1/portals", tags=["portals"])

    @routes.get("")
    async def listed(manager: Manager) -> dict[str, Any]:
        """The tenant's portals."""
        return {"items": list(await desk.portals.listed(manager.tenant))}

    @routes.post("", status_code=201, responses=responses("already_exists", "invalid"))
    async def made(manager: Manager, given: PortalIn) -> NewKey:
        """Make a portal and its first key, which is shown this once."""
        _future(desk, given.expires_at)
        portal = Portal(given.code, given.inlet or given.code, given.anonymous, given.confidential)
        await desk.portals.make(manager.tenant, portal, given.name)
        text, record = await desk.portals.mint(manager.tenant, given.code, given.expires_at)
        return _shown(given.code, text, record)

    @routes.get("/{code}/keys", responses=responses("not_found", "invalid"))
    async def keys(manager: Manager, code: Code) -> dict[str, Any]:
        """A portal's keys, without their secrets."""
        if not await desk.portals.exists(manager.tenant, code):
            raise Problem("not_found")
        return {"items": list(await desk.portals.keys_of(manager.tenant, code))}

    @routes.post("/{code}/keys", status_code=201, responses=responses("not_found", "invalid"))
    async def minted(manager: Manager, code: Code, given: KeyIn) -> NewKey:
        """Make a further key; the old ones stay valid until revoked: a portal changes over."""
        _future(desk, given.expires_at)
        text, record = await desk.portals.mint(manager.tenant, code, given.expires_at)
        return _shown(code, text, record)

    @routes.delete(
        "/{code}/keys/{key_id}", status_code=204, responses=responses("not_found", "invalid")
    )
    async def revoked(
        manager: Manager, code: Code, key_id: Annotated[str, Path(max_length=32)]
    ) -> Response:
        """Revoke a key."""
        await desk.portals.revoke(manager.tenant, code, key_id)
        authenticator.forget(key_id)
        return Response(status_code=204)

    return routes


def _future(desk: Desk, moment: Moment | None) -> None:
    if moment is not None and moment <= desk.clock.wall():
        raise Problem(
            "invalid", errors=({"field": "expires_at", "message": "must lie in the future"},)
        )


def _shown(code: str, text: str, record: KeyRecord) -> NewKey:
    until = iso(record.expires_at) if record.expires_at is not None else None
    return NewKey(portal=code, key=text, key_id=record.key_id, expires_at=until)
