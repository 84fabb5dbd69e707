"""Problems over HTTP: the catalogue, the fields, and that nothing sent comes back."""

from typing import Annotated, Any, get_args

import httpx
import pytest
from aduan_http import client_of
from fastapi import FastAPI, Query
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from aduan.contracts.envelope import EventTooLarge
from aduan.errors import Busy
from aduan.web import rejections
from aduan.web.app import new_app
from aduan.web.catalogue import BY_STATUS, CATALOGUE, Code
from aduan.web.edge import HttpMetrics
from aduan.web.problems import Problem, field, invalid, responses, wrong

SECRET = "081234567890"


class Where(BaseModel):
    model_config = ConfigDict(extra="forbid")
    lat: float = Field(ge=-90, le=90)


class Report(BaseModel):
    model_config = ConfigDict(extra="forbid")
    text: str = Field(min_length=5, max_length=20)
    place: Where | None = None
    area: str | None = None
    kind: Annotated[str, Field(pattern="^[a-z]+$")] = "road"

    @field_validator("area")
    @classmethod
    def _known(cls, area: str | None) -> str | None:
        if area == "careless":
            raise ValueError(f"{SECRET} is what was sent")
        if area is not None and area != "33.74.01":
            raise wrong("must be a code of this tenant")
        return area


def an_app() -> FastAPI:
    """Return an app with one resource and one operation that fails in every way."""
    app = new_app("Reports", service="intake", http_metrics=HttpMetrics(CollectorRegistry()))

    @app.post("/v1/reports", responses=responses("conflict", "external_id_taken"))
    async def post(report: Report) -> dict[str, str]:
        return {"kind": report.kind}

    @app.get("/v1/reports")
    async def listing(limit: Annotated[int, Query(ge=1, le=100)] = 10) -> dict[str, int]:
        return {"limit": limit}

    @app.get("/v1/fails/{how}")
    async def fail(how: str) -> None:
        raise {
            "busy": Busy(SECRET),
            "large": EventTooLarge(SECRET),
            "bug": RuntimeError(SECRET),
            "rule": Problem(
                "transition_not_allowed", extra={"state": "closed", "allowed": ["object"]}
            ),
        }[how]

    return app


async def post(body: Any, **options: Any) -> httpx.Response:
    """Send a report."""
    async with client_of(an_app()) as client:
        return await client.post("/v1/reports", json=body, **options)


@pytest.mark.parametrize("code", get_args(Code))
def test_every_code_has_a_row_and_a_title_that_is_a_sentence(code: Code) -> None:
    """A code without a row could not be answered; its title is read by people."""
    problem = Problem(code)

    assert 400 <= problem.status < 600
    assert problem.title.endswith(".")
    assert f"urn:aduan:problem:{code}" == problem.body()["type"]


def test_every_status_that_a_framework_raises_has_a_code_of_that_status() -> None:
    """A 404 of the router must not become a code that means something else."""
    assert {status: status for status in BY_STATUS} == {
        status: CATALOGUE[code].status for status, code in BY_STATUS.items()
    }


def test_an_unlisted_code_and_a_stolen_member_are_refused_at_once() -> None:
    """A slip of the pen is found by the first test that raises the problem."""
    with pytest.raises(KeyError):
        Problem("unheard_of")  # type: ignore[arg-type]  # the slip itself
    with pytest.raises(ValueError, match="status"):
        Problem("conflict", extra={"status": 200})


async def test_a_problem_names_the_field_and_what_is_expected() -> None:
    """Every wrong field is named by its path in the body, with our own words."""
    answer = await post({"text": "hi", "place": {"lat": 95}, "area": "99"})

    assert 422 == answer.status_code
    assert "application/problem+json" == answer.headers["content-type"]
    assert [
        {"field": "text", "message": "must have at least 5 characters"},
        {"field": "place.lat", "message": "must be at most 90"},
        {"field": "area", "message": "must be a code of this tenant"},
    ] == answer.json()["errors"]


async def test_a_missing_body_and_a_missing_field_are_named() -> None:
    """An empty request says what is required."""
    assert [{"field": "text", "message": "is required"}] == (await post({})).json()["errors"]
    async with client_of(an_app()) as client:
        answer = await client.post("/v1/reports")
    assert [{"field": "body", "message": "is required"}] == answer.json()["errors"]


async def test_no_json_at_all_is_a_400() -> None:
    """A body that cannot be read is told apart from one that says the wrong thing."""
    async with client_of(an_app()) as client:
        answer = await client.post(
            "/v1/reports",
            content=b"{" + SECRET.encode(),
            headers={"content-type": "application/json"},
        )

    assert 400 == answer.status_code
    assert "malformed" == answer.json()["code"]
    assert SECRET not in answer.text


