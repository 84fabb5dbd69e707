"""Loads a tenant's policies and calendar from the reference folder; refuses in one sentence."""

import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import holidays
from pydantic import BaseModel, ValidationError

from aduan_sla.adapters.rows import CalendarFile, PolicyFile
from aduan_sla.domain.calendar import Calendar, OfficeHours, build
from aduan_sla.domain.policy import PolicyError, Rulebook, check

M = TypeVar("M", bound=BaseModel)


def load_rulebook(reference: Path, tenant: str) -> Rulebook:
    """Read `tenants/<tenant>/policies.toml` and `calendar.toml` below `reference`.

    Raises PolicyError: one sentence that names the file, the place in it and what is expected.
    """
    folder = reference / "tenants" / tenant
    policies = _read(folder / "policies.toml", PolicyFile)
    calendar = _read(folder / "calendar.toml", CalendarFile)
    rows = tuple(row.policy() for row in policies.policies)
    try:
        check(rows)
    except PolicyError as error:
        raise PolicyError(f"{folder / 'policies.toml'}: {error}.") from None
    return Rulebook(
        tenant=tenant,
        version=policies.version,
        policies=rows,
        escalations=tuple(row.escalation() for row in policies.escalations),
        calendar=_calendar(folder / "calendar.toml", calendar),
    )


def _calendar(path: Path, file: CalendarFile) -> Calendar:
    years = range(file.first_year, file.last_year + 1)
    try:
        free = holidays.country_holidays(
            file.country, years=years, categories=("public", "government")
        )
        joint = holidays.country_holidays(file.country, years=years, categories=("government",))
    except (NotImplementedError, ValueError):
        raise PolicyError(
            f"{path}: country: no public and government holidays are known for it."
        ) from None
    return build(
        version=f"{file.version}+holidays-{version('holidays')}",
        first_year=file.first_year,
        last_year=file.last_year,
        days_off=free,
        joint_leave=joint,
        amendments=[row.amendment() for row in file.override],
        hours=OfficeHours(file.opens, file.closes),
    )


def _read(path: Path, model: type[M]) -> M:
    try:
        found: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PolicyError(f"{path}: cannot be read ({error.strerror}).") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise PolicyError(f"{path}: is not valid TOML in UTF-8.") from None
    try:
        return model.model_validate(found)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        where = ".".join(str(part + 1) if isinstance(part, int) else part for part in first["loc"])
        place = f"{where}: " if where else ""
        raise PolicyError(f"{path}: {place}{first['msg']}.") from None
