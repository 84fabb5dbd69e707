"""From summed words to shares of the evidence, and from a share to an honest confidence.

Each office weighs e to the power of its summed term weights; a background weight stands for "none
of what we know". The raw share is too proud, as sums of related words always are, so it is read off
a table that was measured on labelled reports. A confidence of 0.8 then means: right four times of
five, for reports like those.
"""

import math
from bisect import bisect_right
from collections.abc import Mapping
from typing import Final

from aduan_routing.classify.reference import AREA_OFFICE, Calibration, Reference

_HIGHEST: Final = 40.0  # e**40 is past every doubt and far from an overflow


def with_hint(
    scores: Mapping[str, float], category: str | None, reference: Reference
) -> dict[str, float]:
    """Return category -> score with the citizen's choice added; an unknown choice adds nothing."""
    found = dict(scores)
    if category is not None and category in reference.categories:
        found[category] = found.get(category, 0.0) + reference.words.calibration.hint_category
    return found


def shares(
    scores: Mapping[str, float], opd_hint: str | None, reference: Reference
) -> dict[str, float]:
    """Return office -> raw share 0..1 for every office that something speaks for.

    The sum stays below 1. Units of an area count together as AREA_OFFICE.
    """
    sums: dict[str, float] = {}
    for category, score in scores.items():
        office = reference.categories[category].office
        sums[office] = sums.get(office, 0.0) + score
    hinted = reference.offices.get(opd_hint or "")
    if hinted is not None:
        office = AREA_OFFICE if hinted.level == "kecamatan" else hinted.code
        sums[office] = sums.get(office, 0.0) + reference.words.calibration.hint_office
    weights = {
        office: math.exp(min(total, _HIGHEST)) for office, total in sums.items() if total > 0
    }
    whole = sum(weights.values()) + math.exp(reference.words.calibration.background)
    return {office: weight / whole for office, weight in weights.items()}


def measured(share: float, calibration: Calibration) -> float:
    """Read the share of right answers off the measured table, straight between its points."""
    points = calibration.measured
    after = bisect_right(points, (share, math.inf))
    if after == len(points):
        return points[-1][1]
    (x0, y0), (x1, y1) = points[after - 1], points[after]
    return y0 + (y1 - y0) * (share - x0) / (x1 - x0)


def best_category(
    scores: Mapping[str, float], office: str | None, reference: Reference
) -> str | None:
    """Return the category of an office with the most evidence; ties go by code, None without."""
    mine = [
        code
        for code, score in scores.items()
        if score > 0 and reference.categories[code].office == office
    ]
    return max(mine, key=lambda code: (scores[code], code), default=None)
