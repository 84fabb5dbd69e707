"""Which unit of the city a place belongs to.

A code decides; a kelurahan or kecamatan that the citizen named in the place field decides where the
name is unambiguous; a point without geometry only suggests the nearest kecamatan. The report's own
text is never asked: it names places one passes, works or was born in.
"""

from dataclasses import dataclass
from typing import Final, Literal

from aduan_routing.classify.reference import Area, Reference
from aduan_routing.classify.words import tokens

_KELURAHAN: Final = frozenset({"kelurahan", "kel", "klurahan", "lurah"})
_KECAMATAN: Final = frozenset({"kecamatan", "kec"})
# A name after one of these is a street, a station or a market, not a kelurahan.
_NOT_A_PLACE: Final = frozenset(
    {"jl", "jln", "jalan", "gang", "gg", "perum", "perumahan", "pasar", "stasiun", "terminal"}
    | {"kampung", "kp", "masjid", "gereja", "hotel", "toko", "taman", "jembatan", "pt", "raya"}
)


@dataclass(frozen=True, slots=True)
class Place:
    """area: the code that was decided; suggested: the kecamatan nearest to a point.

    how: the reason code; ambiguous: the codes a bare name could mean.
    """

    area: str | None = None
    suggested: str | None = None
    how: Literal["area_code", "area_named", "area_by_point", "area_ambiguous", "area_unknown"] = (
        "area_unknown"
    )
    ambiguous: tuple[str, ...] = ()


class Gazetteer:
    """The names of one tenant's areas, compiled once."""

    def __init__(self, reference: Reference) -> None:
        self._reference = reference
        self._names: dict[tuple[str, ...], list[Area]] = {}
        self._centres: list[tuple[float, float, str]] = []
        for area in reference.areas.values():
            if area.level == "kota":
                continue
            self._names.setdefault(tuple(tokens(area.name)), []).append(area)
            if area.lat is not None and area.lng is not None:
                self._centres.append((area.lat, area.lng, area.code))
        self._longest = max(map(len, self._names), default=0)

    def find(
        self, area_code: str | None, text: str | None, lat: float | None, lng: float | None
    ) -> Place:
        """Decide or suggest a unit; a code of another city counts as unknown."""
        if area_code is not None and self._reference.kecamatan_of(area_code) is not None:
            return Place(area=area_code, how="area_code")
        if text:
            named = self._named(text)
            if named is not None:
                return named
        box = self._reference.tenant.box
        if lat is not None and lng is not None and self._centres and box.holds(lat, lng):
            nearest = min(self._centres, key=lambda at: (at[0] - lat) ** 2 + (at[1] - lng) ** 2)
            return Place(suggested=nearest[2], how="area_by_point")
        return Place()

    def _named(self, text: str) -> Place | None:
        mentions = self._mentions(tokens(text))
        if not mentions:
            return None
        kecamatan = {area.code for areas in mentions for area in areas if area.level == "kecamatan"}
        # "Purwosari, Mijen": the named kecamatan tells the homonyms apart.
        narrowed = [
            [area for area in areas if area.code in kecamatan or area.parent in kecamatan] or areas
            if kecamatan
            else areas
            for areas in mentions
        ]
        homes = {self._home(area) for areas in narrowed for area in areas}
        codes = {area.code for areas in narrowed for area in areas}
        if len(homes) != 1:
            return Place(how="area_ambiguous", ambiguous=tuple(sorted(codes)))
        kelurahan = {code for code in codes if code not in homes}
        # A name that kelurahan and kecamatan share says no more than the kecamatan.
        exact = len(kelurahan) == 1 and (len(codes) == 1 or len(mentions) > 1)
        return Place(area=kelurahan.pop() if exact else homes.pop(), how="area_named")

    def _home(self, area: Area) -> str:
        return area.code if area.level == "kecamatan" else area.parent

    def _mentions(self, words: list[str]) -> list[list[Area]]:
        found: list[list[Area]] = []
        at = 0
        while at < len(words):
            for length in range(min(self._longest, len(words) - at), 0, -1):
                areas = self._names.get(tuple(words[at : at + length]))
                if areas is None:
                    continue
                before = words[at - 1] if at else ""
                if before in _KELURAHAN:
                    areas = [area for area in areas if area.level == "kelurahan"] or areas
                elif before in _KECAMATAN:
                    areas = [area for area in areas if area.level == "kecamatan"]
                if areas and before not in _NOT_A_PLACE:
                    found.append(areas)
                at += length - 1
                break
            at += 1
        return found
