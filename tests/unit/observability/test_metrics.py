"""Metrics: closed lists that refuse, and series that exist from the start."""

from collections.abc import Callable

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from aduan.observability.metrics import (
    Level,
    Series,
    Tally,
    Timing,
    UnknownLabel,
    declared,
    exported,
)

OUTCOMES = ("assigned", "triage")


def test_every_series_of_a_tally_exists_at_zero() -> None:
    """The first event of a kind is a rise from zero and not a series that appears at one."""
    registry = CollectorRegistry()
    Tally("aduan_x_decided", "Decided.", registry, {"outcome": OUTCOMES, "by": ("rule", "person")})

    text = generate_latest(registry).decode()
    for outcome in OUTCOMES:
        for by in ("rule", "person"):
            assert f'aduan_x_decided_total{{by="{by}",outcome="{outcome}"}} 0.0' in text


def test_a_label_outside_its_list_is_refused_and_counts_nothing() -> None:
    """A ticket, a name or a typing slip cannot become a series; the words do not repeat it."""
    registry = CollectorRegistry()
    tally = Tally("aduan_x_decided", "Decided.", registry, {"outcome": OUTCOMES})
    level = Level("aduan_x_open", "Open.", registry, {"state": OUTCOMES})
    timing = Timing("aduan_x_seconds", "Took.", registry, (0.1, 1), {"kind": OUTCOMES})
    attempts: list[Callable[[], None]] = [
        lambda: tally.add(outcome="KS-SECRET"),
        tally.add,
        lambda: tally.add(outcome="triage", more="x"),
        lambda: level.set(1, state="KS-SECRET"),
        lambda: timing.observe(1, kind="KS-SECRET"),
    ]
    for attempt in attempts:
        with pytest.raises(UnknownLabel) as refused:
            attempt()
        assert "KS-SECRET" not in str(refused.value)

    assert "KS-SECRET" not in generate_latest(registry).decode()


def test_amounts_levels_and_durations_are_kept() -> None:
    """With labels and without."""
    registry = CollectorRegistry()
    Tally("aduan_x_plain", "Plain.", registry).add(3)
    Tally("aduan_x_decided", "Decided.", registry, {"outcome": OUTCOMES}).add(outcome="triage")
    Level("aduan_x_open", "Open.", registry).set(7)
    Timing("aduan_x_seconds", "Took.", registry, (0.1, 1)).observe(0.5)

    assert 3 == registry.get_sample_value("aduan_x_plain_total")
    assert 1 == registry.get_sample_value("aduan_x_decided_total", {"outcome": "triage"})
    assert 7 == registry.get_sample_value("aduan_x_open")
    assert 1 == registry.get_sample_value("aduan_x_seconds_bucket", {"le": "1.0"})
    assert {
        "aduan_x_plain": "counter",
        "aduan_x_decided": "counter",
        "aduan_x_open": "gauge",
        "aduan_x_seconds": "histogram",
    } == exported(registry)


def test_two_services_with_registries_of_their_own_do_not_meet() -> None:
    """Nothing is global, so a test or a second service starts empty."""
    for _ in range(2):
        registry = CollectorRegistry()
        Tally("aduan_x_plain", "Plain.", registry).add()

        assert 1 == registry.get_sample_value("aduan_x_plain_total")


def test_a_total_that_somebody_else_counts_is_reached_and_never_lowered() -> None:
    """A part counts by itself; what it says after a restart inside does not take anything back."""
    registry = CollectorRegistry()
    tally = Tally("aduan_x_done", "Done.", registry, {"by": ("a", "b")})
    for total in (3, 3, 7, 2):
        tally.reach(total, by="a")

    assert 7 == registry.get_sample_value("aduan_x_done_total", {"by": "a"})
    assert 0 == registry.get_sample_value("aduan_x_done_total", {"by": "b"})


def test_a_level_that_nobody_told_is_not_there() -> None:
    """Zero would be a statement: no lag, no letters."""
    registry = CollectorRegistry()
    Level("aduan_x_open", "Open.", registry, {"state": OUTCOMES})

    assert registry.get_sample_value("aduan_x_open", {"state": "triage"}) is None


def test_what_is_declared_can_be_read_back() -> None:
    """Papers, dashboards and alerts follow from the declarations and not from a second list."""

    class Metrics:
        def __init__(self) -> None:
            registry = CollectorRegistry()
            labels = {"outcome": OUTCOMES}
            self.decided = Tally("aduan_x_decided", "Decided.", registry, labels, act="Ask why.")
            self.open = Level("aduan_x_open", "Open.", registry, over="sum")
            self.took = Timing("aduan_x_seconds", "Took.", registry, (1,))

    assert (
        Series(
            "aduan_x_decided_total", "counter", "Decided.", {"outcome": OUTCOMES}, "sum", "Ask why."
        ),
        Series("aduan_x_open", "gauge", "Open.", {}, "sum"),
        Series("aduan_x_seconds", "histogram", "Took.", {}, "sum"),
    ) == declared(Metrics())
