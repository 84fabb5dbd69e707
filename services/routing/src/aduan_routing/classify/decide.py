"""Which office a new complaint is for, by rules over a weighted lexicon.

The order of evidence is fixed: conduct of the administration (oversight), danger (a hint to call),
another body's matter, the office by text, the unit by area. Nothing about the reporter can be
passed in: the matter is looked at, not the person. A kelurahan is never guessed from the text.
"""

from collections.abc import Mapping
from typing import Final

from aduan.contracts.values import ReportClass
from aduan_routing.classify.decision import Decision, Report
from aduan_routing.classify.lexicon import Evidence, Lexicon
from aduan_routing.classify.place import Gazetteer, Place
from aduan_routing.classify.reference import AREA_OFFICE, Reference
from aduan_routing.classify.scoring import best_category, measured, shares, with_hint

_OVERSIGHT: Final[ReportClass] = "pengaduan_berkadar_pengawasan"
_COMPLAINT: Final[ReportClass] = "pengaduan_tidak_berkadar_pengawasan"
_SUGGESTIONS: Final = 3
_LOWEST_SHOWN: Final = 0.05  # below this a suggestion is noise on an officer's screen

_Reasons = list[tuple[str, str]]


class Classifier:
    """Built once from a tenant's reference; `decide` is pure: same report, same decision."""

    def __init__(self, reference: Reference) -> None:
        self._reference = reference
        self._lexicon = Lexicon(reference)
        self._gazetteer = Gazetteer(reference)
        self._conduct = next(
            (
                category.code
                for category in reference.categories.values()
                if category.office == reference.tenant.oversight
            ),
            None,
        )

    def decide(self, report: Report) -> Decision:
        """Choose office, category and class of one report and say why. Never raises."""
        reference = self._reference
        text = f"{report.title}. {report.text}" if report.title else report.text
        evidence = self._lexicon.read(text)
        reasons: _Reasons = []
        if self._is_oversight(report, evidence, reasons):
            return self._for_oversight(report, evidence, reasons)
        place = self._place(report)
        scores = with_hint(evidence.scores, report.category_hint, reference)
        raw = shares(scores, report.opd_hint, reference)
        best = max(raw, key=lambda office: (raw[office], office), default=None)
        category = best_category(scores, best, reference)
        _note_emergency(evidence, reasons)
        matter = evidence.matter
        if matter is not None:
            reasons.append(("jurisdiction", f"{matter.body}: {', '.join(evidence.matter_words)}"))
        ceiling = self._ceiling(report, evidence, text, category, reasons)
        if category is not None and category in evidence.words:
            reasons.append(("words", ", ".join(evidence.words[category])))
        if best == AREA_OFFICE or place.how in ("area_by_point", "area_ambiguous"):
            reasons.append((place.how, self._place_words(place)))
        opd = best
        if best == AREA_OFFICE:
            opd = self._unit(place)
        if matter is not None:
            opd = None
        ranked = self._rank(raw, place, ceiling)
        return Decision(
            opd=opd,
            category=category,
            class_suggested=self._class(report, evidence, category),
            confidence=0.0 if opd is None else dict(ranked).get(opd, 0.0),
            method="area" if best == AREA_OFFICE and opd is not None else "rule",
            reasons=tuple(reasons),
            suggestions=tuple(ranked[:_SUGGESTIONS]),
            oversight=False,
            emergency=bool(evidence.emergency),
            partner=None if matter is None else matter.partner,
            area=place.area,
        )

    def _for_oversight(self, report: Report, evidence: Evidence, reasons: _Reasons) -> Decision:
        """Name nobody but the inspectorate: the desk complained about must not get it."""
        _note_emergency(evidence, reasons)
        inspectorate = self._reference.tenant.oversight
        return Decision(
            opd=None,
            category=self._conduct,
            class_suggested=_OVERSIGHT,
            confidence=0.0,
            method="rule",
            reasons=tuple(reasons),
            suggestions=((inspectorate, self._reference.words.calibration.unsure_ceiling),),
            oversight=True,
            emergency=bool(evidence.emergency),
            partner=None,
            area=self._place(report).area,
        )

    def _is_oversight(self, report: Report, evidence: Evidence, reasons: _Reasons) -> bool:
        said = (report.class_hint, self._reference.class_of_word(report.citizen_word))
        chosen = self._reference.categories.get(report.category_hint or "")
        if _OVERSIGHT in said or (chosen is not None and chosen.report_class == _OVERSIGHT):
            reasons.append(("oversight", "dinyatakan dalam laporan"))
            return True
        if evidence.oversight:
            reasons.append(("oversight", ", ".join(evidence.oversight)))
            return True
        return False

    def _ceiling(
        self,
        report: Report,
        evidence: Evidence,
        text: str,
        category: str | None,
        reasons: _Reasons,
    ) -> float:
        """Return the most that may be believed, and note why it is held back."""
        calibration = self._reference.words.calibration
        held = len(reasons)
        if len(text.strip()) < calibration.short_characters:
            reasons.append(("short_text", "laporan terlalu pendek"))
        if not evidence.words:
            # A hint alone is a wish: nothing in the text bears it out.
            reasons.append(("no_evidence", "tidak ada kata yang dikenali"))
        if evidence.road is not None and category in self._reference.road_topics:
            reasons.append(("road_owner_unsure", evidence.road.owner))
        ceiling = 1.0 if len(reasons) == held else calibration.unsure_ceiling
        if report.opd_hint in self._reference.offices:
            reasons.append(("opd_hint", str(report.opd_hint)))
        if report.category_hint in self._reference.categories:
            reasons.append(("category_hint", str(report.category_hint)))
        return ceiling

    def _rank(
        self, raw: Mapping[str, float], place: Place, ceiling: float
    ) -> list[tuple[str, float]]:
        """Return (office, confidence), best first; an area without a unit is left out."""
        calibration = self._reference.words.calibration
        ranked: list[tuple[str, float]] = []
        for office, share in sorted(raw.items(), key=lambda row: (-row[1], row[0])):
            believed = min(measured(share, calibration), ceiling)
            unit: str | None = office
            if office == AREA_OFFICE:
                unit = self._unit(place)
                if unit is None and place.suggested in self._reference.offices:
                    unit = place.suggested
                    believed = min(believed, calibration.unsure_ceiling)
            if unit is not None and believed >= _LOWEST_SHOWN:
                ranked.append((unit, round(believed, 3)))
        # Stable: offices that a ceiling made equal keep the order of their evidence.
        return sorted(ranked, key=lambda row: -row[1])

    def _place(self, report: Report) -> Place:
        place = self._gazetteer.find(report.area_code, report.place_text, report.lat, report.lng)
        hinted = self._reference.offices.get(report.opd_hint or "")
        if place.how == "area_unknown" and hinted is not None and hinted.level == "kecamatan":
            return Place(suggested=hinted.code)
        return place

    def _unit(self, place: Place) -> str | None:
        if place.area is None:
            return None
        kecamatan = self._reference.kecamatan_of(place.area)
        return kecamatan if kecamatan in self._reference.offices else None

    def _class(self, report: Report, evidence: Evidence, category: str | None) -> ReportClass:
        said = self._reference.class_of_word(report.citizen_word) or report.class_hint
        if said is not None:
            return said
        if evidence.cued is not None:
            return evidence.cued
        return _COMPLAINT if category is None else self._reference.categories[category].report_class

    def _place_words(self, place: Place) -> str:
        codes = place.ambiguous or tuple(c for c in (place.area, place.suggested) if c)
        return ", ".join(f"{self._reference.areas[code].name} ({code})" for code in codes)


def _note_emergency(evidence: Evidence, reasons: _Reasons) -> None:
    if evidence.emergency:
        reasons.append(("emergency", ", ".join(evidence.emergency)))
