"""Reads the JSON of a dashboard: its panels, and its expressions as Prometheus takes them."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

FOLDER: Final = (
    Path(__file__).resolve().parents[2] / "deploy" / "observability" / "grafana" / "dashboards"
)
# What Grafana would fill in for somebody who chose everything and looks at the last hour.
CHOSEN: Final[Mapping[str, str]] = {
    "tenant": ".*",
    "opd": ".*",
    "service": ".*",
    "__rate_interval": "1m",
    "__range": "1h",
}


def documents(folder: Path = FOLDER) -> dict[str, dict[str, Any]]:
    """Return slug -> dashboard of every file, in order of their names."""
    return {
        path.stem: json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))
    }


def panels(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the panels in reading order, without the headlines between them."""
    for panel in document["panels"]:
        if panel["type"] == "row":
            yield from panel.get("panels") or []
        else:
            yield panel


def filled(expr: str, chosen: Mapping[str, str] = CHOSEN) -> str:
    """Return an expression with values for its variables. Raises KeyError for an unknown one."""
    return re.sub(r"\$(\w+)", lambda found: chosen[found[1]], expr)


def expressions(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (panel's title, expression as written) of every query."""
    for panel in panels(document):
        for target in panel["targets"]:
            yield panel["title"], target["expr"]
