"""Reads lexicon.toml: the words, what they weigh, and how evidence becomes a confidence."""

from typing import cast, get_args

from aduan.contracts.values import ReportClass
from aduan_routing.classify.fields import Fields
from aduan_routing.classify.reference import (
    Calibration,
    Category,
    Condition,
    Term,
    Words,
    frozen,
)
from aduan_routing.classify.terms import parts_of

_HEAVIEST = 10.0


def words_from(file: Fields, categories: dict[str, Category]) -> Words:
    """Build the lexicon. Raises BadReference for an unknown category or grade, or a bad term."""
    ignored = frozenset(file.table("ignored").texts("words"))
    return Words(
        terms=_terms(file, categories, ignored),
        same=frozen(_same(file.table("same"))),
        ignored=ignored,
        oversight=condition(file.table("oversight"), ignored),
        emergency=condition(file.table("emergency"), ignored),
        class_cues=frozen(_class_cues(file.table("class_cues"), ignored)),
        calibration=_calibration(file.table("calibration")),
    )


def _terms(
    file: Fields, categories: dict[str, Category], ignored: frozenset[str]
) -> tuple[Term, ...]:
    grades = file.table("grades")
    weights = {grade: grades.number(grade, -_HEAVIEST, _HEAVIEST) for grade in grades.names()}
    by_category = file.table("terms")
    terms: list[Term] = []
    for category in by_category.names():
        table = by_category.table(category)
        if category not in categories:
            raise by_category.bad(category, "is a category that categories.csv does not know")
        for grade in table.names():
            if grade not in weights:
                raise table.bad(grade, "is a grade that [grades] does not know")
            terms.extend(
                Term(words=words, category=category, weight=weights[grade])
                for words in expressions(table, grade, ignored)
            )
    return tuple(terms)


def expressions(table: Fields, field: str, ignored: frozenset[str]) -> tuple[str, ...]:
    """Return the terms of a field; one that only consists of skipped words is refused."""
    found = table.texts(field)
    for term in found:
        for part in parts_of(term):
            if not [word for word in part if word not in ignored]:
                raise table.bad(field, f"holds '{term}', of which a part is empty or ignored")
            if not all(word.isascii() and word.isalnum() and word == word.lower() for word in part):
                raise table.bad(field, f"holds '{term}': only a-z, 0-9, spaces and ' + ' work")
    return found


def _same(table: Fields) -> dict[str, str]:
    same: dict[str, str] = {}
    for word in table.names():
        for spelling in table.texts(word):
            if same.setdefault(spelling, word) != word:
                raise table.bad(word, f"claims '{spelling}', which {same[spelling]} has already")
    return same


def condition(table: Fields, ignored: frozenset[str]) -> Condition:
    """Return the condition of a table with `any` and, where there is one, `unless`."""
    unless = expressions(table, "unless", ignored) if "unless" in table.names() else ()
    return Condition(any=expressions(table, "any", ignored), unless=unless)


def _class_cues(table: Fields, ignored: frozenset[str]) -> dict[ReportClass, tuple[str, ...]]:
    cues: dict[ReportClass, tuple[str, ...]] = {}
    for name in table.names():
        if name not in get_args(ReportClass):
            raise table.bad(name, "is not a report class")
        cues[cast("ReportClass", name)] = expressions(table, name, ignored)
    return cues


def _calibration(table: Fields) -> Calibration:
    measured = table.points("measured")
    if measured != tuple(sorted(measured)) or measured[0][0] != 0 or measured[-1][0] != 1:
        raise table.bad("measured", "must rise from raw 0 to raw 1")
    return Calibration(
        background=table.number("background", -_HEAVIEST, _HEAVIEST),
        hint_office=table.number("hint_office", 0, _HEAVIEST),
        hint_category=table.number("hint_category", 0, _HEAVIEST),
        short_characters=int(table.number("short_characters", 0, 1000)),
        unsure_ceiling=table.number("unsure_ceiling", 0, 1),
        measured=measured,
    )
