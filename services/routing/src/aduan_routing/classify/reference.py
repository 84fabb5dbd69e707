"""What a tenant's reference folder says, as typed, frozen values.

Names, switches, words and matters are the tenant's data; nothing here knows a city. Areas and
offices are keyed by code, because names repeat: Semarang has two Purwosari and two Mangunharjo.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Final, TypeVar

from aduan.contracts.values import PartnerSystem, ReportClass

K = TypeVar("K")
V = TypeVar("V")

AREA_OFFICE: Final = "@area"
"""The office of a category that belongs to the unit of the place, not to a department."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """A unit that answers. threshold: the confidence 0..1 from which a rule alone may assign.

    automatic: whether a rule may assign to it at all. mail: the unit's box, not a person's.
    """

    code: str
    name: str
    abbreviation: str
    level: str
    automatic: bool
    threshold: float
    duties: str
    mail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """A city, kecamatan or kelurahan by Kemendagri code.

    lat, lng: the rounded centre in degrees, given for kecamatan only.
    """

    code: str
    name: str
    level: str
    parent: str
    lat: float | None
    lng: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """A kind of matter. office: a code or AREA_OFFICE. physical: an answer needs evidence."""

    code: str
    name: str
    office: str
    physical: bool
    report_class: ReportClass


@dataclass(frozen=True, slots=True, kw_only=True)
class Inlet:
    """A way in, as citizens know it; old ones stay, so that old reports keep their label."""

    code: str
    label: str
    address: str
    official: bool
    valid_from: date
    valid_to: date | None

    def valid_on(self, day: date) -> bool:
        """Tell whether the inlet was open on a day (WIB), first and last day included."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """An expression of words that speaks for a category with a weight (log-odds, may be < 0)."""

    words: str
    category: str
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Holds when one of `any` occurs and none of `unless`."""

    any: tuple[str, ...]
    unless: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """A matter of another body, and the partner who carries the report there."""

    code: str
    body: str
    partner: PartnerSystem
    when: Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class Road:
    """Roads that are probably not the city's; they lower the confidence and decide nothing."""

    names: tuple[str, ...]
    owner: str
    partner: PartnerSystem


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """How evidence becomes a confidence. measured: (raw, right) points, rising, from 0 to 1."""

    background: float
    hint_office: float
    hint_category: float
    short_characters: int
    unsure_ceiling: float
    measured: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The whole lexicon of a tenant. same: spelling -> word."""

    terms: tuple[Term, ...]
    same: Mapping[str, str]
    ignored: frozenset[str]
    oversight: Condition
    emergency: Condition
    class_cues: Mapping[ReportClass, tuple[str, ...]]
    calibration: Calibration


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """Degrees; a point outside says nothing about a place in the city."""

    south: float
    north: float
    west: float
    east: float

    def holds(self, lat: float, lng: float) -> bool:
        """Tell whether the point lies inside, edges included."""
        return self.south <= lat <= self.north and self.west <= lng <= self.east


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """The city itself. partner: where its own cases are mirrored."""

    code: str
    name: str
    province: str
    timezone: str
    partner: str
    coordinator: str
    oversight: str
    emergency_number: str
    emergency_sentence: str
    box: Box
    citizen_words: Mapping[str, ReportClass]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Everything routing knows of one tenant; keys are codes, mappings are read-only."""

    tenant: Tenant
    offices: Mapping[str, Office]
    areas: Mapping[str, Area]
    categories: Mapping[str, Category]
    inlets: Mapping[str, Inlet]
    words: Words
    matters: tuple[Matter, ...]
    roads: tuple[Road, ...]
    road_topics: frozenset[str]

    def class_of_word(self, word: str | None) -> ReportClass | None:
        """Return what the citizen's own word means here; None for no or an unknown word."""
        if word is None:
            return None
        return self.tenant.citizen_words.get("_".join(word.casefold().split()))

    def kecamatan_of(self, code: str) -> str | None:
        """Return the kecamatan that an area code is or lies in; None for the city or unknown."""
        area = self.areas.get(code)
        if area is None or area.level == "kota":
            return None
        return area.code if area.level == "kecamatan" else area.parent


def frozen(mapping: dict[K, V]) -> Mapping[K, V]:
    """Return a read-only view, so that nobody edits reference data at run time."""
    return MappingProxyType(mapping)
