"""Which words of a text are the reporter's own name.

A short name may be an ordinary word: two letters count only with a capital ("Ai", not "ai").
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final

TITLES: Final = frozenset(
    """
    bapak ibu pak bu mas mbak kak haji hajah hj kh dr drs dra ir st sh se spd mm warga ketua pengurus
    paguyuban keluarga rt rw rukun kampung desa kelurahan kecamatan kota kabupaten semarang anonim
    nama nik telepon email
    """.split()
)
"""Words that people put into a name field and that name nobody; the labels are among them, so that
scrubbing twice changes nothing."""
_SHORTEST: Final = 3
_APOSTROPHES: Final = "['\u2019\u2018\u02bc`\u00b4]"


def pattern_of(text: str, words: Sequence[str]) -> re.Pattern[str] | None:
    """Return what finds the words, with the ending -nya; None where none of them occurs.

    words: of `words_of`. A pattern is built only where a word of the names occurs at all: each
    reporter has another name, and building is dear.
    """
    if not words:
        return None
    folded = text.casefold()
    present = [word for word in words if "'" in word or word.casefold() in folded]
    if not present:
        return None
    wanted = []
    for name in sorted(present, key=len, reverse=True):
        spelled = re.escape(name).replace("'", _APOSTROPHES)
        short = len(name) < _SHORTEST
        wanted.append(f"(?-i:{spelled.capitalize()}|{spelled.upper()})" if short else spelled)
    word = rf"(?:{'|'.join(wanted)})(?:nya)?(?!\w)"
    return re.compile(rf"(?<!\w){word}(?:\s+{word})*", re.IGNORECASE)  # a whole name is one


def words_of(names: Iterable[str]) -> Sequence[str]:
    """Return the words of names that name somebody: no titles, no single letters."""
    found: dict[str, None] = {}
    for name in names:
        plain = re.sub(_APOSTROPHES, "'", unicodedata.normalize("NFC", name))
        for part in re.split(r"[\s,;/()]+", plain):
            word = part.strip(".'\"-_")
            if len(word) >= 2 and word.replace(".", "").casefold() not in TITLES:
                found[word] = None
    return list(found)
