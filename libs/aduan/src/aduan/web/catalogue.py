"""The one error catalogue: every problem code that any service of ours may answer with.

A code is a promise to portal developers: it keeps its meaning and its status for ever. A test
compares this table with what the services raise, so an unlisted code cannot be answered.
"""

from dataclasses import dataclass
from typing import Final, Literal, get_args

Code = Literal[
    "malformed",
    "invalid_cursor",
    "idempotency_key_required",
    "invalid_idempotency_key",
    "credentials_missing",
    "credentials_invalid",
    "credentials_expired",
    "scope_missing",
    "not_yours",
    "reporter_token_invalid",
    "not_found",
    "method_not_allowed",
    "not_acceptable",
    "conflict",
    "transition_not_allowed",
    "external_id_taken",
    "already_exists",
    "idempotency_in_progress",
    "gone",
    "precondition_failed",
    "content_too_large",
    "unsupported_media_type",
    "invalid",
    "invalid_ticket",
    "idempotency_key_reused",
    "unknown_reference",
    "precondition_required",
    "too_many_requests",
    "internal",
    "not_supported",
    "partner_unavailable",
    "unavailable",
    "storage_full",
]


@dataclass(frozen=True, slots=True)
class Entry:
    """What a code stands for. status: the HTTP status; title: the same words every time."""

    status: int
    title: str


CATALOGUE: Final[dict[Code, Entry]] = {
    # 400: the request cannot be read at all
    "malformed": Entry(400, "The request could not be read."),
    "invalid_cursor": Entry(400, "The cursor does not belong to this listing."),
    "idempotency_key_required": Entry(400, "An Idempotency-Key is needed here."),
    "invalid_idempotency_key": Entry(400, "The Idempotency-Key is not well-formed."),
    # 401 and 403: who asks, and what he may do
    "credentials_missing": Entry(401, "An API key is needed here."),
    "credentials_invalid": Entry(401, "The API key is not valid."),
    "credentials_expired": Entry(401, "The API key has expired."),
    "scope_missing": Entry(403, "The API key does not cover this operation."),
    "not_yours": Entry(403, "This belongs to another unit, portal or tenant."),
    "reporter_token_invalid": Entry(403, "The reporter token does not fit this complaint."),
    # 404 to 406
    "not_found": Entry(404, "There is nothing here."),
    "method_not_allowed": Entry(405, "This resource does not know that method."),
    "not_acceptable": Entry(406, "None of the accepted media types can be produced."),
    # 409: well-formed, but what is there says no
    "conflict": Entry(409, "This contradicts what is already there."),
    "transition_not_allowed": Entry(409, "The case does not allow this action now."),
    "external_id_taken": Entry(409, "This external_id already names another complaint."),
    "already_exists": Entry(409, "Something of that name already exists."),
    "idempotency_in_progress": Entry(409, "The first request with this key is still running."),
    "gone": Entry(410, "This was removed at the end of its retention."),
    "precondition_failed": Entry(412, "The resource has changed since it was read."),
    "content_too_large": Entry(413, "The body is larger than this operation accepts."),
    "unsupported_media_type": Entry(415, "This media type is not accepted here."),
    # 422: readable, but what it says is not right
    "invalid": Entry(422, "Some fields are not right."),
    "invalid_ticket": Entry(422, "The ticket number is mistyped."),
    "idempotency_key_reused": Entry(422, "This Idempotency-Key came with another body before."),
    "unknown_reference": Entry(422, "A field names something that does not exist."),
    "precondition_required": Entry(428, "An If-Match header is needed here."),
    "too_many_requests": Entry(429, "Too many requests; please slow down."),
    # 5xx: ours, not the caller's
    "internal": Entry(500, "Something went wrong on our side."),
    "not_supported": Entry(501, "This installation does not offer that."),
    "partner_unavailable": Entry(502, "A system that we depend on gave no usable answer."),
    "unavailable": Entry(503, "Temporarily out of service; nothing was changed."),
    "storage_full": Entry(503, "There is no room to store anything; nothing was changed."),
}

assert set(CATALOGUE) == set(get_args(Code)), "every code has exactly one row"

BY_STATUS: Final[dict[int, Code]] = {
    400: "malformed",
    401: "credentials_missing",
    403: "scope_missing",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    409: "conflict",
    410: "gone",
    412: "precondition_failed",
    413: "content_too_large",
    415: "unsupported_media_type",
    422: "invalid",
    428: "precondition_required",
    429: "too_many_requests",
    501: "not_supported",
    502: "partner_unavailable",
    503: "unavailable",
}
"""The code of an error that a framework raised with nothing but a status."""
