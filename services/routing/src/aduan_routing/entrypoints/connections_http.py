"""Connecting a unit's own system: `aduan opd` calls this once the topic and its rights exist."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path
from fastapi.responses import Response
from pydantic import BaseModel

from aduan.contracts.opd import may_connect
from aduan.web.keys import Principal, require
from aduan.web.problems import Problem, responses
from aduan_routing.connections import Connection, Connections
from aduan_routing.desk import Desk

Manager = Annotated[Principal, Depends(require("offices:manage"))]
Code = Annotated[str, Path(min_length=1, max_length=64)]


class ConnectionShape(BaseModel):
    """A connected unit: where its records go, and the one group in which it may read them.

    complete: false in the first seconds, while a case may have moved in a replica that has not yet
    heard of the connection; a snapshot taken once it is true misses nothing.
    """

    code: str
    topic: str
    group: str
    connected_at: str
    complete: bool


class ConnectionPage(BaseModel):
    """All connected units of the tenant."""

    tenant: str
    items: list[ConnectionShape]


def router(desk: Desk, connections: Connections) -> APIRouter:
    """Return the routes about connections under /v1/offices."""
    routes = APIRouter(
        prefix="/v1/offices",
        tags=["connections"],
        responses=responses("credentials_missing", "scope_missing", "invalid", "unavailable"),
    )

    @routes.get("/connections")
    async def listing(who: Manager) -> ConnectionPage:
        """The units with a system of their own."""
        found = await connections.listed(who.tenant)
        return ConnectionPage(tenant=who.tenant, items=[_shape(one) for one in found])

    @routes.put("/{code}/connection", responses=responses("not_found", "conflict"))
    async def connected(who: Manager, code: Code) -> ConnectionShape:
        """Begin to fill the unit's topic, which must be there; connected already: no change."""
        if code not in desk.rules(who.tenant).reference.offices:
            raise Problem("not_found")
        if not may_connect(who.tenant, code):
            raise Problem("conflict", "No topic can be named after this unit.")
        return _shape(await connections.connect(who.tenant, code, by=who.key_id))

    @routes.delete("/{code}/connection", status_code=204, responses=responses("not_found"))
    async def disconnected(who: Manager, code: Code) -> Response:
        """End it. What was not sent stays unsent."""
        if not await connections.disconnect(who.tenant, code, by=who.key_id):
            raise Problem("not_found")
        return Response(status_code=204)

    return routes


def _shape(one: Connection) -> ConnectionShape:
    return ConnectionShape(
        code=one.code,
        topic=one.topic,
        group=one.group,
        connected_at=one.connected_at,
        complete=one.complete,
    )
