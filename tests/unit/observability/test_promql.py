"""The check of expressions itself: what it must notice."""

import pytest
from aduan_promql import problems, rises

from aduan.observability.metrics import Series

KNOWN = {
    one.name: one
    for one in (
        Series("aduan_x_letters", "gauge", "", {"service": ("sla", "intake"), "tenant": ()}, "max"),
        Series("aduan_x_due", "gauge", "", {}, "sum"),
        Series("aduan_x_seconds", "histogram", "", {"service": ("sla",)}, "sum"),
        Series("aduan_x_calls_total", "counter", "", {"outcome": ("ok", "late")}, "sum"),
    )
}


@pytest.mark.parametrize(
    "expr",
    [
        'sum by (service) (max by (service, instance) (aduan_x_letters{service="sla"}))',
        'aduan_x_letters{tenant="33.74", job="aduan"}',
        "histogram_quantile(0.9, sum by (le) (rate(aduan_x_seconds_bucket[5m])))",
        'increase(aduan_x_calls_total{outcome=~"ok|late"}[1h]) or vector(0)',
        'time() - max(max_over_time(aduan_x_letters[1h:1m])) > 3 and on () up{job="aduan"} == 1',
    ],
)
def test_a_right_expression_has_no_problem(expr: str) -> None:
    """Every shape that boards and alerts use."""
    assert [] == problems(expr, KNOWN)


@pytest.mark.parametrize(
    ("expr", "words"),
    [
        ("sum(", "does not parse"),
        ("aduan_x_letter", "no series is called aduan_x_letter"),
        ("aduan_x_seconds", "no series is called aduan_x_seconds"),
        ("rate(aduan_x_calls[5m])", "no series is called aduan_x_calls"),
        ("1 - (2 * max_over_time(aduan_gone[5m:1m]))", "no series is called aduan_gone"),
        ('aduan_x_letters{kind="bug"}', "has no label kind"),
        ('aduan_x_letters{service="sal"}', "has no service sal"),
        ('aduan_x_calls_total{outcome!~"ok|lat"}', "has no outcome lat"),
        ("max by (office) (aduan_x_letters)", "groups by office"),
        ("sum by (tenant) (aduan_x_letters)", "adds aduan_x_letters up"),
        ("max(aduan_x_due) > 3", "takes one part of aduan_x_due"),
        ("sum by (le) (aduan_x_seconds_count)", "groups by le"),
    ],
)
def test_what_can_never_find_anything_is_noticed(expr: str, words: str) -> None:
    """A renamed metric, a label that is gone, a value that nobody sets."""
    (found,) = problems(expr, KNOWN)

    assert words in found


CALLS = "aduan_x_calls_total"


@pytest.mark.parametrize(
    ("expr", "found"),
    [
        (f"increase({CALLS}[1h]) > 0", [(CALLS, {"outcome": one}) for one in ("ok", "late")]),
        (f'sum(rate({CALLS}{{outcome!="ok"}}[1h]))', [(CALLS, {"outcome": "late"})]),
        (f'rate({CALLS}{{outcome=~"la.*|no"}}[1h])', [(CALLS, {"outcome": "late"})]),
        (f'rate({CALLS}{{outcome!~"la.*|no"}}[1h])', [(CALLS, {"outcome": "ok"})]),
        (
            'rate(aduan_x_seconds_count{service="sla"}[1h])',
            [("aduan_x_seconds_count", {"service": "sla"})],
        ),
        ('rate(aduan_x_seconds_count{service!="x"}[1h])', []),
        ("max_over_time(aduan_x_due[1h])", []),
        (CALLS, []),
        ("rate(aduan_of_another_process_total[1h])", []),
    ],
)
def test_what_has_to_stand_at_zero_is_found(expr: str, found: list[object]) -> None:
    """Counters of which a range is taken, and a histogram's series that is named whole."""
    assert found == rises(expr, KNOWN, ["sla"])


def test_what_another_service_counts_is_not_asked_of_this_one() -> None:
    """A process has the series of what it runs."""
    assert [] == rises('rate(aduan_x_seconds_count{service="sla"}[1h])', KNOWN, ["routing"])
