"""(g) what all five services hold and how fast they still are, the more complaints they have had."""

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tests.load.pipeline import SERVICES, portal_key, settle, up
from tests.load.processes import Server, load

STOPS = (10_000, 25_000, 50_000, 100_000)
SMALL = (500, 1_000)
# More of them only wait longer: the instance is one process and its core is busy with a few.
CONNECTIONS = 32
SETTLED_WITHIN = 3_600.0


@dataclass(frozen=True, slots=True)
class Stretch:
    """The way to one stop. Rates per second, CPU in ms a complaint, p99 of a POST in ms."""

    posted_rate: float
    settled_rate: float
    cpu: float
    p99: float


@dataclass(frozen=True, slots=True)
class Stop:
    """What the instance holds once everything is settled, in MiB. way: None at the start.

    status: ms that the numbers of all five services take, which `aduan status` asks for.
    """

    complaints: int
    rss: float
    anonymous: float
    peak: float
    folder: float
    status: float
    way: Stretch | None


@dataclass(frozen=True, slots=True)
class Growth:
    """The stops of one run, and the files (with their WAL) at its end in MiB."""

    stops: Sequence[Stop]
    files: Mapping[str, float]


def measure(stops: Sequence[int]) -> Growth:
    """Run the whole once: complaints at full speed to each stop, then a rest until settled."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        data = Path(folder) / "data"
        with up(data) as operator:
            portal = replace(operator, key=portal_key(operator))
            settle(operator)
            found = [_stop(0, operator, data, None)]
            done = 0
            for stop in stops:
                way = _go(operator, portal, stop - done, f"to{stop}")
                found.append(_stop(stop, operator, data, way))
                done = stop
                print(
                    f"{stop:,}: {found[-1].rss:.0f} MiB, {way.settled_rate:.0f}/s,"
                    f" {way.cpu:.1f} CPU ms each",
                    flush=True,
                )
            return Growth(found, _files(data))


def _go(operator: Server, portal: Server, count: int, prefix: str) -> Stretch:
    cpu, began = operator.cpu(), time.perf_counter()
    seen = load(portal, CONNECTIONS, count, prefix, within=SETTLED_WITHIN)
    settle(operator, within=SETTLED_WITHIN)
    taken = time.perf_counter() - began
    return Stretch(
        count / seen["seconds"],
        count / taken,
        (operator.cpu() - cpu) / count * 1000,
        seen["p99"] * 1000,
    )


def _stop(complaints: int, operator: Server, data: Path, way: Stretch | None) -> Stop:
    held, began = operator.memory(), time.perf_counter()
    for name in SERVICES:
        operator.get(f"/{name}/ops/status")
    return Stop(
        complaints,
        held["VmRSS"],
        held["RssAnon"],
        held["VmHWM"],
        sum(_files(data).values()),
        (time.perf_counter() - began) * 1000,
        way,
    )


def _files(data: Path) -> dict[str, float]:
    """Return MiB by database; -wal and -shm count for theirs, the small rest as `others`."""
    sizes: dict[str, float] = {}
    for path in data.rglob("*"):
        if path.is_file():
            name = path.name.partition(".db")[0] if ".db" in path.name else "others"
            sizes[name] = sizes.get(name, 0.0) + path.stat().st_size / 2**20
    return sizes
