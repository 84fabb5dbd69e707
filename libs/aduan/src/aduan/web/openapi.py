"""An OpenAPI document that tells the truth about errors: each operation lists its problems.

FastAPI would document its own 422 body, which we never send, and leave out what the middleware and
the authenticator answer.
"""

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from aduan.web.catalogue import Code
from aduan.web.problems import FieldProblemBody, ProblemBody, responses

_METHODS: Final = frozenset({"get", "put", "post", "delete", "patch"})
_ALWAYS: Final[tuple[Code, ...]] = ("malformed", "internal", "unavailable")
_SECURED: Final[tuple[Code, ...]] = ("credentials_missing", "scope_missing")
_WITH_BODY: Final[tuple[Code, ...]] = ("content_too_large", "unsupported_media_type")


def document(app: FastAPI) -> dict[str, Any]:
    """Return the app's OpenAPI document, made once and kept in the app."""
    if app.openapi_schema is None:
        app.openapi_schema = _document(app)
    return app.openapi_schema


def _document(app: FastAPI) -> dict[str, Any]:
    found = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
        tags=app.openapi_tags,
    )
    schemas = found.setdefault("components", {}).setdefault("schemas", {})
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    _, definitions = models_json_schema(
        [(ProblemBody, "serialization"), (FieldProblemBody, "serialization")],
        ref_template="#/components/schemas/{model}",
    )
    named = definitions["$defs"]
    schemas["Problem"] = named["ProblemBody"]
    schemas["FieldProblemBody"] = named["FieldProblemBody"]
    for path in found.get("paths", {}).values():
        for method, operation in path.items():
            if method in _METHODS:
                _complete(operation)
    return found


def _complete(operation: dict[str, Any]) -> None:
    answers = operation.setdefault("responses", {})
    codes: tuple[Code, ...] = _ALWAYS
    if operation.get("security"):
        codes += _SECURED
    if "requestBody" in operation:
        codes += _WITH_BODY
    own_422 = "Problem" in str(answers.get("422", ""))
    if "422" in answers and not own_422:
        del answers["422"]
        codes += ("invalid",)
    for status, entry in responses(*codes).items():
        answers.setdefault(str(status), entry)
