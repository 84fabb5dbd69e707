"""The directory of offices, and the keys by which offices and coordinators act."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Path
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict

from aduan.clock import Clock, iso, parse_iso
from aduan.contracts.values import Moment
from aduan.storage.port import Change, Document, Store
from aduan.web.keys import (
    Authenticator,
    Find,
    KeyRecord,
    Principal,
    Scope,
    checked,
    make_key,
    require,
)
from aduan.web.problems import Problem, invalid, responses
from aduan_routing.desk import Desk
from aduan_routing.domain.case import OFFICE_KEYS

Reader = Annotated[Principal, Depends(require("offices:read"))]
Manager = Annotated[Principal, Depends(require("offices:manage"))]
Code = Annotated[str, Path(min_length=1, max_length=64)]
Role = Literal["office", "coordinator"]

SCOPES: Final[dict[Role, tuple[Scope, ...]]] = {
    "office": ("cases:read", "cases:act", "content:read", "offices:read"),
    "coordinator": ("cases:read", "cases:coordinate", "content:read", "offices:read"),
}


class KeyIn(BaseModel):
    """A new key. coordinator: only at the tenant's coordinating office."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    role: Role = "office"
    expires_at: Moment | None = None


class NewKey(BaseModel):
    """A key, shown this once."""

    key: str
    key_id: str
    role: Role
    opd: str | None
    scopes: list[str]
    expires_at: str | None


class OfficeShape(BaseModel):
    """A unit that answers."""

    code: str
    name: str
    abbreviation: str
    level: str
    automatic: bool
    threshold: float


class OfficePage(BaseModel):
    """All units of the tenant, in the order of its directory."""

    items: list[OfficeShape]


def finder(store: Store) -> Find:
    """Return the look-up that an Authenticator wants."""

    async def find(key_id: str) -> KeyRecord | None:
        document = await store.get(OFFICE_KEYS, key_id)
        if document is None or document.body is None or document.body["revoked"]:
            return None
        body = document.body
        until = body["expires_at"]
        return KeyRecord(
            key_id=key_id,
            hash=body["hash"],
            tenant=document.tenant,
            scopes=checked(body["scopes"]),
            opd=body["opd"],
            expires_at=parse_iso(until) if until is not None else None,
        )

    return find


def router(desk: Desk, authenticator: Authenticator) -> APIRouter:
    """Return the routes under /v1/offices."""
    routes = APIRouter(
        prefix="/v1/offices",
        tags=["offices"],
        responses=responses("credentials_missing", "scope_missing", "invalid", "unavailable"),
    )

    @routes.get("")
    async def listing(who: Reader) -> OfficePage:
        """The tenant's units."""
        offices = desk.rules(who.tenant).reference.offices.values()
        names = tuple(OfficeShape.model_fields)
        return OfficePage.model_validate(
            {"items": [{name: getattr(one, name) for name in names} for one in offices]}
        )

    @routes.post("/{code}/keys", status_code=201, responses=responses("not_found"))
    async def minted(manager: Manager, code: Code, given: KeyIn) -> NewKey:
        """Make a key of a unit; older ones stay valid until they are revoked."""
        _known(desk, manager, code)
        coordinating = desk.rules(manager.tenant).reference.tenant.coordinator
        if given.role == "coordinator" and code != coordinating:
            raise invalid("role", "a coordinator's key belongs to the coordinating office")
        if given.expires_at is not None and given.expires_at <= desk.clock.wall():
            raise invalid("expires_at", "must lie in the future")
        return await _mint(desk.store, desk.clock, manager.tenant, code, given)

    @routes.get("/{code}/keys", responses=responses("not_found"))
    async def keys(manager: Manager, code: Code) -> dict[str, Any]:
        """A unit's keys, without their secrets."""
        _known(desk, manager, code)
        page = await desk.store.find(OFFICE_KEYS, "office", equal=(manager.tenant, code), limit=500)
        shown = ("role", "opd", "scopes", "expires_at", "created_at", "revoked")
        return {
            "items": [
                {"key_id": document.id, **{name: document.body[name] for name in shown}}
                for document in page.documents
                if document.body is not None
            ]
        }

    @routes.delete("/{code}/keys/{key_id}", status_code=204, responses=responses("not_found"))
    async def revoked(
        manager: Manager, code: Code, key_id: Annotated[str, Path(max_length=32)]
    ) -> Response:
        """Revoke a key; it is refused here at once and everywhere within seconds."""

        def decide(document: Document | None, _: datetime) -> Change | None:
            body = document.body if document is not None else None
            if document is None or body is None:
                raise Problem("not_found")
            if (document.tenant, body["office"]) != (manager.tenant, code):
                raise Problem("not_found")
            return Change(document.tenant, {**body, "revoked": True}, {})

        await desk.store.update(OFFICE_KEYS, key_id, decide)
        authenticator.forget(key_id)
        return Response(status_code=204)

    return routes


def _known(desk: Desk, manager: Principal, code: str) -> None:
    if code not in desk.rules(manager.tenant).reference.offices:
        raise Problem("not_found")


async def _mint(store: Store, clock: Clock, tenant: str, code: str, given: KeyIn) -> NewKey:
    opd = code if given.role == "office" else None
    text, record = make_key(
        tenant=tenant, scopes=SCOPES[given.role], opd=opd, expires_at=given.expires_at
    )
    until = iso(given.expires_at) if given.expires_at is not None else None
    body = {
        "office": code,
        "role": given.role,
        "opd": opd,
        "hash": record.hash,
        "scopes": sorted(record.scopes),
        "expires_at": until,
        "created_at": iso(clock.wall()),
        "revoked": False,
    }
    await store.update(OFFICE_KEYS, record.key_id, lambda _d, _n: Change(tenant, body, {}))
    return NewKey(
        key=text,
        key_id=record.key_id,
        role=given.role,
        opd=opd,
        scopes=sorted(record.scopes),
        expires_at=until,
    )
