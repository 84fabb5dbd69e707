"""Finds the terms of a lexicon in a row of words, all of them in one pass.

A term is a word ("paving"), a phrase ("lampu jalan", in this order and next to each other once the
small words are dropped) or several of these joined by " + ", which must stand close together
("lampu + mati"). Phrases share one trie, so the cost depends on the text, not on the lexicon.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

NEAR: Final = 9
"""How many words apart the parts of a joined term may begin."""


def parts_of(term: str) -> tuple[tuple[str, ...], ...]:
    """Split a term into its phrases, each a tuple of words. An empty part stays empty."""
    return tuple(tuple(part.split()) for part in term.split(" + "))


@dataclass(slots=True)
class _Node:
    next: dict[str, "_Node"] = field(default_factory=dict)
    ends: int = -1  # the phrase that ends here


class Finder:
    """Compiled once from spelled terms; `find` returns the indexes of those that occur."""

    def __init__(self, terms: Sequence[tuple[tuple[str, ...], ...]]) -> None:
        self._roots: dict[str, _Node] = {}
        self._phrases: dict[tuple[str, ...], int] = {}
        self._single: list[list[int]] = []
        self._joined: list[tuple[int, tuple[int, ...]]] = []
        for index, parts in enumerate(terms):
            numbers = tuple(self._phrase(part) for part in parts)
            if len(numbers) == 1:
                self._single[numbers[0]].append(index)
            else:
                self._joined.append((index, numbers))
        self._starts: list[list[tuple[int, tuple[int, ...]]]] = [[] for _ in self._single]
        for index, numbers in self._joined:
            self._starts[numbers[0]].append((index, numbers[1:]))

    def _phrase(self, words: tuple[str, ...]) -> int:
        if words in self._phrases:
            return self._phrases[words]
        node = self._roots.setdefault(words[0], _Node())
        for word in words[1:]:
            node = node.next.setdefault(word, _Node())
        node.ends = self._phrases[words] = len(self._phrases)
        self._single.append([])
        return node.ends

    def find(self, words: Sequence[str]) -> list[int]:
        """Return the index of each term that occurs, once each, in the order of the text."""
        places: dict[int, list[int]] = {}
        roots = self._roots
        length = len(words)
        for start, word in enumerate(words):
            node = roots.get(word)
            at = start
            while node is not None:
                if node.ends >= 0:
                    places.setdefault(node.ends, []).append(start)
                at += 1
                if at == length or not node.next:
                    break
                node = node.next.get(words[at])
        found: list[int] = []
        for phrase, starts in places.items():
            found.extend(self._single[phrase])
            for index, others in self._starts[phrase]:
                if all(other in places for other in others) and _near(
                    starts, [places[other] for other in others]
                ):
                    found.append(index)
        return found


# Plain loops: this is asked for each pair of words that could belong together, of every report.
def _near(starts: Iterable[int], others: Sequence[Sequence[int]]) -> bool:
    for start in starts:
        for places in others:
            for place in places:
                if -NEAR <= place - start <= NEAR:
                    break
            else:
                break
        else:
            return True
    return False
