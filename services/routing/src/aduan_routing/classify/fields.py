"""Typed reading of reference data, with one sentence that names file and field when it is wrong."""

import csv
import tomllib
from collections.abc import Collection, Mapping
from datetime import date
from pathlib import Path
from typing import Final, cast, get_args

from aduan.contracts.values import PartnerSystem, ReportClass
from aduan.errors import AduanError

_CLASSES: Final[tuple[str, ...]] = get_args(ReportClass)
_PARTNERS: Final[tuple[str, ...]] = get_args(PartnerSystem)
_MIRRORS: Final = (*_PARTNERS, "echo")
_ANSWERS: Final = {"yes": True, "no": False}


class BadReference(AduanError):
    """Reference data that cannot be used. The text is one sentence with file and field."""


class Fields:
    """One row or table of a file. where: how a reader finds it, "offices.csv line 3"."""

    def __init__(self, where: str, values: Mapping[str, object]) -> None:
        self.where = where
        self._values = values

    def bad(self, field: str, problem: str) -> BadReference:
        """Return (not raise) the error for a field, so that callers can `raise ... from`."""
        return BadReference(f"{self.where}: field '{field}' {problem}.")

    def text(self, field: str, *, empty: bool = False) -> str:
        """Return a string; an empty one is refused unless `empty`."""
        value = self._values.get(field)
        if not isinstance(value, str):
            raise self.bad(field, "is missing or not a text")
        if not value.strip() and not empty:
            raise self.bad(field, "must not be empty")
        return value.strip()

    def one_of(self, field: str, allowed: Collection[str]) -> str:
        """Return a string out of a closed set."""
        value = self.text(field)
        if value not in allowed:
            raise self.bad(field, f"is '{value}', which is not one of {', '.join(sorted(allowed))}")
        return value

    def report_class(self, field: str) -> ReportClass:
        """Return a report class of the contracts."""
        return cast("ReportClass", self.one_of(field, _CLASSES))

    def partner(self, field: str) -> PartnerSystem:
        """Return a partner system of the contracts."""
        return cast("PartnerSystem", self.one_of(field, _PARTNERS))

    def mirror(self, field: str) -> str:
        """Return where a tenant's own cases are mirrored: a partner, or the canary's echo."""
        return self.one_of(field, _MIRRORS)

    def yes(self, field: str) -> bool:
        """Return a switch written as yes or no."""
        return _ANSWERS[self.one_of(field, _ANSWERS)]

    def number(self, field: str, low: float, high: float) -> float:
        """Return a number between low and high, both included."""
        value = self._values.get(field)
        try:
            found = float(cast("str", value))
        except (TypeError, ValueError):
            raise self.bad(field, f"must be a number, not '{value}'") from None
        if not low <= found <= high:
            raise self.bad(field, f"is {found:g}, outside {low:g} to {high:g}")
        return found

    def number_or_none(self, field: str, low: float, high: float) -> float | None:
        """Return a number, or None where the field is blank."""
        return self.number(field, low, high) if self.text(field, empty=True) else None

    def day(self, field: str) -> date:
        """Return a date written as YYYY-MM-DD."""
        value = self.text(field)
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise self.bad(field, f"must be a date like 2025-04-01, not '{value}'") from None

    def texts(self, field: str) -> tuple[str, ...]:
        """Return a list of non-empty strings; it may be empty."""
        value = self._values.get(field)
        if not isinstance(value, list):
            raise self.bad(field, "must be a list of texts")
        for item in value:
            if not isinstance(item, str) or not item.strip():
                raise self.bad(field, "holds something that is not a text")
        return tuple(value)

    def table(self, field: str) -> "Fields":
        """Return a table inside this one."""
        value = self._values.get(field)
        if not isinstance(value, dict):
            raise self.bad(field, "must be a table")
        return Fields(f"{self.where} [{field}]", value)

    def tables(self, field: str) -> list["Fields"]:
        """Return an array of tables; none at all is an empty list."""
        value = self._values.get(field, [])
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self.bad(field, "must be a list of tables")
        return [Fields(f"{self.where} [{field} {at}]", row) for at, row in enumerate(value, 1)]

    def names(self) -> list[str]:
        """Return the names of the fields, in the order of the file."""
        return list(self._values)

    def points(self, field: str) -> tuple[tuple[float, float], ...]:
        """Return a list of pairs of numbers."""
        value = self._values.get(field)
        if not isinstance(value, list) or len(value) < 2:
            raise self.bad(field, "must be a list of at least two pairs")
        pairs: list[tuple[float, float]] = []
        for pair in value:
            if (
                not isinstance(pair, list)
                or len(pair) != 2
                or not all(isinstance(number, int | float) for number in pair)
            ):
                raise self.bad(field, "holds something that is not a pair of numbers")
            pairs.append((float(pair[0]), float(pair[1])))
        return tuple(pairs)


def read_csv(path: Path) -> list[Fields]:
    """Read a UTF-8 CSV file with a header line. Raises BadReference."""
    lines = csv.DictReader(_text(path).splitlines(), restkey="(too many)")
    rows: list[Fields] = []
    for row in lines:
        where = f"{path.name} line {lines.line_num}"
        if "(too many)" in row:
            raise BadReference(f"{where}: there are more fields than the header names.")
        rows.append(Fields(where, row))
    if not rows:
        raise BadReference(f"{path.name}: there is no line of data.")
    return rows


def read_toml(path: Path) -> Fields:
    """Read a TOML file. Raises BadReference."""
    try:
        return Fields(path.name, tomllib.loads(_text(path)))
    except tomllib.TOMLDecodeError as problem:
        raise BadReference(f"{path.name}: this is not TOML ({problem}).") from problem


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as problem:
        raise BadReference(f"{path.name}: this is not UTF-8 text.") from problem
    except OSError as problem:
        raise BadReference(f"{path}: cannot be read ({problem.strerror}).") from problem
