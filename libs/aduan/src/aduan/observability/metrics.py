"""Metrics with closed lists: every series and every label value is known before anything runs.

A service declares its own in one class (`metrics.py`), on the registry that bootstrap passes; there
is no global. A label value outside its list raises, so an id or a name can never become a series.
What is declared can be read back (`declared`): docs/metrics.md, boards and alerts follow from it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

Labels = Mapping[str, Sequence[str]]
Kind = Literal["counter", "gauge", "histogram"]
Over = Literal["sum", "max", "min", "each"]


class UnknownLabel(ValueError):
    """A label, or a label's value, is not in the closed list of its series."""


@dataclass(frozen=True, slots=True)
class Series:
    """One series as it is declared.

    name: as Prometheus shows it (a counter ends with `_total`; a histogram is named without its
    suffixes). labels: name -> its values; empty where they come from the tenants' reference data.
    over: how replicas are put together. sum: each has a part. max, min: each says the same of a
    shared store or log, or the worst one counts. each: they mean nothing together.
    act: what to do when it is high.
    """

    name: str
    kind: Kind
    words: str
    labels: Mapping[str, tuple[str, ...]]
    over: Over
    act: str = ""

    @property
    def family(self) -> str:
        """Its name in the client library, which knows counters without `_total`."""
        return self.name.removesuffix("_total") if self.kind == "counter" else self.name


class _Closed:
    def __init__(self, labels: Labels) -> None:
        self._sets = {name: frozenset(values) for name, values in labels.items()}

    def values(self, given: Mapping[str, str]) -> tuple[str, ...]:
        if given.keys() != self._sets.keys():
            raise UnknownLabel(f"labels are {sorted(self._sets)}")
        for name, value in given.items():
            if value not in self._sets[name]:
                raise UnknownLabel(f"{name} has a value outside its list")
        return tuple([given[name] for name in self._sets])

    def all(self) -> list[tuple[str, ...]]:
        return list(product(*(sorted(values) for values in self._sets.values())))


def _told(labels: Labels | None) -> dict[str, tuple[str, ...]]:
    return {name: tuple(values) for name, values in (labels or {}).items()}


class Tally:
    """A counter; all its series exist at zero from the start, so a rate is right from the first."""

    def __init__(
        self,
        name: str,
        words: str,
        registry: CollectorRegistry,
        labels: Labels | None = None,
        *,
        act: str = "",
    ) -> None:
        """name: without `_total`; labels: name -> every value it may have. act: see Series."""
        self.series = Series(f"{name}_total", "counter", words, _told(labels), "sum", act)
        self._closed = _Closed(labels or {})
        self._counter = Counter(name, words, list(labels or {}), registry=registry)
        # Looked up once: the library's own look-up takes longer than counting.
        self._by_values = {
            values: self._counter.labels(*values) if values else self._counter
            for values in self._closed.all()
        }
        self._reached: dict[tuple[str, ...], float] = {}

    def add(self, amount: float = 1, **labels: str) -> None:
        """Count. Raises UnknownLabel."""
        self._by_values[self._closed.values(labels)].inc(amount)

    def reach(self, total: float, **labels: str) -> None:
        """Bring it up to a total that somebody counts by himself; it never goes back.

        Raises UnknownLabel.
        """
        values = self._closed.values(labels)
        more = total - self._reached.get(values, 0.0)
        if more > 0:
            self._by_values[values].inc(more)
            self._reached[values] = total

    def child(self, **labels: str) -> Callable[[], None]:
        """Return what counts one of one series, looked up once. Raises UnknownLabel."""
        return self._by_values[self._closed.values(labels)].inc


class Level:
    """A gauge: how much there is now. Absent until it is told, for a guess would be a lie."""

    def __init__(
        self,
        name: str,
        words: str,
        registry: CollectorRegistry,
        labels: Labels | None = None,
        *,
        over: Over = "max",
        act: str = "",
    ) -> None:
        """labels: name -> every value it may have. over, act: see Series."""
        self.series = Series(name, "gauge", words, _told(labels), over, act)
        self._closed = _Closed(labels or {})
        self._gauge = Gauge(name, words, list(labels or {}), registry=registry)

    def set(self, value: float, **labels: str) -> None:
        """Tell the present amount. Raises UnknownLabel."""
        values = self._closed.values(labels)
        (self._gauge.labels(*values) if values else self._gauge).set(value)


class Timing:
    """A histogram of seconds. buckets: upper bounds in seconds, ascending."""

    def __init__(
        self,
        name: str,
        words: str,
        registry: CollectorRegistry,
        buckets: Sequence[float],
        labels: Labels | None = None,
        *,
        act: str = "",
    ) -> None:
        """name: ends with `_seconds`; labels: name -> every value it may have. act: see Series."""
        self.series = Series(name, "histogram", words, _told(labels), "sum", act)
        self._closed = _Closed(labels or {})
        self._histogram = Histogram(
            name, words, list(labels or {}), buckets=tuple(buckets), registry=registry
        )

    def observe(self, seconds: float, **labels: str) -> None:
        """Record one duration. Raises UnknownLabel."""
        self.child(**labels)(seconds)

    def child(self, **labels: str) -> Callable[[float], None]:
        """Return what records a duration of one series, looked up once. Raises UnknownLabel."""
        values = self._closed.values(labels)
        return (self._histogram.labels(*values) if values else self._histogram).observe


def declared(metrics: object) -> tuple[Series, ...]:
    """Return every series of an object that declares some in its attributes, by name.

    A series that a library declares by itself stands in the attribute `from_library`.
    """
    own = [
        value.series
        for value in vars(metrics).values()
        if isinstance(value, Tally | Level | Timing)
    ]
    return tuple(sorted((*own, *getattr(metrics, "from_library", ())), key=lambda one: one.name))


def exported(registry: CollectorRegistry) -> dict[str, str]:
    """Return name -> kind of everything on a registry; tests compare it with boards and alerts."""
    return {family.name: family.type for family in registry.collect()}
