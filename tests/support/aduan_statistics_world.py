"""The statistics worker as its own process on a real broker, and what it shows."""

import asyncio
import os
import re
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from aduan_bus_engines import delete_topics
from aduan_harness import eventually
from aduan_statistics_lives import REFERENCE
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from aduan.contracts.topics import PARTITIONS, STATISTICS, TOPICS
from aduan_simulators.orphans import die_with_parent
from aduan_sla.domain.statistics.figures import NOW, Cell, Sums
from aduan_sla.entrypoints.statistics_stream import LETTERS
from aduan_sla.statistics.metrics import BACKLOG, COMPLIANCE, DECIDED, FLOWS

LINE: Final = re.compile(r"^(\w+)\{(.*)\} (\S+)$")
LABEL: Final = re.compile(r'(\w+)="([^"]*)"')


async def fresh_log(changelog: int = PARTITIONS, **client: Any) -> None:
    """Make empty shared topics and the worker's own, as `aduan topics apply` does.

    changelog: how many partitions it has; 0: it is not made.
    """
    sizes = {topic.name: topic.partitions for topic in TOPICS}
    names = [*sizes, STATISTICS.changelog, LETTERS]
    await delete_topics(names, **client)
    admin = AIOKafkaAdminClient(**client)
    await admin.start()
    try:
        new = [NewTopic(name, count, 1) for name, count in sizes.items()]
        compact = {"cleanup.policy": "compact"}
        new.append(NewTopic(LETTERS, 1, 1))
        if changelog:
            new.append(NewTopic(STATISTICS.changelog, changelog, 1, topic_configs=compact))
        # A topic that is being deleted is still there for a moment.
        for _ in range(50):
            errors = (await admin.create_topics(new)).topic_errors
            new = [one for one, error in zip(new, errors, strict=True) if error[1]]
            if not new:
                return
            await asyncio.sleep(0.1)
        raise AssertionError([one.name for one in new])
    finally:
        await admin.close()


@dataclass
class Worker:
    """One worker in a process of its own."""

    address: str
    folder: Path
    name: str = "w"
    more: Mapping[str, str] = field(default_factory=dict)
    process: asyncio.subprocess.Process | None = None

    def __post_init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])

    @property
    def data(self) -> Path:
        """Its folder: a table that can be had again."""
        return self.folder / f"data-{self.name}"

    @property
    def log(self) -> Path:
        """What it said."""
        return self.folder / f"{self.name}.log"

    async def start(self) -> None:
        """Start it."""
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "aduan_sla.entrypoints.statistics_stream",
                stdout=log, stderr=log, preexec_fn=die_with_parent,
                env={
                    **os.environ, "ADUAN_BUS": f"kafka://{self.address}",
                    "ADUAN_STATISTICS_REFERENCE_DIR": str(REFERENCE),
                    "ADUAN_STATISTICS_DATA_DIR": str(self.data),
                    "ADUAN_STATISTICS_PORT": str(self.port), **self.more,
                },
            )  # fmt: skip

    async def ready(self, within: float = 40.0) -> float:
        """Wait until it has its table and counts; return the seconds that took."""
        began = time.monotonic()

        async def is_ready() -> bool:
            assert self.process is not None
            assert self.process.returncode is None, self.log.read_text()[-3000:]
            return await asyncio.to_thread(self._status, "/statistics/health/ready") == 200

        await eventually(is_ready, within=within, every=0.1)
        return time.monotonic() - began

    async def kill(self) -> None:
        """kill -9."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> int:
        """SIGTERM; return the exit code."""
        return await self._end(signal.SIGTERM)

    async def _end(self, number: signal.Signals) -> int:
        assert self.process is not None
        if self.process.returncode is None:
            self.process.send_signal(number)
        async with asyncio.timeout(30):
            return await self.process.wait()

    def _status(self, path: str) -> int:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=2) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    async def series(self) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        """Scrape it: (name, labels) -> value."""
        return await asyncio.to_thread(self._series)

    def page(self) -> str:
        """Return what `/metrics` says."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=10) as answer:
            return str(answer.read().decode())

    def _series(self) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        lines = self.page().splitlines()
        found = {}
        for line in lines:
            if match := LINE.match(line):
                found[match[1], frozenset(LABEL.findall(match[2]))] = float(match[3])
            elif not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                found[name, frozenset()] = float(value)
        return found

    async def events(self) -> int:
        """Return how many events it has read since it was started."""
        with suppress(OSError):
            found = await self.series()
            return int(
                sum(n for (name, _), n in found.items() if name == "aduan_statistics_events_total")
            )
        return 0


def shown(
    scrapes: Sequence[Mapping[tuple[str, frozenset[tuple[str, str]]], float]],
    starts: Mapping[tuple[str, str], int],
) -> Sums:
    """Return the figures that several scrapes show together. starts: (period, bucket) -> start."""
    figures = {name: flow.figure for name, flow in FLOWS.items()}
    found: dict[Cell, int] = {}
    for scrape in scrapes:
        for (name, labels), value in scrape.items():
            known = dict(labels)
            if name in figures:
                figure: Any = figures[name]
            elif name == COMPLIANCE:
                figure = DECIDED[known["clock"], known["outcome"]]
            elif name == BACKLOG:
                figure = known["stage"]
            else:
                continue
            period: Any = known.get("period", NOW)
            start = 0 if period == NOW else starts[period, known["bucket"]]
            dimension: Any = known["dimension"]
            cell = Cell(figure, known["tenant"], dimension, known["value"], period, start)
            found[cell] = found.get(cell, 0) + int(value)
    return {cell: amount for cell, amount in found.items() if amount}
