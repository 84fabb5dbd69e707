"""Writes docs/metrics.md from what the code declares; `--check` only compares.

python -m aduan_standalone.metrics_page [--check]
"""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from aduan.levels import OWN_SECONDS, PATIENCE_SECONDS, PIPELINE_SECONDS
from aduan.observability.metrics import Over, Series
from aduan.observability.pipeline import SERVICES
from aduan_standalone.series import DATA, Part, parts

PAGE: Final = Path("docs") / "metrics.md"
REPLICAS: Final[Mapping[Over, str]] = {
    "sum": "`sum by`",
    "max": "`max by`",
    "min": "`min by`",
    "each": "each alone",
}
SERVICE: Final[Mapping[str, str]] = {
    "service": f"{', '.join(SERVICES)}; of a process, also `standalone`, `statistics`, `canary`"
}
_INTRO: Final = """\
# Metrics

Generated from the classes that declare the series, by `python -m aduan_standalone.metrics_page`;
`make lint` compares. Every process answers `GET /metrics` on its own port, without a key: an ingress
must not let it out. There is no other series, and no label has a value outside its list: no name,
number, ticket or id.

**Replicas.** Counters and histograms are summed: `sum by (service) (rate(..._total[5m]))`. A gauge
says how replicas go together: `max by` where all of them read one store or log, so that a sum would
count twice, or where the worst counts; `sum by` where each has a part; `min by` where the worst is
the lowest.

**Old levels.** What comes from a store or the log is read when somebody scrapes, at most every
{pipeline:.0f} seconds, and what a service counts for itself every {own:.0f}; several scrapers cost
what one does. A store that does not answer makes nobody wait for more than {patience:.0f} seconds:
`/metrics` shows what it showed before, and `aduan_metrics_stale` is 1. A level that was never read is
absent: zero would be a statement.

**Official figures** (recap, monev) never come from here, but from sla's store.
"""


def page() -> str:
    """Return the whole page."""
    intro = _INTRO.format(pipeline=PIPELINE_SECONDS, own=OWN_SECONDS, patience=PATIENCE_SECONDS)
    lines = [intro, "| label | its values, where they are not listed below |", "|---|---|"]
    lines += [f"| `{name}` | {words} |" for name, words in {**SERVICE, **DATA}.items()]
    for part in parts():
        lines += _section(part)
    return "\n".join(lines) + "\n"


def _section(part: Part) -> list[str]:
    where = ", ".join(f"`{name}`" for name in part.processes)
    head = ["", f"## {part.title}", "", f"In {where}.", ""]
    head += [
        "| series | kind | labels | meaning | replicas | when it is high |",
        "|---|---|---|---|---|---|",
    ]
    return head + [_row(one) for one in part.series]


def _row(one: Series) -> str:
    labels = "; ".join(_label(name, values) for name, values in one.labels.items())
    cells = (f"`{one.name}`", one.kind, labels, one.words, REPLICAS[one.over], one.act)
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _label(name: str, values: tuple[str, ...]) -> str:
    listed = values and name not in SERVICE
    return f"`{name}`: {', '.join(values)}" if listed else f"`{name}`"


def main(arguments: list[str] | None = None) -> int:
    """Write or compare; return 1 when the page is not current."""
    parser = argparse.ArgumentParser(description="Generate docs/metrics.md.")
    parser.add_argument("--check", action="store_true", help="write nothing, only compare")
    options = parser.parse_args(arguments)
    text = page()
    if not options.check:
        PAGE.write_text(text, "utf-8")
        return 0
    if PAGE.exists() and PAGE.read_text("utf-8") == text:
        return 0
    sys.stderr.write(f"not current: {PAGE}; run python -m aduan_standalone.metrics_page\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
