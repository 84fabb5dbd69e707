"""Motor against PyMongo's own asynchronous client on our workload; by hand.

    .venv/bin/python -m tests.load.mongo_drivers [--seconds 5] [--rounds 3]

Both drivers run under the very store that services use, on one mongod of this run, in turns. An
update is what a handler does: read (or remembered), decide, compare-and-set of a document of about
1 KB with one event more, majority and journal. Prints the table of ADR 4.
"""

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
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
TEXT: Final = "x" * 800


@dataclass(frozen=True, slots=True)
class Figure:
    """What one driver did in one round."""

    rate: float
    p50: float
    p99: float
    cpu: float


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
    """Measure in turns and print."""
    found: dict[tuple[str, int], list[Figure]] = {}
    for _ in range(rounds):
        for driver in ("motor", "pymongo"):
            url = with_database(root, f"load_{driver}")
            await migrate(url, [CASES], driver=driver)
            async with open_mongo(url, [CASES], SystemClock(), driver=driver) as store:
                ids = (an_id(random.randrange(DOCUMENTS)) for _ in iter(int, 1))
                fill = [an_id(number) for number in range(DOCUMENTS)]
                for at in range(0, DOCUMENTS, 500):
                    await asyncio.gather(
                        *(store.update(CASES, id, step) for id in fill[at : at + 500])
                    )
                for at_once in (1, 64, 256):
                    figure = await measured(store, ids, at_once=at_once, seconds=seconds)
                    found.setdefault((driver, at_once), []).append(figure)
    print(f"{rounds} rounds of {seconds:.0f} s, medians\n")
    print("| driver | updates at once | updates/s | p50 ms | p99 ms | CPU us an update |")
    print("|---|---|---|---|---|---|")
    for (driver, at_once), figures in sorted(found.items(), key=lambda one: (one[0][1], one[0][0])):
        rate, p50, p99, cpu = (
            statistics.median(getattr(figure, name) for figure in figures)
            for name in ("rate", "p50", "p99", "cpu")
        )
        print(f"| {driver} | {at_once} | {rate:,.0f} | {p50:.1f} | {p99:.1f} | {cpu:,.0f} |")


def main() -> None:
    """Start a mongod, measure, stop it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=3)
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
