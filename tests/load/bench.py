"""Measures ratios in one interleaved run and keeps docs/benchmarks.md.

    python -m tests.load.bench [--quick] [--only post,tick,drain,pipeline,warm] [--write]
    python -m tests.load.bench --large [--write]

--large sends 100,000 complaints through all five services and takes half an hour or more; it runs
alone. --write after a part of the measurements replaces their sections and keeps the others.

Times are worth little on a machine that others use; ratios to a reference that ran in between are
worth more. What can be counted (commits) is a test: tests/unit/core/test_commits.py.
"""

import argparse
import asyncio
import os
import platform
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from tests.load import growth, inside, intake_post, pipeline, warm_start
from tests.load.report import (
    amended,
    drain_table,
    growth_table,
    page,
    pipeline_table,
    post_table,
    tick_table,
    warm_table,
)

USUAL = ("post", "tick", "drain", "pipeline", "warm")
PAPER = Path(__file__).resolve().parents[2] / "docs" / "benchmarks.md"


def _machine() -> str:
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    day = datetime.now(UTC).date().isoformat()
    return (
        f"{day}, {os.cpu_count()} cores, Python {platform.python_version()},"
        f" {platform.system()} {platform.machine()}; load average at the end {load}"
    )


def main() -> int:
    """Measure what was asked for, print it, and with --write keep it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few and small rounds")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--only", default=",".join(USUAL))
    which.add_argument("--large", action="store_true", help="100,000 complaints, alone")
    parser.add_argument("--write", action="store_true", help="keep it in docs/benchmarks.md")
    asked = parser.parse_args()
    small = asked.quick
    parts: dict[str, Callable[[], str]] = {
        "post": lambda: post_table(
            intake_post.compare(2 if small else 5, 1_000 if small else 3_000)
        ),
        "tick": lambda: tick_table(
            asyncio.run(inside.ticks(1_000, 10_000 if small else 100_000, rounds=3 if small else 5))
        ),
        "drain": lambda: drain_table(
            [asyncio.run(inside.drain(1_000 if small else 5_000)) for _ in range(3)]
        ),
        "pipeline": lambda: pipeline_table(
            pipeline.measure(
                500 if small else 5_000, (20.0,) if small else (50.0, 200.0), 3 if small else 10
            )
        ),
        "warm": lambda: warm_table(warm_start.measure(1 if small else 3)),
        "large": lambda: growth_table(growth.measure(growth.SMALL if small else growth.STOPS)),
    }
    names = ["large"] if asked.large else asked.only.split(",")
    if unknown := [name for name in names if name not in parts]:
        sys.exit(f"there is no measurement {unknown[0]}")
    tables = []
    for name in names:
        tables.append(parts[name]())
        print(tables[-1], flush=True)
    if asked.write:
        _keep(tables, whole=names == list(USUAL))
    return 0


def _keep(tables: list[str], *, whole: bool) -> None:
    paper = PAPER.read_text("utf-8")
    PAPER.write_text(
        page(paper, tables, _machine()) if whole else amended(paper, tables, _machine()), "utf-8"
    )


if __name__ == "__main__":
    raise SystemExit(main())