@pytest.mark.parametrize(
    "body",
    [
        {"text": SECRET * 3},
        {"text": "a fine text", "kind": SECRET},
        {"text": "a fine text", SECRET: 1},
        {"text": "a fine text", "place": {"lat": SECRET + "x"}},
        {"text": "a fine text", "place": SECRET},
        {"text": "a fine text", "area": SECRET},
        {"text": "a fine text", "area": "careless"},
        [SECRET],
        SECRET,
    ],
)
async def test_what_was_sent_never_comes_back(body: Any) -> None:
    """A number in the wrong place, even as the name of a field, is not repeated in the problem."""
    answer = await post(body)

    assert 422 == answer.status_code
    assert SECRET not in answer.text
    assert answer.json()["errors"]


async def test_a_wrong_query_parameter_is_named() -> None:
    """The same for what stands in the address."""
    async with client_of(an_app()) as client:
        answer = await client.get("/v1/reports", params={"limit": SECRET})

    assert [{"field": "limit", "message": "must be at most 100"}] == answer.json()["errors"]


@pytest.mark.parametrize(
    ("how", "status", "code"),
    [
        ("busy", 503, "unavailable"),
        ("large", 413, "content_too_large"),
        ("bug", 500, "internal"),
        ("rule", 409, "transition_not_allowed"),
    ],
)
async def test_an_exception_becomes_a_problem_without_its_words(
    how: str, status: int, code: str
) -> None:
    """Our own errors have their status; a bug is a bare 500; none shows an exception's text."""
    async with client_of(an_app()) as client:
        answer = await client.get(f"/v1/fails/{how}")

    assert (status, code) == (answer.status_code, answer.json()["code"])
    assert SECRET not in answer.text


async def test_a_busy_store_asks_the_caller_to_come_back() -> None:
    """Retry-After tells when."""
    async with client_of(an_app()) as client:
        answer = await client.get("/v1/fails/busy")

    assert 1 <= int(answer.headers["retry-after"]) <= 10


async def test_extra_members_stand_beside_the_standard_ones() -> None:
    """A refused action tells the state and what is allowed."""
    async with client_of(an_app()) as client:
        answer = (await client.get("/v1/fails/rule")).json()

    assert ("closed", ["object"], 409) == (answer["state"], answer["allowed"], answer["status"])


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nothing", 404, "not_found"),
        ("DELETE", "/v1/reports", 405, "method_not_allowed"),
        ("BREW", "/v1/reports", 405, "method_not_allowed"),
    ],
)
async def test_the_routers_own_refusals_are_problems_too(
    method: str, path: str, status: int, code: str
) -> None:
    """Nobody meets another error format, whoever refuses."""
    async with client_of(an_app()) as client:
        answer = await client.request(method, path)

    assert (status, code) == (answer.status_code, answer.json()["code"])
    assert "application/problem+json" == answer.headers["content-type"]


@given(
    st.dictionaries(
        st.text(min_size=1, max_size=8),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.text(max_size=4), inner, max_size=3)
            ),
            max_leaves=6,
        ),
        max_size=5,
    )
)
def test_any_json_gives_a_problem_or_a_report(body: dict[str, Any]) -> None:
    """Whatever pydantic finds wrong, our words can be made for it."""
    try:
        Report.model_validate(body)
    except ValidationError as error:
        problem = rejections.from_validation(error)

        assert "invalid" == problem.code
        assert all(entry["field"] and entry["message"] for entry in problem.errors)


def test_a_hundred_wrong_fields_are_cut_to_fifty() -> None:
    """An answer stays small, however much is wrong."""
    names = [f"x{letter}{other}" for letter in "abcdefghij" for other in "klmnopqrst"]
    with pytest.raises(ValidationError) as refused:
        Report.model_validate(dict.fromkeys(names, 1))

    assert 50 == len(rejections.from_validation(refused.value).errors)


def test_codes_of_one_status_share_one_documented_answer() -> None:
    """OpenAPI has one entry per status; it lists both codes."""
    found = responses("conflict", "external_id_taken", "invalid")

    assert {409, 422} == set(found)
    assert "`conflict`" in found[409]["description"]
    assert "`external_id_taken`" in found[409]["description"]


async def test_the_openapi_document_shows_problems_where_they_can_happen() -> None:
    """FastAPI's own error body, which is never sent, is not documented."""
    async with client_of(an_app()) as client:
        document = (await client.get("/intake/openapi.json")).json()

    operation = document["paths"]["/v1/reports"]["post"]
    assert {"200", "400", "409", "413", "415", "422", "500", "503"} == set(operation["responses"])
    assert {"$ref": "#/components/schemas/Problem"} == operation["responses"]["422"]["content"][
        "application/problem+json"
    ]["schema"]
    assert "HTTPValidationError" not in document["components"]["schemas"]


async def test_the_page_of_operations_needs_nothing_from_elsewhere() -> None:
    """A closed network shows it too: no script, no other host."""
    async with client_of(an_app()) as client:
        page = (await client.get("/intake/docs")).text

    assert "/v1/reports" in page
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")


def test_one_wrong_field_is_one_line_of_code() -> None:
    """The short form is the long form."""
    short = invalid("rating", "must be 1 to 5")

    assert Problem("invalid", errors=[field("rating", "must be 1 to 5")]).body() == short.body()
