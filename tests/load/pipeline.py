"""(e) the whole of `aduan up`: rate through five services, time to the first routing, memory."""

import json
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tests.load.processes import ROOT, Server, ending, load

SERVICES = ("intake", "routing", "sla", "sync-laporgub", "notify")
SETTLED_WITHIN = 600.0


@dataclass(frozen=True, slots=True)
class Paced:
    """Milliseconds from complaint.created to routing's first word, by the log's own time stamps."""

    rate: float
    kept: float
    p50: float
    p99: float
    assigned: int


@dataclass(frozen=True, slots=True)
class Pipeline:
    """What one instance did. Rates per second, CPU in ms a complaint, memory in MiB."""

    posted_rate: float
    settled_rate: float
    cpu: float
    complaints: int
    paced: Sequence[Paced]
    rss_rest: float
    rss_after: float
    rss_complaints: int


@contextmanager
def up(data: Path) -> Iterator[Server]:
    """Run `aduan up` on `data` until the block is left; the key is a portal's."""
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "aduan_standalone.cli.main",
            "up",
            "--data",
            str(data),
            "--port",
            "0",
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with ending(process):
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("ready "):
                break
        else:
            raise SystemExit("`aduan up` did not get ready")
        port = int(line.rpartition(":")[2])
        token = (data / "operator.token").read_text().strip()
        yield Server(process.pid, port, token)


def portal_key(server: Server) -> str:
    """Make a portal and return its key."""
    asked = urllib.request.Request(
        f"http://127.0.0.1:{server.port}/v1/portals",
        data=json.dumps({"code": "bench", "name": "bench"}).encode(),
        headers={"Authorization": f"Bearer {server.key}", "Content-Type": "application/json"},
        method="POST",
    )
    with urllib.request.urlopen(asked, timeout=30) as answer:
        key: str = json.load(answer)["key"]
    return key


def settle(server: Server, *, within: float = SETTLED_WITHIN) -> None:
    """Wait until nothing is pending, held, in flight or behind in any service."""
    deadline = time.monotonic() + within
    quiet = 0
    while quiet < 2:
        if time.monotonic() > deadline:
            raise SystemExit("the pipeline does not settle")
        told = [server.get(f"/{name}/ops/status") for name in SERVICES]
        busy = any(one["pending"] + one["lag"] + one["in_flight"] for one in told)
        quiet = 0 if busy else quiet + 1
        time.sleep(0.1)


def _first_word(data: Path, since: int) -> tuple[list[float], int]:
    with sqlite3.connect(f"file:{data / 'log.db'}?mode=ro", uri=True) as log:
        rows = log.execute(
            "SELECT c.at, MIN(r.at), MAX(r.topic = 'complaint.assigned') FROM log c"
            " JOIN log r ON r.key = c.key"
            " AND r.topic IN ('complaint.assigned', 'complaint.progressed')"
            " WHERE c.topic = 'complaint.created' AND c.number > ? GROUP BY c.key",
            (since,),
        ).fetchall()
    return sorted((row[1] - row[0]) * 1000 for row in rows), sum(row[2] for row in rows)


def _log_end(data: Path) -> int:
    with sqlite3.connect(f"file:{data / 'log.db'}?mode=ro", uri=True) as log:
        return int(log.execute("SELECT COALESCE(MAX(number), 0) FROM log").fetchone()[0])


def measure(count: int, rates: Sequence[float], seconds: float) -> Pipeline:
    """Run the whole once. count: complaints at full speed; seconds: how long each pace is kept."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        data = Path(folder) / "data"
        with up(data) as operator:
            portal = replace(operator, key=portal_key(operator))
            load(portal, 8, 50, "warm")
            settle(operator)
            rest = operator.rss()
            paced = []
            for rate in rates:
                since = _log_end(data)
                amount = int(rate * seconds)
                seen = load(portal, 32, amount, f"pace{rate:g}", rate)
                settle(operator)
                waits, assigned = _first_word(data, since)
                if len(waits) != amount:
                    raise SystemExit(f"{len(waits)} of {amount} were routed")
                paced.append(
                    Paced(
                        rate,
                        amount / seen["seconds"],
                        waits[len(waits) // 2],
                        waits[int(len(waits) * 0.99)],
                        assigned,
                    )
                )
            cpu, began = operator.cpu(), time.perf_counter()
            seen = load(portal, 64, count, "full")
            settle(operator)
            taken = time.perf_counter() - began
            total = 50 + count + sum(int(rate * seconds) for rate in rates)
            return Pipeline(
                count / seen["seconds"],
                count / taken,
                (operator.cpu() - cpu) / count * 1000,
                count,
                tuple(paced),
                rest,
                operator.rss(),
                total,
            )
