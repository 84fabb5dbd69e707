"""The ledger over HTTP. Recipients are masked; nothing of a complaint's content is here."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query

from aduan.cases import Cases
from aduan.web import cursors
from aduan.web.keys import Principal, require
from aduan.web.problems import Problem, responses
from aduan_notify.entrypoints.shapes import CaseDeliveries, DeliveryPage, Kind, case_of

OFTEN: Final = responses(
    "credentials_missing", "scope_missing", "not_yours", "invalid", "unavailable"
)
KINDS: Final[dict[Kind, tuple[str, ...]]] = {
    "pending": ("pending", "sending"),
    "delivered": ("delivered",),
    "failed": ("failed",),
    "skipped": ("skipped",),
}
Reader = Annotated[Principal, Depends(require("deliveries:read"))]
CaseOrTicket = Annotated[
    str, Path(min_length=1, max_length=64, description="Complaint id, or the ticket.")
]


def router(cases: Cases) -> APIRouter:
    """Return the routes below `/v1/deliveries`."""
    routes = APIRouter(tags=["deliveries"], responses=OFTEN)

    @routes.get("/v1/deliveries", responses=responses("invalid_cursor"))
    async def listing(
        who: Reader,
        decision: Annotated[
            Kind | None, Query(description="Only these; pending includes what is being sent.")
        ] = None,
        cursor: Annotated[str | None, Query(max_length=1024)] = None,
        limit: Annotated[int, Query(ge=1, le=200, description="Complaints a page.")] = 50,
    ) -> DeliveryPage:
        """Decisions by complaint, the latest first. With `decision`, only rows of that kind."""
        _of_the_tenant(who)
        index = "latest" if decision is None else f"{decision}_at"
        name = f"deliveries:{index}"
        after = cursors.decode(name, cursor, (str, str)) if cursor else None
        page = await cases.find(
            index, equal=(who.tenant,), after=after, limit=limit, descending=True
        )
        kinds = None if decision is None else KINDS[decision]
        return DeliveryPage(
            items=[case_of(one.id, one.body, kinds) for one in page.documents if one.body],
            next=None if page.after is None else cursors.encode(name, page.after),
        )

    @routes.get("/v1/deliveries/{complaint_id}", responses=responses("not_found"))
    async def one(who: Reader, complaint_id: CaseOrTicket) -> CaseDeliveries:
        """All decisions about one complaint, oldest cause first."""
        _of_the_tenant(who)
        document = await cases.store.get(cases.collection, complaint_id)
        if document is None:
            page = await cases.find("ticket", equal=(who.tenant, complaint_id.upper()), limit=1)
            document = page.documents[0] if page.documents else None
        if document is None or document.body is None or document.tenant != who.tenant:
            raise Problem("not_found")
        return case_of(document.id, document.body)

    return routes


def _of_the_tenant(who: Principal) -> None:
    """The ledger tells who else was told, so a key of one unit or one portal does not read it."""
    if who.opd is not None or who.portal is not None:
        raise Problem("not_yours")
