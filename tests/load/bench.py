"""Measures ratios in one interleaved run and keeps docs/benchmarks.md.

    python -m tests.load.bench [--quick] [--only post,tick,drain,pipeline] [--write]

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

from tests.load import inside, intake_post, pipeline
from tests.load.report import (
    drain_table,
    page,
    pipeline_table,
    post_table,
    tick_table,
)

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
    parser.add_argument("--only", default="post,tick,drain,pipeline")
    parser.add_argument("--write", action="store_true", help="replace docs/benchmarks.md")
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
    }
    names = asked.only.split(",")
    if unknown := [name for name in names if name not in parts]:
        sys.exit(f"there is no measurement {unknown[0]}")
    tables = []
    for name in names:
        tables.append(parts[name]())
        print(tables[-1], flush=True)
    if asked.write:
        PAPER.write_text(page(tables, _machine()), "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
