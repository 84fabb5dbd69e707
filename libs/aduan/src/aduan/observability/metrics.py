"""Metrics with closed lists: every series and every label value is known before anything runs.

A service declares its own in one class (`metrics.py`), on the registry that bootstrap passes; there
is no global. A label value outside its list raises, so an id or a name can never become a series.
"""

from collections.abc import Mapping, Sequence
from itertools import product

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

Labels = Mapping[str, Sequence[str]]


class UnknownLabel(ValueError):
    """A label, or a label's value, is not in the closed list of its series."""


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


class Tally:
    """A counter; all its series exist at zero from the start, so a rate is right from the first."""

    def __init__(
        self, name: str, words: str, registry: CollectorRegistry, labels: Labels | None = None
    ) -> None:
        """name: without `_total`; labels: name -> every value it may have."""
        self._closed = _Closed(labels or {})
        self._series = Counter(name, words, list(labels or {}), registry=registry)
        # Looked up once: the library's own look-up takes longer than counting.
        self._by_values = {
            values: self._series.labels(*values) if values else self._series
            for values in self._closed.all()
        }

    def add(self, amount: float = 1, **labels: str) -> None:
        """Count. Raises UnknownLabel."""
        self._by_values[self._closed.values(labels)].inc(amount)


class Level:
    """A gauge: how much there is now."""

    def __init__(
        self, name: str, words: str, registry: CollectorRegistry, labels: Labels | None = None
    ) -> None:
        """labels: name -> every value it may have."""
        self._closed = _Closed(labels or {})
        self._series = Gauge(name, words, list(labels or {}), registry=registry)

    def set(self, value: float, **labels: str) -> None:
        """Tell the present amount. Raises UnknownLabel."""
        values = self._closed.values(labels)
        (self._series.labels(*values) if values else self._series).set(value)


class Timing:
    """A histogram of seconds. buckets: upper bounds in seconds, ascending."""

    def __init__(
        self,
        name: str,
        words: str,
        registry: CollectorRegistry,
        buckets: Sequence[float],
        labels: Labels | None = None,
    ) -> None:
        """name: ends with `_seconds`; labels: name -> every value it may have."""
        self._closed = _Closed(labels or {})
        self._series = Histogram(
            name, words, list(labels or {}), buckets=tuple(buckets), registry=registry
        )

    def observe(self, seconds: float, **labels: str) -> None:
        """Record one duration. Raises UnknownLabel."""
        values = self._closed.values(labels)
        (self._series.labels(*values) if values else self._series).observe(seconds)


def exported(registry: CollectorRegistry) -> dict[str, str]:
    """Return name -> kind of everything on a registry; tests compare it with boards and alerts."""
    return {family.name: family.type for family in registry.collect()}
