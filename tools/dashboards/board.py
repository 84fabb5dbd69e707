"""What a dashboard is made of, in our words; `grafana` turns it into what Grafana reads.

An expression is PromQL. It may name `$tenant` and `$opd` (regular expressions of what the reader
chose), `$__rate_interval` and `$__range` (durations that Grafana fills in).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

Kind = Literal["number", "lines", "bars"]
Steps = tuple[tuple[float | None, str], ...]

# Colours by value: (from this value on, colour); the first has no lower bound.
CALM: Final[Steps] = ((None, "blue"),)
ANY_IS_BAD: Final[Steps] = ((None, "green"), (1, "red"))
ANY_IS_WORK: Final[Steps] = ((None, "green"), (1, "orange"))


@dataclass(frozen=True, slots=True)
class Query:
    """One expression. legend: Grafana's template of a series' name, such as `{{service}}`."""

    expr: str
    legend: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One picture.

    says: what it shows and what to do about it, for whoever sees it for the first time.
    width: of 24 columns. steps: colours of a number or a bar by value.
    names: how a series of that legend is called instead. nothing: what stands there when no series
    is left, where that is a good answer. height: in Grafana's rows; None: as its kind has it.
    """

    title: str
    says: str
    kind: Kind
    queries: tuple[Query, ...]
    unit: str
    width: int
    steps: Steps = CALM
    decimals: int | None = None
    nothing: str = ""
    height: int | None = None
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Row:
    """A headline and the panels below it."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Variable:
    """A choice above the panels. query: Grafana's `label_values(...)` that gives what there is."""

    name: str
    label: str
    query: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """One dashboard. slug: its file and its address; question: what it answers, in one sentence.

    since: how far back it looks when opened, such as `6h`.
    """

    slug: str
    title: str
    question: str
    since: str
    rows: tuple[Row, ...]
    variables: tuple[Variable, ...] = ()

    @property
    def panels(self) -> tuple[Panel, ...]:
        """All panels in reading order."""
        return tuple(panel for row in self.rows for panel in row.panels)


def number(
    title: str,
    expr: str,
    *,
    says: str,
    unit: str = "none",
    steps: Steps = CALM,
    width: int = 4,
    decimals: int | None = 0,
) -> Panel:
    """Return a panel with one present value."""
    return Panel(
        title=title, says=says, kind="number", queries=(Query(expr, title),), unit=unit,
        width=width, steps=steps, decimals=decimals,
    )  # fmt: skip


def lines(
    title: str,
    queries: Mapping[str, str],
    *,
    says: str,
    unit: str = "none",
    width: int = 12,
    names: Mapping[str, str] | None = None,
    height: int | None = None,
) -> Panel:
    """Return a panel with values over time. queries: legend -> expression."""
    return Panel(
        title=title, says=says, kind="lines", queries=_queries(queries), unit=unit, width=width,
        names=names or {}, height=height,
    )  # fmt: skip


def bars(
    title: str,
    queries: Mapping[str, str],
    *,
    says: str,
    unit: str = "none",
    width: int = 12,
    steps: Steps = CALM,
    decimals: int | None = 0,
    names: Mapping[str, str] | None = None,
    nothing: str = "",
    height: int | None = None,
) -> Panel:
    """Return a panel with one bar for each present value. queries: legend -> expression."""
    return Panel(
        title=title, says=says, kind="bars", queries=_queries(queries), unit=unit, width=width,
        steps=steps, decimals=decimals, names=names or {}, nothing=nothing,
        height=height,
    )  # fmt: skip


def _queries(given: Mapping[str, str]) -> tuple[Query, ...]:
    return tuple(Query(expr, legend) for legend, expr in given.items())
