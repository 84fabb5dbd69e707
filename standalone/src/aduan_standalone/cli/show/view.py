"""What a demo shows while it runs: states, OPD, the nearest deadlines, breaches, the cast."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from aduan.clock import WIB, parse_iso
from aduan_standalone.cli.status import ORDER

OFFICES_SHOWN: Final = 10
DEADLINES_SHOWN: Final = 10
_CLOSED: Final = frozenset({"closed", "rejected", "archived"})


@dataclass
class Picture:
    """Everything that one frame shows. clocks: items of `GET /v1/clocks`.

    canary: step -> how many canaries passed it in time, of how many.
    """

    report: Mapping[str, Any] = field(default_factory=dict)
    clocks: Sequence[Mapping[str, Any]] = ()
    fed: int = 0
    to_feed: int = 0
    scenes: Mapping[str, int] = field(default_factory=dict)
    missing: Sequence[str] = ()
    domain_now: datetime | None = None
    settled: bool = False
    canary: Mapping[str, tuple[int, int]] = field(default_factory=dict)


def frame(picture: Picture) -> RenderableType:
    """Return one frame of the live display."""
    tables = Columns([states(picture), offices(picture.clocks), deadlines(picture)])
    return Group(_headline(picture), tables, _canary(picture), _cast(picture))


def states(picture: Picture) -> RenderableType:
    """Return the table of states: how many cases are in each now, and how many ever were."""
    table = Table(box=None, pad_edge=False)
    table.add_column("state")
    table.add_column("now", justify="right")
    table.add_column("ever", justify="right")
    current, ever = picture.report.get("states", {}), picture.report.get("ever", {})
    for state in ORDER:
        table.add_row(state, str(current.get(state, 0)), str(ever.get(state, 0)))
    breached = picture.report.get("breached", 0)
    table.add_row("breaches", "", str(breached), style="bold red" if breached else "")
    table.add_row("warnings", "", str(picture.report.get("warned", 0)))
    return Panel(table, title="Cases", expand=False)


def offices(clocks: Iterable[Mapping[str, Any]]) -> RenderableType:
    """Return the units with the most cases, how many are open, how many deadlines they missed."""
    cases: Counter[str] = Counter()
    opened: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    for case in clocks:
        unit = case["opd"] or "(desk)"
        cases[unit] += 1
        opened[unit] += case["state"] not in _CLOSED
        missed[unit] += sum(clock["state"] == "breached" for clock in case["clocks"])
    table = Table(box=None, pad_edge=False)
    table.add_column("OPD")
    for heading in ("cases", "open", "missed"):
        table.add_column(heading, justify="right")
    for unit, count in cases.most_common(OFFICES_SHOWN):
        table.add_row(unit, str(count), str(opened[unit]), str(missed[unit]))
    return Panel(table, title="Units", expand=False)


def deadlines(picture: Picture) -> RenderableType:
    """Return the nearest deadlines that still run."""
    table = Table(box=None, pad_edge=False)
    for heading in ("due (WIB)", "clock", "OPD", "ticket"):
        table.add_column(heading, no_wrap=True)
    running = [case for case in picture.clocks if case["nearest"]]
    for case in sorted(running, key=lambda case: str(case["nearest"]["due_at"]))[:DEADLINES_SHOWN]:
        due = parse_iso(case["nearest"]["due_at"]).astimezone(WIB)
        table.add_row(
            f"{due:%d %b %H:%M}", case["nearest"]["name"], case["opd"] or "-", case["ticket"]
        )
    return Panel(table, title="Nearest deadlines", expand=False)


def _headline(picture: Picture) -> Text:
    words = f"samples {picture.fed}/{picture.to_feed}   cases {picture.report.get('cases', 0)}"
    mirrors = _counts(picture.report.get("mirror_decisions", {}))
    notices = _counts(picture.report.get("notification_decisions", {}))
    words += f"   mirrored: {mirrors}   notices: {notices}"
    if picture.domain_now is not None:
        words = f"{picture.domain_now.astimezone(WIB):%a %d %b %Y %H:%M} WIB   {words}"
    return Text(words, style="bold")


def _canary(picture: Picture) -> Text:
    flown = max((flown for _, flown in picture.canary.values()), default=0)
    if not flown:
        return Text("The canary has not come back yet.", style="dim")
    steps = ", ".join(
        f"{step} {passed}/{flown}" for step, (passed, flown) in picture.canary.items()
    )
    passed_all = all(passed == flown for passed, flown in picture.canary.values())
    return Text(f"The canary passed: {steps}", style="dim" if passed_all else "bold red")


def _cast(picture: Picture) -> Text:
    played = ", ".join(f"{name} {n}" for name, n in sorted(picture.scenes.items())) or "nothing yet"
    text = Text(f"The cast plays: {played}", style="dim")
    if picture.missing:
        text.append(f"\nStill to be played: {len(picture.missing)} required scenes")
    if picture.settled:
        text.append("\nSettled: the script is played and nothing is on its way.")
    return text


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{kind} {n}" for kind, n in counts.items()) or "none"
