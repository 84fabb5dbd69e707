"""Run the simulated SP4N-LAPOR!: python -m aduan_simulators.sp4n --data DIR --port N."""

import argparse
import os
from datetime import timedelta
from pathlib import Path

import uvicorn

from aduan_simulators.laporgub.control import add_clock_options, clock_of
from aduan_simulators.sp4n.app import create_app
from aduan_simulators.sp4n.desk import Behaviour


def main() -> None:
    """Read the arguments and serve until interrupted.

    What a partner shows may come from the environment, under the name that sync-laporgub reads: an
    argument is seen by whoever lists processes.
    """
    parser = argparse.ArgumentParser(prog="python -m aduan_simulators.sp4n")
    parser.add_argument("--data", type=Path, required=True, help="folder of its one SQLite file")
    parser.add_argument("--host", default="127.0.0.1", help="in a container: 0.0.0.0")
    parser.add_argument("--port", type=int, default=8102)
    parser.add_argument(
        "--bearer",
        default=_given("ADUAN_SYNC_LAPORGUB_SP4N_BEARER"),
        help="what a partner sends as Bearer",
    )
    parser.add_argument(
        "--token",
        default=_given("ADUAN_SYNC_LAPORGUB_SP4N_TOKEN"),
        help="what it sends in the token header",
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--process-after", type=float, help="seconds until a ministry has it")
    parser.add_argument("--answer-after", type=float, help="seconds until it answers")
    parser.add_argument("--close-after", type=float, help="seconds until the case is closed")
    add_clock_options(parser)
    given = parser.parse_args()
    behaviour = Behaviour(
        seed=given.seed,
        process_after=_seconds(given.process_after),
        answer_after=_seconds(given.answer_after),
        close_after=_seconds(given.close_after),
    )
    app = create_app(
        given.data,
        bearer=given.bearer,
        token=given.token,
        behaviour=behaviour,
        clock=clock_of(given),
    )
    uvicorn.run(app, host=given.host, port=given.port, log_level="warning")


def _seconds(value: float | None) -> timedelta | None:
    return None if value is None else timedelta(seconds=value)


def _given(variable: str) -> str:
    return os.environ.get(variable) or "simulator"


if __name__ == "__main__":
    main()
