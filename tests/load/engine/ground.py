"""What every measurement stands on: one broker, one database, services as processes of their own."""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog
from aduan_cluster import Cluster, Replica
from aduan_servers import choice
from aduan_servers.choice import KafkaEndpoint, MongoEndpoint
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from aduan.contracts.topics import PARTITIONS
from aduan_standalone.cli.instance import SERVICES

ROOT: Final = Path(__file__).resolve().parents[3]
TICKS: Final = os.sysconf("SC_CLK_TCK")
# The services' own defaults; tests look more often.
PACE: Final = {
    "ADUAN_ROUTING_TICK_SECONDS": "1",
    "ADUAN_SLA_TICK_SECONDS": "1",
    "ADUAN_NOTIFY_POLL_SECONDS": "0.5",
}


@dataclass(frozen=True, slots=True)
class Ground:
    """The servers of one run, and a folder for everything else."""

    folder: Path
    kafka: KafkaEndpoint
    mongo: MongoEndpoint

    def cpu(self) -> dict[str, float]:
        """CPU seconds of both servers so far; a server that does not tell its pid is left out."""
        pids = {"broker": self.kafka.facts.pids, "mongod": self.mongo.facts.pids}
        return {name: sum(map(cpu_of, found)) for name, found in pids.items() if found}

    def log_bytes(self) -> dict[str, int]:
        """Bytes of record segments by topic; of an own broker only."""
        if self.kafka.server is None:
            return {}
        sizes: dict[str, int] = {}
        for node in self.kafka.server.nodes:
            for path in node.data.glob("*-*/*.log"):
                topic = path.parent.name.rpartition("-")[0]
                sizes[topic] = sizes.get(topic, 0) + path.stat().st_size
        return sizes


@contextmanager
def servers() -> Iterator[Ground]:
    """Have both servers until the block is left."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    with tempfile.TemporaryDirectory(prefix="bench-engine-") as name:
        folder = Path(name)
        kafka = choice.kafka(folder / "kafka")
        try:
            mongo = choice.mongodb(folder / "mongod")
            try:
                yield Ground(folder, kafka, mongo)
            finally:
                mongo.end()
        finally:
            kafka.end()


@asynccontextmanager
async def services(ground: Ground, **replicas: int) -> AsyncIterator[Cluster]:
    """Run these services, one database each, on empty topics; without partners and without mail.

    replicas: by service with `_` for `-`; a service that is not named does not run.
    """
    counts = {name: replicas.get(name.replace("-", "_"), 0) for name in SERVICES}
    folder = ground.folder / f"cluster-{time.monotonic_ns()}"
    cluster = Cluster(
        folder, kafka=ground.kafka.address, mongo=ground.mongo, replicas=counts,
        simulators=False, extra=PACE,
    )  # fmt: skip
    async with cluster:
        yield cluster


async def topics(ground: Ground, *names: str) -> None:
    """Make topics of the bench's own, with as many partitions as the shared ones."""
    admin = AIOKafkaAdminClient(bootstrap_servers=ground.kafka.address)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, PARTITIONS, 1) for name in names])
    finally:
        await admin.close()


def say(words: str) -> None:
    """Tell whoever waits how far it is."""
    print(f"{time.strftime('%H:%M:%S')} {words}", file=sys.stderr, flush=True)


def cpu_of(pid: int) -> float:
    """CPU seconds of all threads of a process so far, in user and system mode."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def pid_of(replica: Replica) -> int:
    """Return the process of a replica that runs."""
    assert replica.process is not None
    return replica.process.pid


@asynccontextmanager
async def beside(
    module: str, *words: str, environment: Mapping[str, str] | None = None
) -> AsyncIterator[int]:
    """Run a module until the block is left, from when it has said "ready"; gives its pid."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"tests.load.engine.{module}", *words,
        cwd=ROOT, stdout=asyncio.subprocess.PIPE, env={**os.environ, **(environment or {})},
    )  # fmt: skip
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            said = await process.stdout.readline()
        if said != b"ready\n":
            raise SystemExit(f"{module} did not get ready")
        yield process.pid
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def run(module: str, *words: object) -> Sequence[str]:
    """Run a module to its end; return the words of its last line."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"tests.load.engine.{module}", *map(str, words),
        cwd=ROOT, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await process.communicate()
    if process.returncode:
        raise SystemExit(f"{module} failed")
    return out.decode().splitlines()[-1].split()


def middle(values: Sequence[float], share: float = 0.5) -> float:
    """Return the value below which this share of the values lies."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]
