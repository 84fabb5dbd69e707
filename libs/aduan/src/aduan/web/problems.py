"""Errors over HTTP: application/problem+json (RFC 9457), from one catalogue.

A problem names the field and says what is expected. It never repeats what was sent and never
carries an exception's own words, because both may hold personal data.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, TypedDict

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError
from starlette.responses import JSONResponse

from aduan.errors import AduanError
from aduan.web.catalogue import CATALOGUE, Code

MEDIA_TYPE: Final = "application/problem+json"
RESERVED: Final = frozenset({"type", "title", "status", "detail", "instance", "code", "errors"})


class FieldProblem(TypedDict):
    """One field that is not right. field: dotted path as sent (`place.lat`, `attachments.0`)."""

    field: str
    message: str


class Problem(AduanError):
    """Something the caller can understand: raised anywhere, answered as problem+json.

    code: a row of the catalogue; it decides status and title.
    detail: one sentence of ours, without any value from the request.
    errors: the fields that are not right.
    extra: further members, such as `state` and `allowed` of a refused action.
    headers: for example {"Retry-After": "5"}.
    Raises KeyError for a code that the catalogue does not list, ValueError when `extra` would
    overwrite a standard member.
    """

    def __init__(
        self,
        code: Code,
        detail: str | None = None,
        *,
        errors: Iterable[FieldProblem] = (),
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        entry = CATALOGUE[code]
        super().__init__(code)
        self.code: Code = code
        self.status = entry.status
        self.title = entry.title
        self.detail = detail
        self.errors = tuple(errors)
        self.extra = dict(extra or {})
        self.headers = dict(headers or {})
        if taken := RESERVED & self.extra.keys():
            raise ValueError(f"extra members may not be called {sorted(taken)}")

    def body(self) -> dict[str, Any]:
        """Return the JSON members in the order in which people read them."""
        members: dict[str, Any] = {
            "type": type_uri(self.code),
            "title": self.title,
            "status": self.status,
            "code": self.code,
        }
        if self.detail is not None:
            members["detail"] = self.detail
        if self.errors:
            members["errors"] = list(self.errors)
        return members | self.extra

    def response(self) -> JSONResponse:
        """Return the whole HTTP answer."""
        return JSONResponse(
            self.body(), status_code=self.status, headers=self.headers, media_type=MEDIA_TYPE
        )


def type_uri(code: Code) -> str:
    """Return the `type` member: a name, not an address, so it needs no server to mean something."""
    return f"urn:aduan:problem:{code}"


def field(name: str, message: str) -> FieldProblem:
    """Return one entry of `errors`."""
    return FieldProblem(field=name, message=message)


def invalid(name: str, message: str) -> Problem:
    """Return the 422 for one field."""
    return Problem("invalid", errors=(field(name, message),))


def wrong(message: str) -> PydanticCustomError:
    """Return what a model's validator raises so that its own words reach the caller.

    message: what is expected, never what was sent. The words of any other ValueError are replaced
    by general ones, because they usually quote the input.
    """
    return PydanticCustomError(
        "aduan",
        message.replace("{", "(").replace("}", ")"),
    )


class FieldProblemBody(BaseModel):
    """One field that is not right."""

    field: str = Field(description="Dotted path of the field, as sent.", examples=["place.lat"])
    message: str = Field(description="What is expected. Never what was sent.")


class ProblemBody(BaseModel):
    """RFC 9457 problem. Further members depend on `code`."""

    model_config = ConfigDict(extra="allow", title="Problem")

    type: str = Field(description="A URN that names the kind of problem; it ends with `code`.")
    title: str = Field(description="The same words for every problem of this code.")
    status: int = Field(description="The HTTP status, repeated.")
    code: str = Field(description="Stable name of the problem; branch on this.")
    detail: str | None = Field(default=None, description="One sentence about this occurrence.")
    errors: list[FieldProblemBody] | None = Field(
        default=None, description="The fields that are not right."
    )


def responses(*codes: Code) -> dict[int | str, dict[str, Any]]:
    """Return what FastAPI's `responses=` wants, so that an operation documents its problems.

    Codes of one status share one entry; the schema itself is put into the document by the app.
    """
    found: dict[int | str, dict[str, Any]] = {}
    for code in codes:
        entry = CATALOGUE[code]
        line = f"`{code}`: {entry.title}"
        if entry.status in found:
            found[entry.status]["description"] += f" {line}"
            continue
        found[entry.status] = {
            "description": line,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
    return found
