"""Run the simulated LaporGub: python -m aduan_simulators.laporgub --data DIR --port N."""

import argparse
import os
from datetime import timedelta
from pathlib import Path

import uvicorn

from aduan_simulators.laporgub.app import create_app
from aduan_simulators.laporgub.control import add_clock_options, clock_of
from aduan_simulators.laporgub.desk import Behaviour


def main() -> None:
    """Read the arguments and serve until interrupted.

    What a partner shows may come from the environment, under the name that sync-laporgub reads: an
    argument is seen by whoever lists processes.
    """
    parser = argparse.ArgumentParser(prog="python -m aduan_simulators.laporgub")
    parser.add_argument("--data", type=Path, required=True, help="folder of its one SQLite file")
    parser.add_argument("--host", default="127.0.0.1", help="in a container: 0.0.0.0")
    parser.add_argument("--port", type=int, default=8101)
    parser.add_argument(
        "--token",
        default=_given("ADUAN_SYNC_LAPORGUB_LAPORGUB_TOKEN"),
        help="what a partner sends as Bearer",
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--inbound", type=int, default=0, help="reports from citizens, in all")
    parser.add_argument("--inbound-every", type=float, default=5.0, help="seconds between them")
    parser.add_argument("--verify-after", type=float, help="seconds until staff verify")
    add_clock_options(parser)
    given = parser.parse_args()
    verify = None if given.verify_after is None else timedelta(seconds=given.verify_after)
    behaviour = Behaviour(
        seed=given.seed,
        verify_after=verify,
        inbound_total=given.inbound,
        inbound_every=timedelta(seconds=given.inbound_every),
    )
    app = create_app(given.data, token=given.token, behaviour=behaviour, clock=clock_of(given))
    uvicorn.run(app, host=given.host, port=given.port, log_level="warning")


def _given(variable: str) -> str:
    return os.environ.get(variable) or "simulator"


if __name__ == "__main__":
    main()
