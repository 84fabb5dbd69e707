"""From a row of somebody's file to the body of POST /v1/complaints: `--map FIELD=COLUMN`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aduan_standalone.cli.refusal import Refusal
from aduan_standalone.cli.rows import Row

_YES: Final = frozenset({"1", "true", "yes", "y", "ya", "t"})
_NO: Final = frozenset({"", "0", "false", "no", "n", "tidak", "f"})


class BadRow(ValueError):
    """A row that cannot become a complaint. The message names the column, never its content."""


def _text(value: Any) -> Any:
    if isinstance(value, (dict, list)):
        raise BadRow("is not text")
    return value if isinstance(value, str) else str(value)


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise BadRow("is neither yes nor no")


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise BadRow("is not a number") from None


FIELDS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "external_id": _text,
    "text": _text,
    "title": _text,
    "citizen_word": _text,
    "class_hint": _text,
    "category_hint": _text,
    "opd_hint": _text,
    "inlet": _text,
    "occurred_on": _text,
    "reported_at": _text,
    "anonymous": _flag,
    "confidential": _flag,
    "test": _flag,
    "place.area_code": _text,
    "place.text": _text,
    "place.lat": _number,
    "place.lng": _number,
    "reporter.name": _text,
    "reporter.email": _text,
    "reporter.phone": _text,
}
REQUIRED: Final = ("external_id", "text")


@dataclass(frozen=True, slots=True)
class RowMapping:
    """Which column fills which field; no columns: every row already is a body of the POST.

    constants: what every complaint gets where its row says nothing (converted already).
    """

    columns: Mapping[str, str]
    constants: Mapping[str, Any]

    def body(self, row: Row) -> dict[str, Any]:
        """Return the body for a row; columns that are empty or absent are left out.

        Raises BadRow, which names the column.
        """
        body = self._mapped(row) if self.columns else _nested(row)
        for field, value in self.constants.items():
            if _look(body, field) is None:
                _put(body, field, value)
        return _checked(body)

    def _mapped(self, row: Row) -> dict[str, Any]:
        body: dict[str, Any] = {}
        for field, column in self.columns.items():
            value = _look(row, column)
            if value is None or value == "":
                continue
            try:
                _put(body, field, FIELDS[field](value))
            except BadRow as error:
                raise BadRow(f"column {column} {error}") from None
        return body

    def missing_from(self, rows: Sequence[Row]) -> list[str]:
        """Return the columns that none of these rows has."""
        return [c for c in self.columns.values() if not any(_has(row, c) for row in rows)]


def parse(pairs: Sequence[str], constants: Sequence[str] = ()) -> RowMapping:
    """Read the `--map` and `--set` options.

    Raises Refusal for an unknown field, a missing required one, or a value of the wrong kind.
    """
    columns = _pairs("--map", "COLUMN", pairs)
    values: dict[str, Any] = {}
    for field, value in _pairs("--set", "VALUE", constants).items():
        try:
            values[field] = FIELDS[field](value)
        except BadRow as error:
            raise Refusal(f"--set {field}: {value} {error}.") from None
    if columns and (absent := [field for field in REQUIRED if field not in columns]):
        raise Refusal(f"--map must name {' and '.join(absent)}.")
    return RowMapping(columns, values)


def _pairs(option: str, right: str, given: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in given:
        field, sign, value = pair.partition("=")
        if not sign or not value:
            raise Refusal(f"{option} {pair} is not of the form FIELD={right}.")
        if field not in FIELDS:
            raise Refusal(f"{field} is no field of a complaint; they are {', '.join(FIELDS)}.")
        if field in found:
            raise Refusal(f"{option} names the field {field} twice.")
        found[field] = value
    return found


def _checked(body: dict[str, Any]) -> dict[str, Any]:
    for field in REQUIRED:
        if not body.get(field):
            raise BadRow(f"has no {field}")
    body["external_id"] = str(body["external_id"])
    return body


def _nested(row: Row) -> dict[str, Any]:
    """Return a row whose dotted columns (a CSV with fields as header) became objects."""
    body: dict[str, Any] = {}
    for name, value in row.items():
        if value is None or value == "":
            continue
        if isinstance(value, str) and name in FIELDS:
            try:
                _put(body, name, FIELDS[name](value))
            except BadRow as error:
                raise BadRow(f"column {name} {error}") from None
        else:
            body[name] = value
    return body


def _put(body: dict[str, Any], field: str, value: Any) -> None:
    outer, dotted, inner = field.partition(".")
    if dotted:
        body.setdefault(outer, {})[inner] = value
    else:
        body[field] = value


def _look(row: Row, column: str) -> Any:
    """Return a column's value; a dot also goes into nested objects of JSON lines."""
    if column in row:
        return row[column]
    value: Any = row
    for part in column.split("."):
        if not isinstance(value, dict) or part not in value:
            return None
        value = value[part]
    return value


def _has(row: Row, column: str) -> bool:
    value: Any = row
    if column in row:
        return True
    for part in column.split("."):
        if not isinstance(value, dict) or part not in value:
            return False
        value = value[part]
    return True
