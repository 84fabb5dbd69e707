"""Holds an app to its OpenAPI document with all of schemathesis' checks."""

from typing import Any, Final

from schemathesis import Case
from schemathesis.core.transport import Response
from schemathesis.specs.openapi.checks import positive_data_acceptance

# An opaque value has no schema that tells a good one from a bad one: a cursor of this listing, a
# ticket with a right check character, one of two headers. Its refusal is documented.
OPAQUE: Final = frozenset(
    {"invalid_cursor", "invalid_ticket", "idempotency_key_required", "unknown_reference"}
)


def hold(case: "Case[Any]", answer: Response) -> None:
    """Raise what schemathesis finds wrong; refusing an opaque value is right."""
    excluded: list[Any] = []
    if answer.headers.get("content-type", [""])[0] == "application/problem+json":
        code = answer.json()["code"]
        excluded = [positive_data_acceptance] if code in OPAQUE else []
    case.validate_response(answer, excluded_checks=excluded)
