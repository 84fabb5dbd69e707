"""Subscriptions over HTTP: for the operator of a tenant, and for a unit about itself."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query, Request, Response, status

from aduan.clock import iso
from aduan.storage.port import Change, Document, KeyTaken, Store
from aduan.web import cursors, idempotency
from aduan.web.keys import Principal, require
from aduan.web.problems import Problem, field, invalid, responses
from aduan_notify.adapters.directory import Directory
from aduan_notify.domain.subscription import OF_A_UNIT, PER_LIST, SUBSCRIPTIONS, id_of, list_of
from aduan_notify.entrypoints.shapes import (
    NewSubscription,
    Subscription,
    SubscriptionPage,
    subscription_of,
)

OFTEN: Final = responses(
    "credentials_missing", "scope_missing", "not_yours", "invalid", "unavailable"
)
Manager = Annotated[Principal, Depends(require("subscriptions:manage"))]
Id = Annotated[str, Path(min_length=1, max_length=64)]


def router(store: Store, directories: Mapping[str, Directory]) -> APIRouter:
    """Return the routes below `/v1/subscriptions`."""
    routes = APIRouter(prefix="/v1/subscriptions", tags=["subscriptions"], responses=OFTEN)

    @routes.post(
        "",
        status_code=status.HTTP_201_CREATED,
        responses={
            200: {"model": Subscription, "description": "It stood on this list already."},
            **responses(
                "conflict",
                "idempotency_key_reused",
                "invalid_idempotency_key",
                "unknown_reference",
            ),
        },
    )
    async def subscribe(
        who: Manager, wanted: NewSubscription, request: Request, response: Response
    ) -> Subscription:
        """Add an address to a list. The same address again changes nothing."""
        _may(who, wanted.unit)
        _fits(directories, who.tenant, wanted)
        id = id_of(who.tenant, wanted.audience, wanted.unit, wanted.address)
        known = await store.get(SUBSCRIPTIONS, id)
        if known is None:
            await _room(store, who.tenant, wanted)
        given = idempotency.given(request.headers)
        key = idempotency.storage_key("subscribe", who.key_id, given) if given else None

        def decide(document: Document | None, now: datetime) -> Change | None:
            if document is not None:
                return None
            body = {**wanted.model_dump(), "created_at": iso(now), "idempotency": key}
            return Change(tenant=who.tenant, body=body, inbox={})

        try:
            outcome = await store.update(SUBSCRIPTIONS, id, decide)
        except KeyTaken:
            raise Problem("idempotency_key_reused") from None
        found = outcome.document
        assert found is not None
        assert found.body is not None
        if not outcome.changed:
            response.status_code = status.HTTP_200_OK
            response.headers[idempotency.REPLAYED] = "true"
        response.headers["Location"] = f"/v1/subscriptions/{id}"
        return subscription_of(id, found.body)

    @routes.get("", responses=responses("invalid_cursor"))
    async def listing(
        who: Manager,
        cursor: Annotated[str | None, Query(max_length=1024)] = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> SubscriptionPage:
        """Subscriptions, oldest first; a key of one unit sees its own."""
        _may_read(who)
        name = "subscriptions"
        after = cursors.decode(name, cursor, (str, str)) if cursor else None
        page = await store.find(SUBSCRIPTIONS, "all", equal=(who.tenant,), after=after, limit=limit)
        items = [
            subscription_of(one.id, one.body)
            for one in page.documents
            if one.body and who.opd in (None, one.body["unit"])
        ]
        more = None if page.after is None else cursors.encode(name, page.after)
        return SubscriptionPage(items=items, next=more)

    @routes.delete(
        "/{subscription_id}",
        status_code=status.HTTP_204_NO_CONTENT,
        responses=responses("not_found"),
    )
    async def unsubscribe(who: Manager, subscription_id: Id) -> None:
        """Take an address off its list."""
        _may_read(who)
        document = await store.get(SUBSCRIPTIONS, subscription_id)
        if document is None or document.body is None or document.tenant != who.tenant:
            raise Problem("not_found")
        if who.opd not in (None, document.body["unit"]):
            raise Problem("not_found")
        await store.delete(SUBSCRIPTIONS, subscription_id)

    return routes


def _may_read(who: Principal) -> None:
    if who.portal is not None:
        raise Problem("not_yours")


def _may(who: Principal, unit: str | None) -> None:
    _may_read(who)
    if who.opd is not None and who.opd != unit:
        raise Problem("not_yours")


def _fits(directories: Mapping[str, Directory], tenant: str, wanted: NewSubscription) -> None:
    directory = directories.get(tenant)
    if wanted.audience not in OF_A_UNIT:
        if wanted.unit is not None:
            raise invalid("unit", "is for office and office_head only")
    elif wanted.unit is None:
        raise invalid("unit", "is required for office and office_head")
    elif directory is None or not directory.knows(wanted.unit):
        message = "must be the code of an office"
        raise Problem("unknown_reference", errors=(field("unit", message),))


async def _room(store: Store, tenant: str, wanted: NewSubscription) -> None:
    name = list_of(wanted.audience, wanted.unit)
    if await store.count(SUBSCRIPTIONS, "list", equal=(tenant, name)) >= PER_LIST:
        raise Problem("conflict", f"A list holds at most {PER_LIST} addresses.")
