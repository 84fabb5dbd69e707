"""What a coordinator or a system may ask about mirrors."""

from typing import Annotated, Final

import structlog
from fastapi import APIRouter, Depends, Path, Query

from aduan.cases import Cases
from aduan.privacy.seal import Sealer
from aduan.storage.port import Store
from aduan.web import cursors
from aduan.web.keys import Principal, require
from aduan.web.problems import Problem, responses
from aduan_sync_laporgub.domain.case import DecisionKind, about, read
from aduan_sync_laporgub.entrypoints.shapes import (
    ContentShape,
    MirrorPage,
    MirrorShape,
    ParkedPage,
    ParkedShape,
    mirror_of,
)
from aduan_sync_laporgub.shelves import PARKED

OFTEN: Final = responses("credentials_missing", "scope_missing", "invalid", "unavailable")
Reader = Annotated[Principal, Depends(require("mirrors:read"))]
ContentReader = Annotated[Principal, Depends(require("content:read"))]
Id = Annotated[
    str,
    Path(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", description="Complaint id."),
]
Cursor = Annotated[str | None, Query(max_length=1024)]
Limit = Annotated[int, Query(ge=1, le=500)]

log = structlog.get_logger("aduan.audit")


def router(cases: Cases, store: Store, sealer: Sealer | None) -> APIRouter:
    """Return the routes `/v1/mirrors`. sealer: None where no partner is connected."""
    routes = APIRouter(tags=["mirrors"], responses=OFTEN)

    @routes.get("/v1/mirrors", responses=responses("invalid_cursor"))
    async def listing(
        who: Reader,
        decision: Annotated[DecisionKind | None, Query(description="Kind of decision.")] = None,
        cursor: Cursor = None,
        limit: Limit = 100,
    ) -> MirrorPage:
        """Current mirror decisions, oldest first."""
        index = "decided" if decision is None else "decision"
        equal = (who.tenant,) if decision is None else (who.tenant, decision)
        name = f"mirrors:{decision or ''}"
        page = await cases.find(
            index,
            equal=equal,
            after=cursors.decode(name, cursor, (str, str)) if cursor else None,
            limit=limit,
        )
        items = [mirror_of(found.body) for found in page.documents if found.body]
        more = None if page.after is None else cursors.encode(name, page.after)
        return MirrorPage(items=items, next=more)

    @routes.get("/v1/mirrors/parked", responses=responses("invalid_cursor"))
    async def parked(who: Reader, cursor: Cursor = None, limit: Limit = 100) -> ParkedPage:
        """Reports of a partner that intake refused and a human must look at, oldest first."""
        page = await store.find(
            PARKED,
            "parked",
            equal=(who.tenant,),
            after=cursors.decode("parked", cursor, (str, str)) if cursor else None,
            limit=limit,
        )
        items = [
            ParkedShape.model_validate({"id": found.id, **found.body})
            for found in page.documents
            if found.body
        ]
        more = None if page.after is None else cursors.encode("parked", page.after)
        return ParkedPage(items=items, next=more)

    @routes.get("/v1/mirrors/{complaint_id}", responses=responses("not_found"))
    async def one(who: Reader, complaint_id: Id) -> MirrorShape:
        """The mirror of one case."""
        found = await store.get(cases.collection, complaint_id)
        if found is None or found.body is None or found.tenant != who.tenant:
            raise Problem("not_found")
        return mirror_of(found.body)

    @routes.get("/v1/mirrors/{complaint_id}/content", responses=responses("not_found"))
    async def content(
        who: ContentReader,
        complaint_id: Id,
        key: Annotated[str, Query(max_length=200, description="remote_key of the event.")],
    ) -> ContentShape:
        """What a partner wrote about a confidential case; each reading leaves an audit line."""
        found = await store.get(cases.collection, complaint_id)
        if found is None or found.body is None or found.tenant != who.tenant or sealer is None:
            raise Problem("not_found")
        case = read(found.body)
        for link in case.links.values():
            for kept in link.sealed:
                if kept.key == key:
                    log.info("content.shown", case_id=complaint_id, key_id=who.key_id)
                    return ContentShape(text=sealer.open_text(kept.text, about(case.id, key)))
        raise Problem("not_found")

    return routes
