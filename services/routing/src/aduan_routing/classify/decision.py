"""What goes into a decision and what comes out."""

from dataclasses import dataclass
from typing import Literal

from aduan.contracts.values import PartnerSystem, ReportClass
from aduan_routing.classify.reference import Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What may be looked at: the matter and its place. There is no field for who reports.

    citizen_word: the citizen's own word for it ("keluhan"). category_hint, opd_hint: the citizen's
    or portal's choice, evidence among other evidence; unknown codes are ignored.
    """

    text: str
    title: str | None = None
    place_text: str | None = None
    area_code: str | None = None
    lat: float | None = None
    lng: float | None = None
    citizen_word: str | None = None
    class_hint: ReportClass | None = None
    category_hint: str | None = None
    opd_hint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the rules think; `may_assign` says whether they may act on it.

    opd: None when no office of the city fits, none is known, or it is oversight. confidence: 0..1
    of opd, 0 without one. reasons: (code, words). suggestions: at most three (office, confidence),
    best first. partner: who carries another body's matter. area: the code that the place gave.
    """

    opd: str | None
    category: str | None
    class_suggested: ReportClass
    confidence: float
    method: Literal["rule", "area"]
    reasons: tuple[tuple[str, str], ...]
    suggestions: tuple[tuple[str, float], ...]
    oversight: bool
    emergency: bool
    partner: PartnerSystem | None
    area: str | None


def may_assign(decision: Decision, reference: Reference, *, confidential: bool) -> bool:
    """Tell whether a rule alone may hand the case to `decision.opd`.

    Only when the unit's switch is on, the confidence reaches its threshold, and the case is neither
    confidential, nor oversight, nor another body's matter. Everything else is a person's decision.
    """
    if decision.opd is None or confidential or decision.oversight or decision.partner is not None:
        return False
    office = reference.offices[decision.opd]
    return office.automatic and decision.confidence >= office.threshold
