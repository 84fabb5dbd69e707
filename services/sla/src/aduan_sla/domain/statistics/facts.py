"""What statistics keep of a case: facts that merge.

`merge` is commutative, associative and idempotent, so any order, any repeat and any delay of the
events lead to the same facts, whoever read which part of them. Nothing waits for an event before it:
a routing event shows the whole case and sla.scheduled all clocks, so of each stream the highest
`seq` says everything; what is more than the latest view (the first answer, the last one) is a
minimum or a maximum of its own.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from typing import Final, TypeVar

from pydantic import TypeAdapter

from aduan.contracts.values import State
from aduan.storage.port import Body, Collection, Index


@dataclass(frozen=True, slots=True)
class Opened:
    """What complaint.created said. oversight, category, area: hints, until routing has spoken."""

    received_at: datetime
    oversight: bool = False
    category: str | None = None
    area: str | None = None
    test: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """The case as routing showed it at `seq`."""

    seq: int
    state: State
    oversight: bool = False
    opd: str | None = None
    category: str | None = None
    area: str | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """An entry into `answered`, at its `seq` in routing's stream; of a partner, when it answered."""

    seq: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Decided:
    """A clock whose deadline was kept (at: when it was met) or missed (at: the due date)."""

    clock: str
    in_time: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class Clocks:
    """All decided clocks as sla told them at `seq`."""

    seq: int
    decided: tuple[Decided, ...] = ()


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """Everything that is counted of one case. An absent part was not heard of yet.

    responded_at: the first moment at which an office was at work on it, answered it, or promised.
    """

    tenant: str
    opened: Opened | None = None
    shown: Shown | None = None
    responded_at: datetime | None = None
    answered: Answered | None = None
    clocks: Clocks | None = None

    @property
    def counts(self) -> bool:
        """Whether the case is counted: its complaint is known, and no trial of a portal."""
        return self.opened is not None and not self.opened.test


S = TypeVar("S", Shown, Answered, Clocks)


def merge(one: CaseFacts, other: CaseFacts) -> CaseFacts:
    """Return what both know together."""
    return CaseFacts(
        tenant=one.tenant,
        opened=one.opened or other.opened,
        shown=_later(one.shown, other.shown),
        responded_at=_first(one.responded_at, other.responded_at),
        answered=_later(one.answered, other.answered),
        clocks=_later(one.clocks, other.clocks),
    )


def learn(known: CaseFacts | None, *news: CaseFacts) -> CaseFacts:
    """Return the facts after some more were heard, in whatever order. news: at least one."""
    first, *rest = news if known is None else (known, *news)
    return reduce(merge, rest, first)


def _later(one: S | None, other: S | None) -> S | None:
    if one is None or other is None:
        return one or other
    return one if one.seq >= other.seq else other


def _first(one: datetime | None, other: datetime | None) -> datetime | None:
    if one is None or other is None:
        return one or other
    return min(one, other)


_FORM: Final = TypeAdapter(CaseFacts)


def dump(facts: CaseFacts) -> bytes:
    """Return the facts as JSON text; `parse` reads it."""
    return _FORM.dump_json(facts, exclude_defaults=True)


def parse(text: bytes) -> CaseFacts:
    """Read what `dump` wrote. Raises ValueError for anything else."""
    return _FORM.validate_json(text)


def as_body(facts: CaseFacts) -> Body:
    """Return the facts as a JSON document; `of_body` reads it."""
    found: Body = _FORM.dump_python(facts, mode="json", exclude_defaults=True)
    return found


def of_body(body: Body) -> CaseFacts:
    """Read what `as_body` wrote. Raises ValueError for anything else."""
    return _FORM.validate_python(body)


FACTS: Final = Collection(name="facts", indexes=(Index("partition", ("partition",)),))
