"""What the OpenAPI document says is what the app does, for anything that can be sent."""

from typing import Annotated, Any, Final

import pytest
import schemathesis
from aduan_documents import hold
from fastapi import Depends, FastAPI, Path, Query
from hypothesis import HealthCheck, settings
from prometheus_client import CollectorRegistry
from pydantic import BaseModel, ConfigDict, Field
from schemathesis import Case

from aduan.clock import SystemClock
from aduan.web import cursors
from aduan.web.app import new_app
from aduan.web.edge import HttpMetrics
from aduan.web.keys import Authenticator, Principal, make_key, require
from aduan.web.problems import Problem, responses

KEY, RECORD = make_key(tenant="33.74", scopes=["cases:read"])
Reader = Annotated[Principal, Depends(require("cases:read"))]


class Note(BaseModel):
    """A body with limits of several kinds."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(min_length=1, max_length=100)
    rating: int | None = Field(default=None, ge=1, le=5)
    tags: list[Annotated[str, Field(pattern="^[a-z]{1,8}$")]] = Field(default=[], max_length=3)


class Kept(BaseModel):
    """The answer."""

    text: str
    tenant: str


class Listed(BaseModel):
    """A page of a listing."""

    items: list[str]
    next: str | None


def an_app() -> FastAPI:
    """Return an app that uses every part of the web kit that a document can describe."""
    app = new_app(
        "True",
        service="routing",
        http_metrics=HttpMetrics(CollectorRegistry()),
        authenticator=Authenticator(SystemClock(), static=[RECORD]),
    )

    @app.post("/v1/cases/{case}/notes", status_code=201, responses=responses("invalid"))
    async def note(
        case: Annotated[str, Path(pattern="^[a-z0-9]{1,16}$")], body: Note, who: Reader
    ) -> Kept:
        return Kept(text=body.text, tenant=who.tenant)

    @app.get("/v1/cases", responses=responses("invalid_cursor", "invalid"))
    async def listing(
        _: Reader,
        limit: Annotated[int, Query(ge=1, le=100)] = 10,
        cursor: Annotated[str | None, Query(max_length=1024)] = None,
    ) -> Listed:
        if cursor is not None:
            cursors.decode("cases", cursor, (str,))
        return Listed(items=["a"] * limit, next=cursors.encode("cases", ("a",)))

    @app.get("/v1/open/{number}", responses=responses("not_found", "invalid"))
    async def open_to_all(number: int) -> Kept:
        if number != 7:
            raise Problem("not_found")
        return Kept(text="seven", tenant="33.74")

    return app


schema: Final = schemathesis.openapi.from_asgi("/routing/openapi.json", an_app())
quick: Final = settings(max_examples=60, suppress_health_check=list(HealthCheck))


@schema.parametrize()
@quick
def test_with_a_key_every_answer_is_a_documented_one(case: "Case[Any]") -> None:
    """All checks of schemathesis: status, media type, schema, headers, refusal of wrong data."""
    hold(case, case.call(headers={"Authorization": f"Bearer {KEY}"}))


@schema.parametrize()
@quick
def test_without_a_key_every_answer_is_a_documented_one(case: "Case[Any]") -> None:
    """The same for a stranger: nothing is done for him where a key is needed.

    A body that is no JSON at all is refused before anybody is asked who he is.
    """
    answer = case.call()

    hold(case, answer)
    if "security" in case.operation.definition.raw and answer.status_code not in {400, 405}:
        assert 401 == answer.status_code
        assert "www-authenticate" in answer.headers


def test_the_checks_can_fail() -> None:
    """An operation that answers what it did not document is noticed."""
    app = an_app()

    @app.get("/v1/liar")
    async def liar() -> Kept:
        raise Problem("gone")

    lying = schemathesis.openapi.from_asgi("/routing/openapi.json", app)
    case = lying["/v1/liar"]["GET"].Case()
    with pytest.raises(BaseExceptionGroup):
        case.call_and_validate()
