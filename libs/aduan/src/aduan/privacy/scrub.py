"""Masks phone numbers, NIK and KK numbers, e-mail addresses and given names in free text.

Duty: UU 27/2022 and Perpres 76/2013 (identity is secret). Known gaps: a number in words, and the
names of third persons, which only a reader can recognise.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_GAP: Final = r"[\s.\-\u2010-\u2015()/\u200b]"
# Before everything else: sixteen digits would also read as a phone number.
_NIK: Final = re.compile(rf"(?<!\d)\d(?:{_GAP}?\d){{15}}(?!\d)")
_PHONE: Final = re.compile(
    rf"""(?<![\w.+])
    (?: \+{_GAP}*\d{{1,3}} (?:{_GAP}{{0,2}}\d){{7,12}}          # international, any country
      | (?:62|0){_GAP}{{0,2}}8(?:{_GAP}{{0,2}}\d){{7,12}}       # mobile
      | 8[1-9](?:{_GAP}?\d){{8,10}}                             # mobile without its zero
      | \(?0(?:2[1-9]|[3-7]\d\d?|9\d\d?)\)?(?:{_GAP}{{0,2}}\d){{6,8}}   # fixed line with area code
    )(?!\d)""",
    re.VERBOSE,
)
_EMAIL: Final = re.compile(
    r"(?<![\w.+-])[\w.+%-]+\s?(?:@|\[at\]|\(at\))\s?[\w-]+(?:\.[\w-]+)+", re.IGNORECASE
)
_MONEY: Final = re.compile(r"rp\.?\s*$", re.IGNORECASE)
_DIGITS: Final = re.compile(r"\d")
_TITLES: Final = frozenset(
    "bapak ibu pak bu mas mbak haji hajah hj dr drs ir st sh se warga ketua paguyuban keluarga"
    " rt rw rukun kampung desa kelurahan kecamatan kota semarang anonim".split()
)
_SHORTEST_NAME: Final = 3

LABELS: Final = {
    "nik": "[NIK]",
    "phone": "[TELEPON]",
    "email": "[EMAIL]",
    "name": "[NAMA]",
}


@dataclass(frozen=True, slots=True)
class Scrubbed:
    """The text without what identifies, and how many things of each kind were masked."""

    text: str
    counts: dict[str, int]


def scrub(text: str, names: Iterable[str] = ()) -> Scrubbed:
    """Return `text` with numbers, addresses and the given names masked. Doing it twice changes nothing.

    names: as the reporter gave them; the whole name and each of its words of three letters or more
    are masked wherever they stand as words, in any case, titles excepted.
    """
    counts: dict[str, int] = {}
    digits = sum(1 for _ in _DIGITS.finditer(text))
    if "@" in text or "at" in text:
        text = _masked(_EMAIL, "email", text, counts)
    if digits >= 16:
        text = _masked(_NIK, "nik", text, counts)
    if digits >= 8:
        text = _masked(_PHONE, "phone", text, counts)
    pattern = _names(tuple(names))
    if pattern is not None:
        text = _masked(pattern, "name", text, counts)
    return Scrubbed(text, counts)


def _masked(pattern: re.Pattern[str], kind: str, text: str, counts: dict[str, int]) -> str:
    def mask(found: re.Match[str]) -> str:
        if kind == "phone" and _MONEY.search(text, max(0, found.start() - 6), found.start()):
            return found.group()
        counts[kind] = counts.get(kind, 0) + 1
        return LABELS[kind]

    return pattern.sub(mask, text)


@lru_cache(maxsize=256)
def _names(names: tuple[str, ...]) -> re.Pattern[str] | None:
    wanted: dict[str, None] = {}
    for name in names:
        words = [word for word in re.split(r"[\s,]+", name.strip()) if word]
        if len(words) > 1:
            wanted[r"\s+".join(re.escape(word) for word in words)] = None
        for word in words:
            bare = word.strip(".'\"")
            if len(bare) >= _SHORTEST_NAME and bare.casefold() not in _TITLES:
                wanted[re.escape(bare)] = None
    if not wanted:
        return None
    longest_first = sorted(wanted, key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(longest_first)})(?:nya)?(?!\w)", re.IGNORECASE)
