"""Whether an expression of PromQL can find anything: every metric, label and value that it names exists."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import product
from typing import Any, Final

import promql_parser

from aduan.observability.metrics import Series

# What Prometheus adds and Alertmanager tells: series by name -> their labels, and what is on every series.
FROM_PROMETHEUS: Final[Mapping[str, tuple[str, ...]]] = {
    "up": (),
    "ALERTS": ("alertname", "alertstate", "severity", "audience"),
    "alertmanager_notifications_failed_total": ("integration", "reason"),
}
TARGET_LABELS: Final = ("job", "instance", "component")
_SUFFIXES: Final = ("_bucket", "_sum", "_count")
_LITERAL: Final = re.compile(r"[\w-]+(\|[\w-]+)*")


def problems(expr: str, known: Mapping[str, Series]) -> list[str]:
    """Return what is wrong, in words; empty when all is well. known: by name.

    A label or a value that no series has makes an expression empty for ever, and nobody notices.
    """
    try:
        tree = promql_parser.parse(expr)
    except ValueError as error:
        return [f"does not parse: {error}"]
    found: list[str] = []
    labels: set[str] = set(TARGET_LABELS)
    for node in _nodes(tree):
        if isinstance(node, promql_parser.VectorSelector):
            own = _labels(node.name or "", known)
            if own is None:
                found.append(f"no series is called {node.name}")
                continue
            labels |= set(own)
            found += _matchers(node, own)
    for node in _nodes(tree):
        if isinstance(node, promql_parser.AggregateExpr):
            found += [
                f"groups by {label}, which none of its series has"
                for label in (node.modifier.labels if node.modifier else ())
                if label not in labels
            ]
            found += _over_replicas(node, known)
    return found


def rises(
    expr: str, known: Mapping[str, Series], services: Collection[str]
) -> list[tuple[str, dict[str, str]]]:
    """Return what has to stand at zero before its first event, or `expr` does not see that one.

    A series that begins at one has not risen. These are all series of a counter that a range of
    `expr` takes, and the one of a histogram that it names by every label. Of other histograms
    (each route, each operation) too many would be needed; they begin when they are used.
    known: by name, of one process. services: those that it runs.
    """
    found: list[tuple[str, dict[str, str]]] = []
    for node in _nodes(promql_parser.parse(expr)):
        if not isinstance(node, promql_parser.MatrixSelector):
            continue
        taken = node.vector_selector
        name = taken.name or ""
        labels, own = _labels(name, known), known.get(name)
        if labels is None or (own is not None and own.kind == "gauge"):
            continue
        matchers = [one for one in taken.matchers.matchers if one.name in labels]
        named = {
            one.name: (one.value,) for one in matchers if one.op == promql_parser.MatchOp.Equal
        }
        if own is None and named.keys() != set(labels):
            continue
        values = {**labels, **named}
        for combination in product(*values.values()):
            one = dict(zip(values, combination, strict=True))
            if one.get("service", "") in {"", *services} and all(
                _matches(matcher, one[matcher.name]) for matcher in matchers
            ):
                found.append((name, one))
    return found


def _matches(matcher: Any, value: str) -> bool:
    operator = promql_parser.MatchOp
    match matcher.op:
        case operator.Equal:
            return bool(value == matcher.value)
        case operator.NotEqual:
            return bool(value != matcher.value)
        case operator.Re:
            return re.fullmatch(matcher.value, value) is not None
        case _:
            return re.fullmatch(matcher.value, value) is None


def _over_replicas(node: promql_parser.AggregateExpr, known: Mapping[str, Series]) -> Iterator[str]:
    """Hold an aggregation of a gauge against how its replicas are put together (Series.over)."""
    below = node.expr
    series = (
        known.get(below.name or "") if isinstance(below, promql_parser.VectorSelector) else None
    )
    if series is None or series.kind != "gauge":
        return
    if str(node.op) == "sum" and series.over in {"max", "min"}:
        yield f"adds {series.name} up, of which every replica tells the whole"
    if str(node.op) in {"max", "min"} and series.over == "sum":
        yield f"takes one part of {series.name}, of which every replica tells its own"


def _nodes(node: Any) -> Iterator[Any]:
    yield node
    below: Sequence[Any] = ()
    match node:
        case promql_parser.MatrixSelector():
            below = (node.vector_selector,)
        case promql_parser.BinaryExpr():
            below = (node.lhs, node.rhs)
        case promql_parser.Call():
            below = node.args
        case (
            promql_parser.AggregateExpr()
            | promql_parser.UnaryExpr()
            | promql_parser.ParenExpr()
            | promql_parser.SubqueryExpr()
        ):
            below = (node.expr,)
    for one in below:
        yield from _nodes(one)


def _labels(name: str, known: Mapping[str, Series]) -> Mapping[str, Sequence[str]] | None:
    """Return label -> closed values (empty: not closed here) of a series, or None without it."""
    if name in FROM_PROMETHEUS:
        return dict.fromkeys(FROM_PROMETHEUS[name], ())
    series = known.get(name)
    if series is not None and series.kind != "histogram":
        return series.labels
    for suffix in _SUFFIXES:
        base = known.get(name.removesuffix(suffix))
        if name.endswith(suffix) and base is not None and base.kind == "histogram":
            return {**base.labels, **({"le": ()} if suffix == "_bucket" else {})}
    return None


def _matchers(
    node: promql_parser.VectorSelector, labels: Mapping[str, Sequence[str]]
) -> Iterator[str]:
    for one in node.matchers.matchers:
        if one.name in TARGET_LABELS:
            continue
        if one.name not in labels:
            yield f"{node.name} has no label {one.name}"
        elif labels[one.name] and _LITERAL.fullmatch(one.value):
            for value in one.value.split("|"):
                if value not in labels[one.name]:
                    yield f"{node.name} has no {one.name} {value}"
