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

# A moment or day that must lie ahead: no schema knows what time it is.
PASSED: Final = frozenset({"expires_at", "on"})


def hold(case: "Case[Any]", answer: Response) -> None:
    """Raise what schemathesis finds wrong; refusing an opaque value is right."""
    excluded: list[Any] = []
    if answer.headers.get("content-type", [""])[0] == "application/problem+json":
        code = answer.json()["code"]
        named = {error["field"] for error in answer.json().get("errors", ())}
        late = code == "invalid" and bool(named) and named <= PASSED
        excluded = [positive_data_acceptance] if code in OPAQUE or late else []
    case.validate_response(answer, excluded_checks=excluded)
