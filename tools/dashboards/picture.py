"""Draws a dashboard as one HTML page from the data of a Prometheus, without a Grafana.

`python -m tools.dashboards.picture SLUG --prometheus URL > page.html`

It shows what matters for a look: titles, present values, curves, units, legends, colours and what is
empty. It is no Grafana: what a panel does when it is touched is not drawn.
"""

import argparse
import html
import json
import math
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

from tools.dashboards.prometheus import Labels, Points, Prometheus
from tools.dashboards.reading import CHOSEN, FOLDER, filled

WIB: Final = timezone(timedelta(hours=7))
POINTS: Final = 240
PALETTE: Final = (
    "#3f8f4f", "#c98a00", "#3274d9", "#c4453c", "#7a52b3", "#1f8f9b", "#a0522d", "#6b7280",
    "#d16ba5", "#557a2b",
)  # fmt: skip
COLOURS: Final = {
    "green": "#2f7d3b", "orange": "#c25e00", "red": "#b3261e", "blue": "#2f5f9e", "text": "#444",
}  # fmt: skip
STYLE: Final = """
*{box-sizing:border-box}
body{margin:0;padding:14px;background:#f4f5f7;color:#1f2328;
 font:13px/1.4 system-ui,"DejaVu Sans",sans-serif}
h1{font-size:19px;margin:0}
header p{margin:2px 0 10px;color:#57606a}
main{display:grid;grid-template-columns:repeat(24,minmax(0,1fr));gap:8px}
h2{grid-column:1/-1;font-size:14px;margin:8px 0 0}
section{background:#fff;border:1px solid #d8dee4;border-radius:4px;padding:8px;
 display:flex;flex-direction:column}
h3{font-size:13px;margin:0 0 4px;font-weight:600}
.number h3{min-height:2.8em}
.value{flex:1;display:flex;align-items:center;justify-content:center;color:#fff;border-radius:4px;
 font-size:26px;font-weight:600;min-height:64px}
.empty{color:#57606a;background:#eaeef2}
.plot{display:grid;grid-template:1fr auto/auto 1fr;gap:2px 6px;height:180px}
.plot svg{width:100%;height:100%;border-left:1px solid #d8dee4;border-bottom:1px solid #d8dee4}
.y,.x{display:flex;justify-content:space-between;color:#57606a;font-size:11px}
.y{flex-direction:column-reverse;text-align:right}
.x{grid-column:2}
.legend{margin-top:4px;font-size:11px;color:#57606a}
.legend span{margin-right:12px;display:inline-block}
.legend i{display:inline-block;width:10px;height:10px;border-radius:2px;margin-right:4px}
.bar{display:grid;grid-template-columns:minmax(0,42%) 1fr auto;gap:6px;align-items:center;margin:2px 0}
.bar b{font-weight:400;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.bar div{background:#eaeef2;border-radius:2px;height:14px}
.bar div i{display:block;height:100%;border-radius:2px}
@media(max-width:768px){section{grid-column:1/-1!important}.number h3{min-height:0}}
"""


