"""A tenant's words, compiled once, and what one text shows of them.

Terms of all kinds (offices, oversight, emergency, other bodies, class cues) go into one finder, so
that a text is read once however many questions are asked about it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from aduan.contracts.values import ReportClass
from aduan_routing.classify.reference import Condition, Matter, Reference, Road
from aduan_routing.classify.terms import Finder, parts_of
from aduan_routing.classify.words import Speller

_REASONS_SHOWN: Final = 4


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a text shows. scores: category -> summed weight; words: category -> terms found.

    oversight, emergency: the words that raised the flag, empty when none did.
    """

    scores: Mapping[str, float]
    words: Mapping[str, tuple[str, ...]]
    oversight: tuple[str, ...]
    emergency: tuple[str, ...]
    matter: Matter | None
    matter_words: tuple[str, ...]
    road: Road | None
    cued: ReportClass | None


class _Question:
    """A condition over term numbers: some of any, none of unless."""

    def __init__(self, any_of: Iterable[int], unless: Iterable[int]) -> None:
        self.any = frozenset(any_of)
        self.unless = frozenset(unless)

    def answer(self, found: frozenset[int]) -> frozenset[int]:
        hits = self.any & found
        return frozenset() if self.unless & found else hits


class Lexicon:
    """Compiled from reference data; `read` is pure and safe to share."""

    def __init__(self, reference: Reference) -> None:
        words = reference.words
        self._numbers: dict[str, int] = {}
        self._weights: list[list[tuple[str, float]]] = []
        for term in words.terms:
            self._weights[self._number(term.words)].append((term.category, term.weight))
        self._oversight = self._question(words.oversight)
        self._emergency = self._question(words.emergency)
        self._matters = [(matter, self._question(matter.when)) for matter in reference.matters]
        self._roads = [
            (road, _Question((self._number(name) for name in road.names), ()))
            for road in reference.roads
        ]
        self._cues = [
            (name, _Question((self._number(cue) for cue in cues), ()))
            for name, cues in words.class_cues.items()
        ]
        self._others = frozenset[int]().union(
            *(
                question.any
                for question in (
                    self._oversight,
                    self._emergency,
                    *(question for _, question in self._matters),
                    *(question for _, question in self._roads),
                    *(question for _, question in self._cues),
                )
            )
        )
        self._terms = tuple(self._numbers)
        vocabulary = {word for term in self._terms for part in parts_of(term) for word in part}
        self._speller = Speller(vocabulary, words.same, words.ignored)
        self._finder = Finder(
            [
                tuple(tuple(self._speller.spell(" ".join(part))) for part in parts_of(term))
                for term in self._terms
            ]
        )

    def _number(self, term: str) -> int:
        if term not in self._numbers:
            self._numbers[term] = len(self._numbers)
            self._weights.append([])
        return self._numbers[term]

    def _question(self, condition: Condition) -> _Question:
        return _Question(
            [self._number(term) for term in condition.any],
            [self._number(term) for term in condition.unless],
        )

    def read(self, text: str) -> Evidence:
        """Return what the text shows; any text, also an empty one, is fine."""
        numbers = self._finder.find(self._speller.spell(text))
        scores: dict[str, float] = {}
        shown: dict[str, list[tuple[float, str]]] = {}
        for number in numbers:
            for category, weight in self._weights[number]:
                scores[category] = scores.get(category, 0.0) + weight
                if weight > 0:
                    shown.setdefault(category, []).append((-weight, self._terms[number]))
        found = frozenset(numbers)
        asked = not self._others.isdisjoint(found)
        matter, why = self._first_matter(found) if asked else (None, frozenset[int]())
        return Evidence(
            scores=scores,
            words={
                category: tuple(term for _, term in sorted(terms)[:_REASONS_SHOWN])
                for category, terms in shown.items()
            },
            oversight=self._say(self._oversight.answer(found)) if asked else (),
            emergency=self._say(self._emergency.answer(found)) if asked else (),
            matter=matter,
            matter_words=self._say(why),
            road=next((road for road, asks in self._roads if asks.answer(found)), None)
            if asked
            else None,
            cued=next((name for name, asks in self._cues if asks.answer(found)), None)
            if asked
            else None,
        )

    def _first_matter(self, found: frozenset[int]) -> tuple[Matter | None, frozenset[int]]:
        for matter, question in self._matters:
            hits = question.answer(found)
            if hits:
                return matter, hits
        return None, frozenset()

    def _say(self, numbers: frozenset[int]) -> tuple[str, ...]:
        return tuple(sorted(self._terms[number] for number in numbers))[:_REASONS_SHOWN]
