"""(f) `aduan demo` from its process start to the first complaint that routing has decided on."""

import json
import subprocess
import sys
import tempfile
import time
import urllib.error
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from tests.load.processes import ROOT, Server, ending

GIVE_UP_SECONDS = 60.0
LOOK_SECONDS = 0.02
DECIDED = ("assigned", "triage")
SAMPLES = ROOT / "reference" / "samples" / "complaints.jsonl"


@dataclass(frozen=True, slots=True)
class Started:
    """Seconds since the process was started.

    ready: all five services are. first: routing has decided a case, which may be one that the
    simulated partner held. sample: it has decided one of the fed samples.
    """

    ready: float
    first: float
    sample: float


def measure(rounds: int) -> list[Started]:
    """Start it so often; a start before them fills the caches and is not counted."""
    samples = {json.loads(line)["text"] for line in SAMPLES.read_text("utf-8").splitlines()}
    return [_start(samples) for _ in range(rounds + 1)][1:]


def medians(starts: list[Started]) -> Started:
    """Return the median of each."""
    return Started(
        median(one.ready for one in starts),
        median(one.first for one in starts),
        median(one.sample for one in starts),
    )


def _start(samples: set[str]) -> Started:
    """Start a demo on a fresh folder, as `make demo` does once everything is installed."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        data = Path(folder) / "data"
        words = ["-m", "aduan_standalone.cli.main", "demo", "--data", str(data), "--port", "0"]
        began = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, *words],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        with ending(process):
            server = _announced(data, process, began)
            ready, first = time.perf_counter() - began, 0.0
            while True:
                seen = _decided(server)
                now = time.perf_counter() - began
                first = first or (now if seen else 0.0)
                if any(case["text"] in samples for case in seen):
                    return Started(ready, first, now)
                _patience(process, began)


def _announced(data: Path, process: "subprocess.Popen[str]", began: float) -> Server:
    # The instance writes this file, whole, when all five services are ready.
    while not (data / "instance.json").exists():
        _patience(process, began)
    told = json.loads((data / "instance.json").read_text())
    token = (data / "operator.token").read_text().strip()
    return Server(process.pid, int(told["url"].rpartition(":")[2]), token)


def _decided(server: Server) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for state in DECIDED:
        try:
            found += server.get(f"/v1/cases?state={state}&limit=50")["items"]
        except urllib.error.URLError:
            return []
    return found


def _patience(process: "subprocess.Popen[str]", began: float) -> None:
    if process.poll() is not None:
        raise SystemExit(f"the demo ended by itself with code {process.returncode}")
    if time.perf_counter() - began > GIVE_UP_SECONDS:
        raise SystemExit("the demo does not get to a first case")
    time.sleep(LOOK_SECONDS)
