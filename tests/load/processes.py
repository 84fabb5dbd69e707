"""Starts the measured processes and reads what they cost."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    pid: int
    port: int
    key: str

    def cpu(self) -> float:
        """CPU seconds of all its threads so far, in user and system mode."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def rss(self) -> float:
        """Resident memory in MiB."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def memory(self) -> dict[str, float]:
        """MiB by the names of /proc/PID/status: VmRSS, RssAnon of it, VmHWM the most ever."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        fields = (line.split() for line in lines if line.endswith(" kB"))
        return {name.rstrip(":"): int(kib) / 1024 for name, kib, _ in fields}

    def get(self, path: str) -> Any:
        """Return the JSON of a GET with the server's key."""
        asked = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", headers={"Authorization": f"Bearer {self.key}"}
        )
        with urllib.request.urlopen(asked, timeout=30) as answer:
            return json.load(answer)


@contextmanager
def serving(kind: str, folder: Path) -> Iterator[Server]:
    """Run one of the compared servers until the block is left."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.load.server", kind, str(folder)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    with ending(process):
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        yield Server(process.pid, told["port"], told["key"])


@contextmanager
def ending(process: "subprocess.Popen[str]") -> Iterator[None]:
    """Stop this process, and no other, when the block is left."""
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def load(
    server: Server,
    connections: int,
    count: int,
    prefix: str,
    rate: float = 0.0,
    *,
    within: float = 600.0,
) -> dict[str, Any]:
    """Send `count` complaints; return what the client saw. Fails if one was refused."""
    words = [str(server.port), server.key or "-", str(connections), str(count), prefix, str(rate)]
    told = subprocess.run(
        [sys.executable, "-m", "tests.load.client", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=within,
    )
    seen: dict[str, Any] = json.loads(told.stdout)
    if set(seen["statuses"]) - {"201", "202"}:
        raise SystemExit(f"refused: {seen['statuses']}")
    return seen
