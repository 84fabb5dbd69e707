"""Metrics: closed lists that refuse, and series that exist from the start."""

from collections.abc import Callable

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from aduan.observability.metrics import Level, Tally, Timing, UnknownLabel, exported
from aduan.observability.pipeline import PipelineMetrics

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


def test_the_pipeline_tells_what_the_status_says() -> None:
    """An alert on open letters or on lag sees the numbers that an operator sees."""
    registry = CollectorRegistry()
    pipeline = PipelineMetrics(registry)
    status = {"pending": 1, "lag": 2, "held": 3, "dead_letters": {"poison": 4, "bug": 5}}
    pipeline.tell("routing", status)

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"aduan_pipeline_{name}", {"service": "routing"} | labels)

    assert [1, 2, 3] == [value("pending"), value("lag"), value("held")]
    assert [4, 5, 0] == [value("dead_letters", kind=kind) for kind in ("poison", "bug", "held")]
