"""Measures the distributed engine on a real Kafka and MongoDB, and keeps docs/benchmarks.md.

    make bench ENGINE=kafka [ARGS="--quick --only pace,consume,lives --cases 1000000 --write"]

Where two things are compared they take turns in one run, on the same servers. --quick: under four
minutes, small rounds. --rounds: how often. --cases: how many settled cases the full store has.
--write replaces the sections of what was measured in docs/benchmarks.md, and leaves the others alone.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))

from tests.load.bench import PAPER, _machine
from tests.load.engine import consuming, lives, pacing
from tests.load.engine.ground import Ground, servers
from tests.load.engine.tables import consuming_table, lives_table, pace_table
from tests.load.report import amended

USUAL: Final = ("pace", "consume", "lives")
RATES: Final = (50.0, 200.0, 500.0)
FULL: Final = 100_000
QUIET: Final = 3.0
STARVED: Final = (
    "Other work held the cores while this was measured (see the load average): every figure and every\n"
    "ratio of delays is that of a starved machine. To be measured again on a quiet one.\n"
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line wants. rounds: in turns, where two things are compared."""

    quick: bool
    rounds: int
    cases: int


async def _pace(ground: Ground, asked: Asked) -> str:
    seconds = 3.0 if asked.quick else 10.0
    return pace_table(
        await pacing.measure(ground, rates=RATES, rounds=asked.rounds, seconds=seconds)
    )


async def _consume(ground: Ground, asked: Asked) -> str:
    quick = asked.quick
    found = await consuming.measure(
        ground,
        rounds=asked.rounds,
        ours=2_000 if quick else 8_000,
        theirs=200 if quick else 800,
        seconds=4.0 if quick else 15.0,
    )
    return consuming_table(found)


async def _lives(ground: Ground, asked: Asked) -> str:
    quick = asked.quick
    found = await lives.measure(
        ground,
        cases=asked.cases,
        rounds=asked.rounds,
        count=100 if quick else 400,
        posts=200 if quick else 1_000,
        seeds=30 if quick else 100,
        rates=(20.0,) if quick else RATES,
        seconds=4.0 if quick else 10.0,
    )
    return lives_table(found)


PARTS: Final[dict[str, Callable[[Ground, Asked], Coroutine[Any, Any, str]]]] = {
    "pace": _pace,
    "consume": _consume,
    "lives": _lives,
}


def main() -> int:
    """Measure what was asked for, print it, and with --write keep it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few and small rounds")
    parser.add_argument("--only", default=",".join(USUAL), help="pace, consume, lives")
    parser.add_argument(
        "--cases", type=int, help=f"of the full store; {FULL:,}, with --quick 1,000"
    )
    parser.add_argument("--rounds", type=int, help="where two take turns; 5, with --quick 1")
    parser.add_argument("--write", action="store_true", help="keep it in docs/benchmarks.md")
    asked = parser.parse_args()
    names = asked.only.split(",")
    if unknown := [name for name in names if name not in PARTS]:
        sys.exit(f"there is no measurement {unknown[0]}")
    wanted = Asked(
        asked.quick,
        asked.rounds or (1 if asked.quick else 5),
        asked.cases or (1_000 if asked.quick else FULL),
    )
    with servers() as ground:
        facts = f"{ground.kafka.facts}; {ground.mongo.facts}"
        print(facts, flush=True)
        for name in names:
            load = os.getloadavg()[0]
            table = asyncio.run(PARTS[name](ground, wanted))
            if load > QUIET:
                table += f"\n{STARVED}"
            on = f"Kafka {ground.kafka.facts.version}, MongoDB {ground.mongo.facts.version}"
            print(table, flush=True)
            if asked.write:
                machine = f"{_machine()}, at the start {load:.1f}; {on}"
                PAPER.write_text(amended(PAPER.read_text("utf-8"), [table], machine), "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
