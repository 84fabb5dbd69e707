"""What a desk or a system may ask about deadlines. A unit's key sees its own cases only."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query
from pydantic import AwareDatetime

from aduan.cases import Cases
from aduan.clock import iso
from aduan.contracts.values import State
from aduan.storage.port import Body
from aduan.web import cursors
from aduan.web.keys import Principal, require
from aduan.web.problems import Problem, responses
from aduan_sla.domain.policy import Policy, Rulebook
from aduan_sla.entrypoints.shapes import (
    CaseClocks,
    CasePage,
    EscalationShape,
    Notice,
    PolicyPage,
    PolicyShape,
)
from aduan_sla.handlers import Rulebooks

OFTEN: Final = responses("credentials_missing", "scope_missing", "invalid", "unavailable")
Reader = Annotated[Principal, Depends(require("clocks:read"))]
PolicyReader = Annotated[Principal, Depends(require("policies:read"))]
CaseOrTicket = Annotated[
    str, Path(min_length=1, max_length=64, description="Complaint id, or the ticket.")
]
DueBefore = Annotated[AwareDatetime | None, Query(description="Due before, an aware moment.")]
Opd = Annotated[str | None, Query(max_length=64, description="Code of the responsible unit.")]
Cursor = Annotated[str | None, Query(max_length=1024)]
Limit = Annotated[int, Query(ge=1, le=500)]


def router(cases: Cases, books: Rulebooks) -> APIRouter:
    """Return the routes `/v1/clocks` and `/v1/policies`."""
    routes = APIRouter(tags=["deadlines"], responses=OFTEN)

    @routes.get("/v1/clocks", responses=responses("not_yours", "invalid_cursor"))
    async def listing(
        who: Reader,
        due_before: DueBefore = None,
        opd: Opd = None,
        state: Annotated[State | None, Query(description="State of the case.")] = None,
        cursor: Cursor = None,
        limit: Limit = 100,
    ) -> CasePage:
        """Cases by their nearest due date; those without one come last."""
        if who.opd is not None and opd not in (None, who.opd):
            raise Problem("not_yours")
        unit = who.opd or opd
        index, equal = _index(who.tenant, unit, state)
        name = f"clocks:{':'.join(equal)}:{due_before}"
        after = cursors.decode(name, cursor, (str, str)) if cursor else None
        page = await cases.find(
            index,
            equal=equal,
            high=iso(due_before) if due_before else None,
            after=after,
            limit=limit,
        )
        items = [_case(found.id, found.body) for found in page.documents if found.body]
        more = None if page.after is None else cursors.encode(name, page.after)
        return CasePage(items=items, next=more)

    @routes.get("/v1/clocks/{case}", responses=responses("not_found"))
    async def one(who: Reader, case: CaseOrTicket) -> CaseClocks:
        """All clocks of a case, and what was told about them. Another unit's case is not there."""
        found = await _find(cases, who.tenant, case)
        if found is None or (who.opd is not None and found[1]["opd"] != who.opd):
            raise Problem("not_found")
        return _case(*found)

    @routes.get("/v1/policies", responses=responses("not_found"))
    async def policies(who: PolicyReader) -> PolicyPage:
        """The tenant's limits with their source, also those that no clock follows."""
        book = books.get(who.tenant)
        if book is None:
            raise Problem("not_found")
        return _policies(book)

    return routes


async def _find(cases: Cases, tenant: str, text: str) -> tuple[str, Body] | None:
    document = await cases.store.get(cases.collection, text)
    if document is None:
        page = await cases.find("ticket", equal=(tenant, text.upper()), limit=1)
        document = page.documents[0] if page.documents else None
    if document is None or document.body is None or document.tenant != tenant:
        return None
    return document.id, document.body


def _index(tenant: str, opd: str | None, state: str | None) -> tuple[str, tuple[str, ...]]:
    if opd is None:
        return ("due", (tenant,)) if state is None else ("state_due", (tenant, state))
    if state is None:
        return "opd_due", (tenant, opd)
    return "opd_state_due", (tenant, opd, state)


def _case(id: str, body: Body) -> CaseClocks:
    return CaseClocks.model_validate(
        {
            "complaint_id": id,
            **{name: body[name] for name in ("ticket", "state", "opd", "class", "received_at")},
            "clocks": body["clocks"],
            "nearest": body["nearest"],
            "sure": body["is_sure"],
            "notices": [_notice(row) for row in body["told"]],
        }
    )


def _notice(row: Sequence[Any]) -> Notice:
    names = ("kind", "clock", "instance", "due_at", "level", "told_at", "provisional", "corrected")
    return Notice.model_validate(dict(zip(names, row, strict=True)))


def _policies(book: Rulebook) -> PolicyPage:
    return PolicyPage(
        tenant=book.tenant,
        version=book.version,
        calendar_version=book.calendar.version,
        joint_leave_years=sorted(book.calendar.joint_leave_years),
        items=[_policy(policy) for policy in book.policies],
        escalations=[
            EscalationShape(
                level=step.level,
                amount=step.after.amount,
                unit=step.after.unit,
                office=step.office,
                coordinator=step.coordinator,
            )
            for step in book.escalations
        ],
    )


def _policy(policy: Policy) -> PolicyShape:
    return PolicyShape.model_validate(
        {
            "id": policy.id,
            "version": policy.version,
            "active": policy.active,
            "clock": policy.clock,
            "classes": sorted(policy.classes),
            "scope": policy.scope,
            "amount": policy.limit.amount,
            "unit": policy.limit.unit,
            "start": policy.start,
            "stop": sorted(policy.stop),
            "pauses_in": sorted(policy.pauses_in),
            "restarts_on_new_opd": policy.restarts_on_new_opd,
            "warn_share": policy.warn_share,
            "effective_from": policy.effective_from,
            "effective_to": policy.effective_to,
            "legal_basis": policy.legal_basis,
            "confidence": policy.confidence,
        }
    )
