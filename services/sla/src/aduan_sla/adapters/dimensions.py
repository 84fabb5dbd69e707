"""Loads by what statistics are cut: a tenant's units, kinds of matter and districts."""

import csv
from pathlib import Path
from typing import Final

from aduan.errors import AduanError
from aduan_sla.domain.statistics.labels import BESIDE, Labels

DISTRICT: Final = "kecamatan"


class BadDimensions(AduanError):
    """The reference data cannot be used; the text is one sentence that names file and place."""


def load_labels(reference: Path, tenant: str) -> Labels:
    """Read offices.csv, categories.csv and areas.csv of a tenant. Raises BadDimensions."""
    folder = reference / "tenants" / tenant
    return Labels(
        opd=_codes(folder / "offices.csv"),
        category=_codes(folder / "categories.csv"),
        kecamatan=_codes(folder / "areas.csv", level=DISTRICT),
    )


def _codes(path: Path, *, level: str | None = None) -> frozenset[str]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        raise BadDimensions(f"{path}: cannot be read ({error.strerror}).") from None
    except (UnicodeDecodeError, csv.Error):
        raise BadDimensions(f"{path}: is no CSV in UTF-8.") from None
    found: set[str] = set()
    for number, row in enumerate(rows, start=2):
        code = (row.get("code") or "").strip()
        if not code or code in BESIDE:
            raise BadDimensions(f"{path} line {number}: code is missing, or a word that we use.")
        if level is None or row.get("level") == level:
            found.add(code)
    if not found:
        raise BadDimensions(f"{path}: has no rows{f' of level {level}' if level else ''}.")
    return frozenset(found)
