"""Reference data: every tenant loads, and its calendar reaches into next year."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from aduan.clock import WIB
from aduan.contracts.values import CANARY_TENANT
from aduan.errors import AduanError
from aduan.settings import ServiceSettings
from aduan_standalone.doctor.findings import Finding, ok

_AGAIN: Final = "correct the file that is named, then `aduan doctor`"


def examine(settings: Mapping[str, ServiceSettings], now: datetime) -> list[Finding]:
    """Load what each service would. now: of the domain clock."""
    from aduan_standalone.services import BOOTSTRAPS

    found: list[Finding] = []
    for service, one in settings.items():
        where = str(getattr(one, "reference_dir", Path()))
        try:
            BOOTSTRAPS[service].spec(one)
        except AduanError as error:
            found.append(Finding("reference", "error", f"{service}: {error}", where, _AGAIN))
            continue
        except OSError as error:
            words = f"{service}: {error.strerror}"
            found.append(Finding("reference", "error", words, where, _AGAIN))
            continue
        found.append(ok("reference", f"{service} reads it", where))
        if service == "sla":
            found += _calendars(one, now)
    return found


def _calendars(settings: Any, now: datetime) -> Iterator[Finding]:
    from aduan_sla.bootstrap import load_books

    year = now.astimezone(WIB).year
    for tenant, book in load_books(settings).items():
        if tenant == CANARY_TENANT:  # nothing of it falls due
            continue
        where = f"{settings.reference_dir}/tenants/{tenant}/calendar.toml"
        days = book.calendar.known_at(now)
        if not days.first.year <= year < days.last.year:
            words = f"it ends with {days.last.year}: deadlines of next year cannot be counted"
            yield Finding("reference", "error", words, where, "raise last_year in it")
            continue
        unknown = [
            str(one) for one in (year, year + 1) if one not in book.calendar.joint_leave_years
        ]
        if unknown:
            yield Finding(
                "reference", "warning", f"no cuti bersama of {', '.join(unknown)} is known",
                where, "once it is decreed: a newer release of Aduan, or an [[override]] for each day",
            )  # fmt: skip
        else:
            yield ok("reference", f"it has the days off of {year} and {year + 1}", where)
