"""From a citizen's spelling to the words of the lexicon.

Reports are written on a phone, in mixed Indonesian and Javanese, with SMS spelling. Measured on a
real year of reports, full stemming gained nothing; what helps is to fold the handful of spellings
of the words that the lexicon knows. So an unknown word is reduced only when the result *is* a word
of the lexicon, and everything else stays a gap that no phrase may bridge.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Final

GAP: Final = ""
"""Stands for a word the lexicon does not know."""

_TOKEN: Final = re.compile(r"[a-z0-9]+")
_STRETCHED: Final = re.compile(r"([a-z])\1{2,}")
_MEMO_LIMIT: Final = 50_000  # distinct spellings kept; a flood of noise must not eat the memory
_SHORTEST_ROOT: Final = 3

# Longest first: "nya" must go before "a" could, and Javanese "ne" before "e".
_ENDINGS: Final = (
    "kannya",
    "annya",
    "inya",
    "nya",
    "kan",
    "lah",
    "kah",
    "pun",
    "an",
    "ne",
    "ku",
    "mu",
    "in",
    "i",
    "e",
)
# (prefix, letter that the nasal has swallowed: "memangkas" -> "pangkas")
_BEGINNINGS: Final = (
    ("meny", "s"),
    ("peny", "s"),
    ("meng", "k"),
    ("peng", "k"),
    ("meng", ""),
    ("peng", ""),
    ("mem", "p"),
    ("pem", "p"),
    ("mem", ""),
    ("pem", ""),
    ("men", "t"),
    ("pen", "t"),
    ("men", ""),
    ("pen", ""),
    ("ber", ""),
    ("ter", ""),
    ("per", ""),
    ("me", ""),
    ("pe", ""),
    ("di", ""),
    ("ke", ""),
    ("se", ""),
    ("be", ""),
    ("te", ""),
    ("ny", "s"),
    ("ng", "k"),
    ("ng", ""),
    ("m", "p"),
    ("m", ""),
    ("n", "t"),
    ("n", ""),
)


def tokens(text: str) -> list[str]:
    """Split into lower-case words of a-z and 0-9; accents are dropped."""
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text)
        text = "".join(letter for letter in text if not unicodedata.combining(letter))
    return _TOKEN.findall(text.lower())


class Speller:
    """Maps a word as written to the lexicon's word, "" for one it does not know, None to skip.

    vocabulary: the words that terms are made of. same: spelling -> word. ignored: words that stand
    between the others without meaning ("di", "yang").
    """

    def __init__(
        self, vocabulary: Iterable[str], same: Mapping[str, str], ignored: Iterable[str]
    ) -> None:
        self._known = {**{word: word for word in vocabulary}, **same}
        self._memo: dict[str, str | None] = {**self._known, **dict.fromkeys(ignored)}
        self._most = len(self._memo) + _MEMO_LIMIT

    def spell(self, text: str) -> list[str]:
        """Return the words of a text in order; a doubled word ("gorong-gorong") counts once."""
        memo = self._memo
        found: list[str] = []
        last: str | None = None
        for token in tokens(text):
            if token in memo:
                word = memo[token]
            else:
                word = self._reduce(token)
                if len(memo) < self._most:
                    memo[token] = word
            if word is None or (word == last and word):
                continue
            found.append(word)
            last = word
        return found

    def _reduce(self, token: str) -> str:
        if token.endswith("2") and token[:-1].isalpha():  # "gorong2", the written plural
            token = token[:-1]
        known = self._known
        token = _STRETCHED.sub(r"\1", token)  # "padammm"; "pppk" is a word and never gets here
        stems = [token]
        stems.extend(
            token[: -len(ending)]
            for ending in _ENDINGS
            if token.endswith(ending) and len(token) - len(ending) >= _SHORTEST_ROOT
        )
        for stem in stems:
            if stem in known:
                return known[stem]
        for stem in stems:
            for beginning, swallowed in _BEGINNINGS:
                if stem.startswith(beginning):
                    root = swallowed + stem[len(beginning) :]
                    if len(root) > _SHORTEST_ROOT and root in known:
                        return known[root]
        return GAP
