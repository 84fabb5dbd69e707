"""The dashboards: current, true to the closed list of metrics, and readable by a newcomer."""

import re
from typing import Any, Final

import pytest
from aduan_prometheus import OBSERVABILITY, ROOT, rules
from aduan_promql import problems
from tools.dashboards.__main__ import stale
from tools.dashboards.reading import CHOSEN, documents, expressions, filled, panels

from aduan_standalone.series import every_series

BOARDS: Final = documents()
PANELS: Final = [(slug, panel) for slug, board in BOARDS.items() for panel in panels(board)]
KNOWN: Final = {series.name: series for series in every_series()}
PAPER: Final = (ROOT / "docs" / "dashboards.md").read_text("utf-8")


def of_panel(value: object) -> str:
    """Name a case by its panel."""
    return value["title"] if isinstance(value, dict) else str(value)


def test_the_files_are_what_the_code_gives() -> None:
    """Whoever edits JSON by hand, or the code without writing, hears of it."""
    assert [] == stale()


def test_there_is_a_board_for_each_question() -> None:
    """Six questions, and the page of the papers that tells which board answers which."""
    assert {"bridge", "citizens", "notifications", "pipeline", "services", "sla-opd"} == set(BOARDS)
    for board in BOARDS.values():
        assert board["description"].endswith("?")
        assert f"*{board['title']}*" in PAPER
        assert board["description"] in PAPER


@pytest.mark.parametrize(("slug", "panel"), PANELS, ids=of_panel)
def test_every_expression_of_a_panel_can_find_something(slug: str, panel: dict[str, Any]) -> None:
    """A metric that was renamed, a label or a value that is gone turns this red."""
    assert panel["targets"]
    for target in panel["targets"]:
        assert [] == problems(filled(target["expr"]), KNOWN), target["expr"]


@pytest.mark.parametrize(("slug", "panel"), PANELS, ids=of_panel)
def test_a_panel_says_what_it_shows_and_what_to_do(slug: str, panel: dict[str, Any]) -> None:
    """Two sentences at least; a runbook that it names exists; a legend names what differs."""
    says = panel["description"]

    assert len(re.findall(r"[.:;?](\s|$)", says)) >= 2, says
    for named in re.findall(r"[Rr]unbooks? (\w+)(?: and (\w+))?", says):
        assert {*named} - {""} <= {*rules()}, says
    for target in panel["targets"]:
        assert target["legendFormat"]
        assert set(re.findall(r"{{(\w+)}}", target["legendFormat"])) <= grouped(target["expr"])


def grouped(expr: str) -> set[str]:
    """Return every label that an expression may leave on its series."""
    found = set(re.findall(r"\w+", " ".join(re.findall(r"by \(([^)]*)\)", expr))))
    return found or {"component", "instance"}


def test_every_choice_is_used_and_every_used_one_can_be_chosen() -> None:
    """A choice without effect misleads; one that is missing breaks the panel."""
    for slug, board in BOARDS.items():
        offered = {one["name"] for one in board["templating"]["list"]} - {"datasource"}
        used = {
            name
            for _, expr in expressions(board)
            for name in re.findall(r"\$(\w+)", expr)
            if not name.startswith("__")
        }
        assert offered == used, slug
    assert {"tenant", "opd"} <= {one["name"] for one in BOARDS["sla-opd"]["templating"]["list"]}


def test_what_a_choice_lists_exists() -> None:
    """`label_values` of a series and a label that are there."""
    for board in BOARDS.values():
        for one in board["templating"]["list"]:
            if one["type"] == "query":
                asked = re.fullmatch(r"label_values\((.*), (\w+)\)", one["query"]["query"])
                assert asked is not None
                expr = f"count by ({asked[2]}) ({filled(asked[1])})"
                assert [] == problems(expr, KNOWN)


def test_the_panels_of_a_row_fill_it() -> None:
    """No holes: the widths of each line of panels add up to 24 columns."""
    for slug, board in BOARDS.items():
        lines: dict[int, int] = {}
        for panel in panels(board):
            place = panel["gridPos"]
            lines[place["y"]] = lines.get(place["y"], 0) + place["w"]
        assert {24} == set(lines.values()), slug


def test_a_variable_that_nobody_fills_is_an_error() -> None:
    """The check above would else look at half an expression."""
    assert 'x{a=~".*"}[1m]' == filled('x{a=~"$tenant"}[$__rate_interval]')
    with pytest.raises(KeyError):
        filled("$nobody", CHOSEN)


def test_grafana_is_provisioned_with_these_files() -> None:
    """One folder of dashboards, one Prometheus."""
    provided = (OBSERVABILITY / "grafana/provisioning/dashboards/aduan.yml").read_text("utf-8")
    source = (OBSERVABILITY / "grafana/provisioning/datasources/prometheus.yml").read_text("utf-8")

    assert "path: /var/lib/grafana/dashboards" in provided
    assert "type: prometheus" in source
