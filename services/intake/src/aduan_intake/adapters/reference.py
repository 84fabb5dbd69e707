"""Reads what intake must know of a tenant: `intake.toml`, the names of offices, the areas."""

import csv
import tomllib
from collections.abc import Mapping, Sequence
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


AreaGroups = tuple[tuple[str, tuple[tuple[str, str], ...]], ...]


@dataclass(frozen=True, slots=True)
class Tenant:
    """One tenant as intake knows it.

    offices: name by code. areas: (kecamatan, ((code, name), ...)), the kecamatan itself first, by
    name: what a form offers. area_codes: all codes of it.
    """

    code: str
    letters: str
    channel_name: str
    city_name: str
    emergency: str
    form_inlet: str
    confidential_words: frozenset[str]
    portals: Mapping[str, Portal]
    offices: Mapping[str, str]
    areas: AreaGroups

    @property
    def area_codes(self) -> frozenset[str]:
        """See above."""
        return frozenset(code for _, group in self.areas for code, _ in group)


def load_tenant(folder: Path, code: str) -> Tenant:
    """Return a tenant's data. Raises BadReference."""
    path = folder / "tenants" / code / "intake.toml"
    try:
        data = _File.model_validate(tomllib.loads(path.read_text()))
    except OSError as error:
        raise BadReference(
            f"{path.name} of tenant {code} cannot be read: {error.strerror}"
        ) from None
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
        offices={row["code"]: row["name"] for row in _rows(path.with_name("offices.csv"), code)},
        areas=_grouped(_rows(path.with_name("areas.csv"), code)),
    )


def _grouped(rows: Sequence[Mapping[str, str]]) -> AreaGroups:
    named = sorted(rows, key=lambda row: row["name"])
    groups = []
    for district in (row for row in named if row["level"] == "kecamatan"):
        inside = [row for row in named if row["parent"] == district["code"]]
        whole = (district["code"], f"Kecamatan {district['name']}")
        villages = tuple((row["code"], f"Kelurahan {row['name']}") for row in inside)
        groups.append((f"Kecamatan {district['name']}", (whole, *villages)))
    return tuple(groups)


def _rows(path: Path, tenant: str) -> list[dict[str, str]]:
    wanted = {"code", "name"} | ({"level", "parent"} if path.stem == "areas" else set())
    try:
        with path.open(newline="", encoding="utf-8") as lines:
            rows = list(csv.DictReader(lines))
    except (OSError, UnicodeDecodeError) as error:
        kind = type(error).__name__
        raise BadReference(f"{path.name} of tenant {tenant} cannot be read ({kind})") from None
    if not rows or any(not row.get(column) for row in rows for column in wanted):
        raise BadReference(
            f"{path.name} of tenant {tenant} needs {', '.join(sorted(wanted))} in each row"
        )
    return rows
