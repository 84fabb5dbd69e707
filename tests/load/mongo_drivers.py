"""Motor against PyMongo's own asynchronous client on our workload; by hand.

    .venv/bin/python -m tests.load.mongo_drivers [--seconds 2] [--rounds 12]

Both drivers run under the very store that services use, on one mongod of this run, in turns and in short rounds. An
update is what a handler does: read (or remembered), decide, compare-and-set of a document of about
1 KB with one event more, majority and journal. Prints the table of ADR 4.
"""

import argparse
import asyncio
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import median, quantiles
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from aduan_servers.mongo import Mongo
from aduan_storage_engines import with_database

from aduan.clock import SystemClock
from aduan.contracts.envelope import Raw
from aduan.storage.mongo import migrate, open_mongo
from aduan.storage.port import Change, Collection, Document, Index, Store

CASES: Final = Collection(
    name="cases",
    indexes=(Index("state", ("tenant", "state", "due")), Index("due", ("partition", "due"))),
    columns=lambda body: {"state": body["state"], "due": body["due"]},
)
DOCUMENTS: Final = 4000  # more than a store remembers, so that most updates read first
DRIVERS: Final = ("motor", "pymongo")
AT_ONCE: Final = (1, 64, 256)
TEXT: Final = "x" * 800


@dataclass(frozen=True, slots=True)
class Figure:
    """What one driver did in one round."""

    rate: float
    p50: float
    p99: float
    cpu: float


COLUMNS: Final[tuple[Callable[[Figure], float], ...]] = (
    lambda figure: figure.rate,
    lambda figure: figure.p50,
    lambda figure: figure.p99,
    lambda figure: figure.cpu,
)


def an_id(number: int) -> str:
    """A case."""
    return f"019ad3f0-0000-7000-8000-{number:012d}"


def step(document: Document | None, _now: datetime) -> Change:
    """A handler's decision: the body moves on, one event is told."""
    known = document.body if document is not None and document.body is not None else {"n": 0}
    body = {"n": known["n"] + 1, "state": "open", "due": f"d{known['n'] % 9}", "text": TEXT}
    event = Raw("complaint.progressed", b"k", b"{}" * 150, (("ce_id", b"0" * 36),))
    return Change("33.74", body, {}, [event])


async def measured(store: Store, ids: Iterator[str], *, at_once: int, seconds: float) -> Figure:
    """Run `at_once` callers for a while, each waiting for its own update."""
    took: list[float] = []
    end = time.monotonic() + seconds

    async def caller() -> None:
        while (begun := time.monotonic()) < end:
            await store.update(CASES, next(ids), step)
            took.append(time.monotonic() - begun)

    cpu, begun = time.process_time(), time.monotonic()
    await asyncio.gather(*(caller() for _ in range(at_once)))
    lasted, spent = time.monotonic() - begun, time.process_time() - cpu
    took.sort()
    return Figure(
        rate=len(took) / lasted,
        p50=took[len(took) // 2] * 1000,
        p99=took[int(len(took) * 0.99)] * 1000,
        cpu=spent / len(took) * 1e6,
    )


async def compare(root: str, seconds: float, rounds: int) -> None:
    """Measure in turns, each driver first in every other round, and print."""
    ids = (an_id(random.randrange(DOCUMENTS)) for _ in iter(int, 1))
    found: dict[tuple[int, str], list[Figure]] = {}
    async with AsyncExitStack() as opened:
        stores: dict[str, Store] = {}
        for driver in DRIVERS:
            url = with_database(root, f"load_{driver}")
            await migrate(url, [CASES], driver=driver)
            stores[driver] = await opened.enter_async_context(
                open_mongo(url, [CASES], SystemClock(), driver=driver)
            )
            for at in range(0, DOCUMENTS, 500):
                some = [an_id(number) for number in range(at, at + 500)]
                await asyncio.gather(*(stores[driver].update(CASES, id, step) for id in some))
        for number in range(rounds):
            for at_once in AT_ONCE:
                for driver in DRIVERS if number % 2 else DRIVERS[::-1]:
                    figure = await measured(stores[driver], ids, at_once=at_once, seconds=seconds)
                    found.setdefault((at_once, driver), []).append(figure)
    report(found, seconds)


def report(found: Mapping[tuple[int, str], Sequence[Figure]], seconds: float) -> None:
    """Print the table, and the ratios within each round: they hold on a busy machine too."""
    rounds = len(next(iter(found.values())))
    load = os.getloadavg()[0]
    print(f"{rounds} rounds of {seconds:g} s, medians; load of the machine {load:.1f}\n")
    print("| updates at once | driver | updates/s | p50 ms | p99 ms | CPU us an update |")
    print("|---|---|---|---|---|---|")
    for (at_once, driver), figures in found.items():
        rate, p50, p99, cpu = (median(one(figure) for figure in figures) for one in COLUMNS)
        print(f"| {at_once} | {driver} | {rate:,.0f} | {p50:.1f} | {p99:.1f} | {cpu:,.0f} |")
    print("\nPyMongo against Motor within a round: median (lowest to highest quarter)\n")
    print("| updates at once | updates/s | p50 | p99 | CPU |")
    print("|---|---|---|---|---|")
    for at_once in AT_ONCE:
        pairs = list(zip(found[at_once, "pymongo"], found[at_once, "motor"], strict=True))
        cells = []
        for one in COLUMNS:
            low, middle, high = quantiles([one(new) / one(old) for new, old in pairs], n=4)
            cells.append(f"{middle:.2f} ({low:.2f} to {high:.2f})")
        print(f"| {at_once} | {' | '.join(cells)} |")


def main() -> None:
    """Start a mongod, measure, stop it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--rounds", type=int, default=12)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="aduan-mongo-load-") as folder:
        server = Mongo(Path(folder))
        server.start()
        try:
            asyncio.run(compare(server.url, given.seconds, given.rounds))
        finally:
            server.stop()


if __name__ == "__main__":
    main()
