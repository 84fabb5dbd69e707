"""What the canary exports: dashboards and alerts name these series and no others."""

from prometheus_client import CollectorRegistry

from aduan.observability.metrics import exported
from aduan_standalone.canary.metrics import OUTCOMES, STEPS, Metrics


def test_the_list_is_closed_and_complete() -> None:
    """A renamed series would leave the alert about its silence without data."""
    registry = CollectorRegistry()
    Metrics(registry)

    assert {
        "aduan_canary_steps": "counter",
        "aduan_canary_last_success_timestamp_seconds": "gauge",
        "aduan_canary_seconds": "histogram",
        "aduan_canary_up": "gauge",
    } == exported(registry)


def test_every_series_exists_before_the_first_canary() -> None:
    """A canary that never flies shows a success that is 57 years old, not a gap in a graph."""
    registry = CollectorRegistry()
    Metrics(registry)

    for step in STEPS:
        last: dict[str, str] = {"step": step}
        assert 0 == registry.get_sample_value("aduan_canary_last_success_timestamp_seconds", last)
        for outcome in OUTCOMES:
            labels: dict[str, str] = {"step": step, "outcome": outcome}
            assert 0 == registry.get_sample_value("aduan_canary_steps_total", labels)
    assert 0 == registry.get_sample_value("aduan_canary_up")
