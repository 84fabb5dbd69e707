"""Writes the alerts of deploy/observability as a resource of the Prometheus operator, for deploy/k8s.

prometheus_rule.py           writes
prometheus_rule.py --check   ends with 1 when the file is not what the alerts say
"""

import sys
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).resolve().parent.parent
ALERTS: Final = ROOT / "deploy" / "observability" / "alerts"
FILE: Final = ROOT / "deploy" / "k8s" / "components" / "monitoring" / "rules.yaml"
HEAD: Final = "# Written by tools/prometheus_rule.py from deploy/observability/alerts.\n"


def rule() -> dict[str, Any]:
    """Return one resource with the groups of all files."""
    groups = [
        group
        for path in sorted(ALERTS.glob("*.yml"))
        for group in yaml.safe_load(path.read_text("utf-8"))["groups"]
    ]
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "aduan"},
        "spec": {"groups": groups},
    }


def main(arguments: list[str]) -> int:
    """Write the file, or with --check say that it is not current."""
    text = HEAD + yaml.safe_dump(rule(), sort_keys=False, allow_unicode=True, width=120)
    current = FILE.exists() and FILE.read_text("utf-8") == text
    if arguments == ["--check"]:
        if not current:
            sys.stderr.write(f"{FILE.name} is not what the alerts say: tools/prometheus_rule.py\n")
        return 0 if current else 1
    FILE.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
