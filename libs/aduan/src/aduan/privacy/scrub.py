"""Masks phone numbers, NIK and KK numbers, e-mail addresses and given names in free text.

Duty: UU 27/2022 and Perpres 76/2013 (identity is secret). In doubt a number is masked, unless it
reads as a date, a time, a year or an amount of money. Known gaps: a number in words, and the names
of third persons, which only a reader can recognise.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from aduan.privacy.names import pattern_of, words_of

_GAP: Final = r"[\s._\-\u2010-\u2015()/\u200b]"
# Before the phones: sixteen digits would read as one of those as well.
_NIK: Final = re.compile(rf"(?<!\d)\d(?:{_GAP}?\d){{15}}(?!\d)")
_PHONE: Final = re.compile(
    rf"""(?<!\d)
    (?: \+{_GAP}*\d{{1,3}} (?:{_GAP}{{0,3}}\d){{7,12}}          # international, any country
      | \(?(?:(?:00)?62|0){_GAP}{{0,3}}8(?:{_GAP}{{0,3}}\d){{7,12}}       # mobile
      | (?<!\d[.,])8[1-9](?:{_GAP}?\d){{8,10}}                 # mobile without its zero
      | \(?0(?:2[1-9]|[3-7]\d\d?|9\d\d?)\)?(?:{_GAP}{{0,3}}\d){{6,8}}   # fixed line, area code
    )(?!\d)""",
    re.VERBOSE,
)
_EMAIL: Final = re.compile(
    r"(?<![\w.+-])[\w.+%-]+\s?(?:@|\[at\]|\(at\))\s?[\w-]+(?:\.[\w-]+)+", re.IGNORECASE
)
_FOREIGN_DIGIT: Final = re.compile(r"(?![0-9])\d")
_MONEY_BEFORE: Final = re.compile(r"rp\.?\s*$", re.IGNORECASE)
_MONEY_AFTER: Final = re.compile(r"\s*,?-?\s*(?:rupiah|rp)\b", re.IGNORECASE)
_THOUSANDS: Final = re.compile(r"\d{3}(?:\.\d{3})+")
# A point in Indonesia: 5 to 11 degrees of latitude, 95 to 141 of longitude.
_DEGREES: Final = re.compile(r"(?<![\d.])(?:-?[5-9]|-?1[01]|9[5-9]|1[0-4]\d)[.,]$")
_DATE: Final = re.compile(r"0?8([-/.])(?:0?[1-9]|1[0-2])\1(?:19|20)\d\d(?!\d)")
_YEARS: Final = re.compile(r"(?:19|20)\d\d(?:\D(?:19|20)\d\d){3}")
_TIMES: Final = re.compile(r"[0-2]\d[.:][0-5]\d(?:[\s\-\u2013]{1,3}[0-2]\d[.:][0-5]\d)+(?!\d)")
_DIGITS: Final = "0123456789"

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
    """Return `text` with numbers, addresses and the given names masked. Twice changes nothing.

    names: as the reporter gave them; the whole name and each of its words is masked wherever it
    stands as a word, in any case, titles excepted (see aduan.privacy.names).
    """
    return Scrubber(names)(text)


class Scrubber:
    """Scrubs several texts of one reporter; the names are taken apart once."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        """names: see scrub."""
        self._words = words_of(names)

    def __call__(self, text: str) -> Scrubbed:
        """See scrub."""
        return _scrubbed(text, self._words)


def _scrubbed(text: str, words: Sequence[str]) -> Scrubbed:
    counts: dict[str, int] = {}
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
        text = _FOREIGN_DIGIT.sub(lambda found: str(unicodedata.digit(found.group())), text)
    digits = sum(map(text.count, _DIGITS))
    if "@" in text or "at)" in text or "at]" in text or "AT)" in text or "AT]" in text:
        text = _masked(_EMAIL, "email", text, counts)
    if digits >= 16:
        text = _masked(_NIK, "nik", text, counts, spared=_clock_or_years)
    if digits >= 8:
        text = _masked(_PHONE, "phone", text, counts, spared=_amount_or_date)
    pattern = pattern_of(text, words)
    if pattern is not None:
        text = _masked(pattern, "name", text, counts)
    return Scrubbed(text, counts)


Spared = Callable[[re.Match[str]], bool]


def _masked(
    pattern: re.Pattern[str],
    kind: str,
    text: str,
    counts: dict[str, int],
    *,
    spared: Spared | None = None,
) -> str:
    def mask(found: re.Match[str]) -> str:
        if spared is not None and spared(found):
            return found.group()
        counts[kind] = counts.get(kind, 0) + 1
        return LABELS[kind]

    return pattern.sub(mask, text)


def _clock_or_years(found: re.Match[str]) -> bool:
    shape = found.group()
    return bool(_YEARS.fullmatch(shape) or _TIMES.fullmatch(shape))


def _amount_or_date(found: re.Match[str]) -> bool:
    text, start = found.string, found.start()
    if start > 1 and text[start - 2].isdigit() and text[start - 1] in ".,":
        shape = found.group()
        if _THOUSANDS.fullmatch(shape):
            return True
        if shape.isdigit() and _DEGREES.search(text, max(0, start - 6), start):
            return True
    return bool(
        _MONEY_BEFORE.search(text, max(0, start - 6), start)
        or _MONEY_AFTER.match(text, found.end())
        or _DATE.match(text, start)
        or _TIMES.match(text, start)
    )
