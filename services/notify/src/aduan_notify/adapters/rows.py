"""Reads reference files; every refusal is one sentence for the operator, with file and field."""

import csv
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from aduan.errors import AduanError

M = TypeVar("M", bound=BaseModel)


class BadReference(AduanError):
    """A reference file is missing or says something impossible."""


class Shape(BaseModel):
    """Base of what is read from a reference file of this service's own: no unknown field."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Part(BaseModel):
    """Base of what is read from a file that others own: only what is used here."""

    model_config = ConfigDict(extra="ignore", frozen=True)


def toml(path: Path) -> Mapping[str, Any]:
    """Return the table of a TOML file. Raises BadReference."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadReference(f"{path.name} cannot be read") from error
    except tomllib.TOMLDecodeError as error:
        raise BadReference(f"{path.name} is no TOML: {error}") from error


def table(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file by column. Raises BadReference."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return [
                {name: value or "" for name, value in row.items() if name is not None}
                for row in csv.DictReader(file)
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadReference(f"{path.name} cannot be read") from error


def read(kind: type[M], values: Mapping[str, Any], where: str) -> M:
    """Return the values as a model. where: the file, for the sentence. Raises BadReference."""
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise BadReference(f"{where}: {field}: {first['msg']}") from error
