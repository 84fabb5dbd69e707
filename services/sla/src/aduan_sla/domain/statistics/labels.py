"""Where a case is counted: closed lists from the tenant's reference data, and nothing beside them.

A case "berkadar pengawasan" is counted under `oversight` in every dimension: neither the unit that is
complained about nor anybody who looks at a unit, a kind of matter or a district finds it there
(DOMAIN 9). It leaves their figures at the moment at which it is seen to be one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from aduan_sla.domain.statistics.facts import CaseFacts

Dimension = Literal["all", "opd", "category", "kecamatan"]

DIMENSIONS: Final[tuple[Dimension, ...]] = ("all", "opd", "category", "kecamatan")
ALL: Final = "all"
NONE: Final = "none"
OTHER: Final = "other"
OVERSIGHT: Final = "oversight"
BESIDE: Final = (NONE, OTHER, OVERSIGHT)
_KECAMATAN_PARTS: Final = 3


@dataclass(frozen=True, slots=True)
class Labels:
    """The codes that one tenant's reference data knows. kecamatan: Kemendagri codes of districts."""

    opd: frozenset[str]
    category: frozenset[str]
    kecamatan: frozenset[str]

    def values(self, dimension: Dimension) -> tuple[str, ...]:
        """Return every value that a dimension can have, sorted, the ones beside the codes last."""
        if dimension == "all":
            return (ALL,)
        return (*sorted(self._codes(dimension)), *BESIDE)

    def of(self, facts: CaseFacts) -> Mapping[Dimension, str]:
        """Return where an opened case is counted. Nothing but a known code or a fixed word."""
        if is_oversight(facts):
            return {name: ALL if name == "all" else OVERSIGHT for name in DIMENSIONS}
        opened, shown = facts.opened, facts.shown
        opd = shown.opd if shown is not None else None
        category, area = (opened.category, opened.area) if opened is not None else (None, None)
        if shown is not None:
            category, area = shown.category, shown.area or area
        return {
            "all": ALL,
            "opd": _closed(opd, self.opd),
            "category": _closed(category, self.category),
            "kecamatan": _closed(_kecamatan(area), self.kecamatan),
        }

    def _codes(self, dimension: Dimension) -> Iterable[str]:
        found: Mapping[Dimension, frozenset[str]] = {
            "opd": self.opd,
            "category": self.category,
            "kecamatan": self.kecamatan,
        }
        return found[dimension]


def is_oversight(facts: CaseFacts) -> bool:
    """Whether the case is about oversight, as routing sees it now; before that, as it was hinted."""
    if facts.shown is not None:
        return facts.shown.oversight
    return facts.opened is not None and facts.opened.oversight


def _kecamatan(area: str | None) -> str | None:
    parts = (area or "").split(".")
    return ".".join(parts[:_KECAMATAN_PARTS]) if len(parts) >= _KECAMATAN_PARTS else None


def _closed(code: str | None, known: frozenset[str]) -> str:
    if not code:
        return NONE
    return code if code in known else OTHER
