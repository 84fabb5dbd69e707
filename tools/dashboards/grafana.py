"""Turns a board into the JSON that Grafana provisions, with Grafana's own builders.

The builders check no types when they run; mypy does. The same board gives the same bytes.
"""

from typing import Any, Final

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    prometheus,
    stat,
    timeseries,
)
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as looks
from grafana_foundation_sdk.models import dashboard as shapes
from tools.dashboards.board import Board, Panel, Steps, Variable

TAG: Final = "aduan"
WIB: Final = "Asia/Jakarta"
HEIGHTS: Final = {"number": 4, "lines": 8, "bars": 8}
# A variable, so that a Grafana which has its own Prometheus can take the files as they are.
SOURCE: Final = shapes.DataSourceRef(type_val="prometheus", uid="${datasource}")


def render(board: Board) -> str:
    """Return the JSON text of a board, with a line end."""
    builder = (
        dashboard.Dashboard(board.title)
        .uid(f"aduan-{board.slug}")
        .description(board.question)
        .tags([TAG])
        .readonly()
        .timezone(WIB)
        .refresh("1m")
        .time(f"now-{board.since}", "now")
        .tooltip(shapes.DashboardCursorSync.CROSSHAIR)
        .link(
            dashboard.DashboardLink("Aduan")
            .type(shapes.DashboardLinkType.DASHBOARDS)
            .tags([TAG])
            .as_dropdown(True)
            .include_vars(True)
            .keep_time(True)
        )
        .with_variable(
            dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus")
        )
    )
    for variable in board.variables:
        builder = builder.with_variable(_variable(variable))
    number = 0
    for row in board.rows:
        number += 1
        builder = builder.with_row(dashboard.Row(row.title).id(number))
        for panel in row.panels:
            number += 1
            builder = builder.with_panel(_panel(panel).id(number))
    return JSONEncoder(sort_keys=True, indent=1).encode(builder.build()) + "\n"


def _variable(variable: Variable) -> dashboard.QueryVariable:
    return (
        dashboard.QueryVariable(variable.name)
        .label(variable.label)
        .datasource(SOURCE)
        .query({"query": variable.query, "refId": "values"})
        .refresh(shapes.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(shapes.VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(shapes.VariableOption(text="All", value="$__all", selected=True))
    )


def _panel(panel: Panel) -> Any:
    builder = _of_kind(panel)
    builder = (
        builder.title(panel.title)
        .description(panel.says)
        .datasource(SOURCE)
        .unit(panel.unit)
        .span(panel.width)
        .height(panel.height or HEIGHTS[panel.kind])
    )
    if panel.decimals is not None:
        builder = builder.decimals(panel.decimals)
    if panel.unit == "percentunit" and panel.kind == "bars":
        builder = builder.max(1)
    if panel.nothing:
        builder = builder.no_value(panel.nothing)
    for place, query in enumerate(panel.queries):
        target = (
            prometheus.Dataquery()
            .ref_id(chr(ord("A") + place))
            .expr(query.expr)
            .legend_format(query.legend)
        )
        builder = builder.with_target(target.range() if panel.kind == "lines" else target.instant())
    for series, shown in panel.names.items():
        builder = builder.override_by_name(
            series, [shapes.DynamicConfigValue(id_val="displayName", value=shown)]
        )
    return builder


def _of_kind(panel: Panel) -> Any:
    if panel.kind == "lines":
        return (
            timeseries.Panel()
            .min(0)
            .fill_opacity(10)
            .line_width(2)
            .show_points(looks.VisibilityMode.AUTO)
            .legend(
                common.VizLegendOptions()
                .display_mode(looks.LegendDisplayMode.LIST)
                .placement(looks.LegendPlacement.BOTTOM)
                .show_legend(True)
                .calcs(["lastNotNull"])
            )
            .tooltip(
                common.VizTooltipOptions()
                .mode(looks.TooltipDisplayMode.MULTI)
                .sort(looks.SortOrder.DESCENDING)
            )
        )
    reduced = common.ReduceDataOptions().calcs(["lastNotNull"]).values(False)
    if panel.kind == "bars":
        return (
            bargauge.Panel()
            .min(0)
            .orientation(looks.VizOrientation.HORIZONTAL)
            .display_mode(looks.BarGaugeDisplayMode.BASIC)
            .reduce_options(reduced)
            .thresholds(_thresholds(panel.steps))
        )
    return (
        stat.Panel()
        .reduce_options(reduced)
        .graph_mode(looks.BigValueGraphMode.NONE)
        .color_mode(looks.BigValueColorMode.BACKGROUND)
        .thresholds(_thresholds(panel.steps))
    )


def _thresholds(steps: Steps) -> dashboard.ThresholdsConfig:
    return (
        dashboard.ThresholdsConfig()
        .mode(shapes.ThresholdsMode.ABSOLUTE)
        .steps([shapes.Threshold(value=value, color=color) for value, color in steps])
    )
