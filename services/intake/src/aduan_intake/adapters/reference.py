"""Reads what intake must know of a tenant: `intake.toml`, and the names of the offices."""

import csv
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from aduan.errors import AduanError
from aduan_intake.domain.complaint import Portal


class BadReference(AduanError):
    """A file of reference data is missing or not valid; one sentence names file and field."""


class _PortalRow(BaseModel):
    model_config = ConfigDict(extra="forbid")
    inlet: str
    anonymous: bool | None = None
    confidential: bool | None = None


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")
    letters: str = Field(pattern=r"^[A-Z]{3}$")
    channel_name: str
    city_name: str
    emergency: str
    form_inlet: str
    confidential_words: frozenset[str] = frozenset()
    portals: dict[str, _PortalRow]


@dataclass(frozen=True, slots=True)
class Tenant:
    """One tenant as intake knows it."""

    code: str
    letters: str
    channel_name: str
    city_name: str
    emergency: str
    form_inlet: str
    confidential_words: frozenset[str]
    portals: Mapping[str, Portal]
    offices: Mapping[str, str]


def load_tenant(folder: Path, code: str) -> Tenant:
    """Return a tenant's data. Raises BadReference."""
    path = folder / "tenants" / code / "intake.toml"
    try:
        data = _File.model_validate(tomllib.loads(path.read_text()))
    except OSError as error:
        raise BadReference(f"{path.name} of tenant {code} cannot be read: {error.strerror}") from None
    except tomllib.TOMLDecodeError as error:
        raise BadReference(f"{path.name} of tenant {code} is no TOML: {error}") from None
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise BadReference(f"{path.name} of tenant {code}: {where} is not valid") from None
    portals = {
        name: Portal(name, row.inlet, row.anonymous, row.confidential)
        for name, row in data.portals.items()
    }
    return Tenant(
        code=code,
        letters=data.letters,
        channel_name=data.channel_name,
        city_name=data.city_name,
        emergency=data.emergency,
        form_inlet=data.form_inlet,
        confidential_words=frozenset(word.casefold() for word in data.confidential_words),
        portals=portals,
        offices=_offices(path.with_name("offices.csv"), code),
    )


def _offices(path: Path, code: str) -> dict[str, str]:
    try:
        with path.open(newline="") as rows:
            return {row["code"]: row["name"] for row in csv.DictReader(rows)}
    except (OSError, KeyError) as error:
        kind = type(error).__name__
        raise BadReference(f"offices.csv of tenant {code} cannot be read ({kind})") from None
