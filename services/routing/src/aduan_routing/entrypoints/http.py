"""Cases over HTTP: the desk's list, one case, exactly the actions of the table, closed-door content."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import JSONResponse, Response

from aduan.contracts.values import State
from aduan.web import cursors, idempotency
from aduan.web.etags import etag, not_modified
from aduan.web.keys import Principal, require
from aduan.web.problems import Problem, responses
from aduan_routing.desk import Asked, Desk, Seen
from aduan_routing.domain.fetching import report_in
from aduan_routing.domain.lifecycle import LIFECYCLE
from aduan_routing.domain.words import REASONS
from aduan_routing.entrypoints.shapes import BODIES, CREATING
from aduan_routing.entrypoints.showing import CaseFull, CasePage, Content, full, item

Reader = Annotated[Principal, Depends(require("cases:read"))]
ContentReader = Annotated[Principal, Depends(require("content:read"))]
CaseRef = Annotated[
    str, Path(min_length=1, max_length=64, description="Complaint id, or the ticket.")
]
OFTEN: Final = responses("credentials_missing", "scope_missing", "invalid", "unavailable")


def router(desk: Desk) -> APIRouter:
    """Return the routes under /v1/cases."""
    routes = APIRouter(prefix="/v1/cases", tags=["cases"], responses=OFTEN)

    @routes.get("", responses=responses("not_yours", "invalid_cursor"))
    async def listing(
        who: Reader,
        state: Annotated[State | None, Query()] = None,
        opd: Annotated[str | None, Query(max_length=64, description="Code of the unit.")] = None,
        cursor: Annotated[str | None, Query(max_length=1024)] = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> CasePage:
        """Cases by their nearest deadline; those without one come last."""
        name = f"cases:{who.tenant}:{who.opd or opd}:{state}"
        after = cursors.decode(name, cursor, (str, str)) if cursor else None
        page = await desk.page(who, state=state, opd=opd, after=after, limit=limit)
        items = [
            item(found.id, found.body, who, desk.clock, desk.rules(who.tenant))
            for found in page.documents
            if found.body is not None
        ]
        more = None if page.after is None else cursors.encode(name, page.after)
        return CasePage.model_validate({"items": items, "next": more})

    @routes.get("/{case}", responses=responses("not_found"), response_model=CaseFull)
    async def one(request: Request, who: Reader, case: CaseRef) -> Response:
        """A case with its history and what may be done now. Another unit's case is not there."""
        seen = await desk.see(who, case)
        if not_modified(request.headers, seen.body["revision"]):
            return Response(status_code=304, headers=_tag(seen))
        return _answer(desk, who, seen)

    @routes.get("/{case}/content", responses=responses("not_found"))
    async def content(
        who: ContentReader,
        case: CaseRef,
        purpose: Annotated[str, Query(pattern=r"^[a-z_]{3,40}$")] = "case_handling",
    ) -> Content:
        """The words of a case, closed ones too; leaves an audit line. 503 while on its way here."""
        seen = await desk.see(who, case)
        if any(job["ref"] == "report" for job in seen.body["jobs"]):
            raise Problem("unavailable", "The content is still being fetched.")
        words = desk.words(who, seen, purpose)
        rest = {ref: text for ref, text in words.items() if ref not in ("report", REASONS)}
        return Content.model_validate({**report_in(words), "words": rest})

    for action in dict.fromkeys(step.action for step in LIFECYCLE if step.action in BODIES):
        _add(routes, desk, action)
    return routes


def _add(routes: APIRouter, desk: Desk, action: str) -> None:
    lines = [
        f"- {step.by}: {', '.join(state or 'new' for state in step.sources)} -> {step.to}"
        for step in LIFECYCLE
        if step.action == action and step.by in ("coordinator", "office")
    ]
    routes.add_api_route(
        f"/{{case}}/{action}",
        _endpoint(desk, action),
        methods=["POST"],
        name=action,
        summary=action.replace("-", " ").capitalize(),
        description="\n".join(lines),
        response_model=CaseFull,
        responses=responses(
            "not_yours",
            "not_found",
            "transition_not_allowed",
            "unknown_reference",
            "idempotency_key_reused",
            "precondition_failed",
            "invalid_idempotency_key",
        ),
    )


def _endpoint(desk: Desk, action: str) -> Callable[..., Awaitable[Response]]:
    async def act(request: Request, who: Any, case: Any, body: Any) -> Response:
        key = idempotency.given(request.headers) if action in CREATING else None
        asked = Asked(
            action=action,
            fields=body.model_dump(by_alias=True),
            key=key,
            print=idempotency.fingerprint(body.model_dump_json(by_alias=True).encode()),
            headers=request.headers,
        )
        seen, replayed = await desk.act(who, case, asked)
        answer = _answer(desk, who, seen)
        if replayed:
            answer.headers[idempotency.REPLAYED] = "true"
        return answer

    # The body's model is known only here; FastAPI reads it from the annotations.
    act.__annotations__ |= {"who": Reader, "case": CaseRef, "body": BODIES[action]}
    return act


def _answer(desk: Desk, who: Principal, seen: Seen) -> Response:
    shown = full(seen.id, seen.body, who, desk.clock, desk.rules(who.tenant))
    model = CaseFull.model_validate(shown)
    return JSONResponse(model.model_dump(mode="json", by_alias=True), headers=_tag(seen))


def _tag(seen: Seen) -> dict[str, str]:
    return {"ETag": etag(seen.body["revision"])}
