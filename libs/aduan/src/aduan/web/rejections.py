"""From what a framework or a validator raises to a problem, without a word of the input.

The messages of pydantic are not passed on: some quote a character, a tag or a whole value. The
table below has our own words for the kinds that callers meet; the rest is `is not valid`.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import ValidationError

from aduan.web.problems import FieldProblem, Problem

LIMIT: Final = 50  # field problems in one answer; more help nobody

_WORDS: Final[Mapping[str, str]] = {
    "missing": "is required",
    "extra_forbidden": "is not a known field",
    "none_required": "must be null",
    "string_type": "must be text",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "string_pattern_mismatch": "must match the pattern {pattern}",
    "string_unicode": "must be valid Unicode",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "too_short": "must have at least {min_length} entries",
    "too_long": "must have at most {max_length} entries",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "datetime_type": "must be a moment as in ISO 8601",
    "datetime_parsing": "must be a moment as in ISO 8601",
    "datetime_from_date_parsing": "must be a moment as in ISO 8601",
    "timezone_aware": "must have a time zone",
    "date_type": "must be a date as in ISO 8601",
    "date_parsing": "must be a date as in ISO 8601",
    "date_from_datetime_parsing": "must be a date as in ISO 8601",
    "uuid_type": "must be a UUID",
    "uuid_parsing": "must be a UUID",
    "url_parsing": "must be an absolute URL",
    "url_scheme": "must be a URL of an allowed scheme",
    "json_invalid": "must be valid JSON",
    "json_type": "must be valid JSON",
}
_SOURCES: Final = frozenset({"body", "query", "path", "header", "cookie"})
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_\-]{0,63}")
_MANY_DIGITS: Final = re.compile(r"[0-9]{5,}")


def field_name(loc: Sequence[str | int]) -> str:
    """Return the dotted path of a field.

    A part that does not look like a field name is shown as `?`: an unknown key is input as well,
    and somebody's number can be one.
    """
    parts = list(loc)
    if len(parts) > 1 and parts[0] in _SOURCES:
        parts = parts[1:]
    return ".".join(_part(part) for part in parts) or "body"


def _part(part: str | int) -> str:
    if isinstance(part, int):
        return str(part) if part < 10_000 else "?"
    return part if _NAME.fullmatch(part) and not _MANY_DIGITS.search(part) else "?"


def message(error: Mapping[str, Any]) -> str:
    """Return our words for one entry of pydantic's error list."""
    kind = error["type"]
    if kind == "aduan":  # raised by `problems.wrong`: words of ours
        return str(error["msg"])
    template = _WORDS.get(kind)
    return "is not valid" if template is None else template.format_map(_Limits(error.get("ctx")))


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


class _Limits(dict[str, Any]):
    """The limits of the model that a message may show; never what was sent."""

    def __init__(self, ctx: Mapping[str, Any] | None) -> None:
        super().__init__({name: _plain(value) for name, value in (ctx or {}).items()})

    def __missing__(self, key: str) -> str:
        return "the limit"


def from_errors(errors: Sequence[Mapping[str, Any]]) -> Problem:
    """Return the problem for pydantic's error list: 400 when it is no JSON at all, else 422."""
    if any(error["type"] == "json_invalid" for error in errors):
        return Problem(
            "malformed", errors=(FieldProblem(field="body", message=_WORDS["json_invalid"]),)
        )
    found = dict.fromkeys((field_name(error["loc"]), message(error)) for error in errors)
    fields = [FieldProblem(field=name, message=words) for name, words in found]
    return Problem("invalid", errors=fields[:LIMIT])


def from_validation(error: ValidationError) -> Problem:
    """Return the problem for a body that a bare route validated itself."""
    return from_errors(error.errors(include_url=False, include_input=False, include_context=True))