class Painter:
    """Draws panels with what one Prometheus knows about a stretch of time."""

    def __init__(
        self, source: Prometheus, *, start: float, end: float, chosen: Mapping[str, str]
    ) -> None:
        """start, end: unix seconds; the present values are those of now."""
        self._source = source
        self._start = start
        self._end = end
        self._chosen = chosen

    def page(self, document: Mapping[str, Any]) -> str:
        """Return the whole page."""
        until = datetime.fromtimestamp(self._end, UTC).astimezone(WIB)
        choice = ", ".join(
            f"{variable['label']}: {_words(self._chosen[variable['name']])}"
            for variable in document["templating"]["list"]
            if variable["type"] == "query"
        )
        parts = [
            "<!doctype html><meta charset=utf-8>",
            '<meta name=viewport content="width=device-width">',
            f"<title>{html.escape(document['title'])}</title><style>{STYLE}</style>",
            f"<header><h1>{html.escape(document['title'])}</h1>",
            f"<p>{html.escape(document['description'])} · {until:%d.%m.%Y %H:%M} WIB",
            f"{' · ' + html.escape(choice) if choice else ''}</p></header><main>",
            *self._items(document["panels"]),
            "</main>",
        ]
        return "".join(parts)

    def _items(self, items: Sequence[Mapping[str, Any]]) -> Iterator[str]:
        for item in items:
            if item["type"] == "row":
                yield f"<h2>{html.escape(item['title'])}</h2>"
                yield from self._items(item.get("panels") or [])
            else:
                yield self._panel(item)

    def _panel(self, panel: Mapping[str, Any]) -> str:
        draw = {"stat": self._number, "timeseries": self._lines, "bargauge": self._bars}
        kind = {"stat": "number", "timeseries": "lines", "bargauge": "bars"}[panel["type"]]
        return (
            f'<section class={kind} style="grid-column:span {panel["gridPos"]["w"]}">'
            f'<h3 title="{html.escape(panel["description"])}">{html.escape(panel["title"])}</h3>'
            f"{draw[panel['type']](panel)}</section>"
        )

    def _number(self, panel: Mapping[str, Any]) -> str:
        found = self._present(panel)
        if not found:
            return _nothing(panel)
        (_, value), *_ = found
        return (
            f'<div class=value style="background:{_colour(panel, value)}">'
            f"{html.escape(shown(value, panel))}</div>"
        )

    def _bars(self, panel: Mapping[str, Any]) -> str:
        found = sorted(self._present(panel), key=lambda bar: -bar[1])
        if not found:
            return _nothing(panel)
        most = panel["fieldConfig"]["defaults"].get("max")
        top = most or max(value for _, value in found) or 1.0
        return "".join(
            f"<div class=bar><b>{html.escape(name)}</b>"
            f'<div><i style="width:{100 * value / top:.1f}%;background:{_colour(panel, value)}"></i>'
            f"</div><span>{html.escape(shown(value, panel))}</span></div>"
            for name, value in found
        )

    def _lines(self, panel: Mapping[str, Any]) -> str:
        found: list[tuple[str, Points]] = []
        step = max((self._end - self._start) / POINTS, 1.0)
        for target in panel["targets"]:
            series = self._source.between(
                filled(target["expr"], self._chosen), start=self._start, end=self._end, step=step
            )
            for labels, points in series:
                kept = [(at, value) for at, value in points if math.isfinite(value)]
                if kept:
                    found.append((_name(panel, target, labels), kept))
        if not found:
            return _nothing(panel)
        top = _round_up(max(value for _, points in found for _, value in points))
        curves, legend = [], []
        for place, (name, points) in enumerate(found):
            colour = PALETTE[place % len(PALETTE)]
            curves.append(self._curve(points, top, colour))
            last = html.escape(shown(points[-1][1], panel))
            legend.append(
                f'<span><i style="background:{colour}"></i>{html.escape(name)} {last}</span>'
            )
        middle = (self._start + self._end) / 2
        times = "".join(
            f"<span>{datetime.fromtimestamp(at, UTC).astimezone(WIB):%H:%M:%S}</span>"
            for at in (self._start, middle, self._end)
        )
        ticks = "".join(
            f"<span>{html.escape(shown(top * part, panel))}</span>" for part in (0.0, 0.5, 1.0)
        )
        return (
            f"<div class=plot><div class=y>{ticks}</div>"
            f'<svg viewBox="0 0 1000 100" preserveAspectRatio="none">{"".join(curves)}</svg>'
            f"<div class=x>{times}</div></div><div class=legend>{''.join(legend)}</div>"
        )

    def _curve(self, points: Points, top: float, colour: str) -> str:
        width = self._end - self._start
        path = " ".join(
            f"{1000 * (at - self._start) / width:.1f},{100 - 97 * value / top:.2f}"
            for at, value in points
        )
        return (
            f'<polyline points="{path}" fill=none stroke="{colour}" stroke-width=2 '
            'vector-effect="non-scaling-stroke"/>'
        )

    def _present(self, panel: Mapping[str, Any]) -> list[tuple[str, float]]:
        return [
            (_name(panel, target, labels), value)
            for target in panel["targets"]
            for labels, value in self._source.now(filled(target["expr"], self._chosen))
            if math.isfinite(value)
        ]


def shown(value: float, panel: Mapping[str, Any]) -> str:
    """Return a value as somebody reads it, in the panel's unit."""
    defaults = panel["fieldConfig"]["defaults"]
    unit, decimals = defaults.get("unit", "none"), defaults.get("decimals")
    if unit == "s":
        return _duration(value)
    if unit == "percentunit":
        return f"{100 * value:.{decimals or 0}f} %"
    if unit == "bytes":
        return f"{value / 2**20:.0f} MiB"
    suffix = {"reqps": " /s", "cps": " /s"}.get(
        unit, unit.removeprefix("suffix:") if unit.startswith("suffix:") else ""
    )
    if decimals is None:
        decimals = 0 if value == int(value) or value >= 100 else 2
    return f"{value:.{int(decimals)}f}{suffix}"


def _nothing(panel: Mapping[str, Any]) -> str:
    words = panel["fieldConfig"]["defaults"].get("noValue", "no data")
    return f"<div class='value empty'>{html.escape(words)}</div>"


def _duration(seconds: float) -> str:
    for size, name in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        if seconds >= size:
            return f"{seconds / size:.1f} {name}"
    return "0 s" if seconds == 0 else f"{1000 * seconds:.3g} ms"


def _round_up(value: float) -> float:
    if value <= 0:
        return 1.0
    size = 10.0 ** math.floor(math.log10(value))
    return next(step * size for step in (1.0, 2.0, 5.0, 10.0) if step * size >= value)


def _colour(panel: Mapping[str, Any], value: float) -> str:
    steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    reached = [step for step in steps if step["value"] is None or value >= step["value"]]
    return COLOURS[reached[-1]["color"]]


def _name(panel: Mapping[str, Any], target: Mapping[str, Any], labels: Labels) -> str:
    name = re.sub(
        r"{{\s*(\w+)\s*}}", lambda found: labels.get(found[1], ""), target["legendFormat"]
    )
    for override in panel["fieldConfig"].get("overrides") or []:
        if override["matcher"]["options"] == name:
            return str(override["properties"][0]["value"])
    return name


def _words(pattern: str) -> str:
    return "all" if pattern == ".*" else pattern


def main() -> None:
    """Print the page of one dashboard."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("slug")
    parser.add_argument("--prometheus", default="http://127.0.0.1:9090")
    parser.add_argument("--minutes", type=float, default=60.0, help="how far back it looks")
    asked = parser.parse_args()
    document = json.loads((FOLDER / f"{asked.slug}.json").read_text("utf-8"))
    end = time.time()
    start = end - 60 * asked.minutes
    chosen = {**CHOSEN, "__range": f"{round(60 * asked.minutes)}s"}
    painter = Painter(Prometheus(asked.prometheus), start=start, end=end, chosen=chosen)
    print(painter.page(document))


if __name__ == "__main__":
    main()
