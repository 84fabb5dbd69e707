"""(a) the durable POST against both yardsticks, (b) its commits. Interleaved; medians of the rounds."""

import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.load.processes import Server, load, serving

CONNECTIONS = (1, 32, 128)


@dataclass(frozen=True, slots=True)
class Measured:
    """One server's round: requests a second, CPU milliseconds a request, median latency in ms."""

    rate: float
    cpu: float
    p50: float
    p99: float


@dataclass(frozen=True, slots=True)
class Compared:
    """Medians over the rounds at one number of connections."""

    connections: int
    reference: Measured
    durable: Measured
    intake: Measured
    rate_ratio: float
    cpu_ratio: float
    durable_ratio: float
    commits: tuple[float, float]
    synchronous: tuple[int, int]


def _round(server: Server, connections: int, count: int, prefix: str) -> Measured:
    before = server.cpu()
    seen = load(server, connections, count, prefix)
    cpu = (server.cpu() - before) / count * 1000
    return Measured(count / seen["seconds"], cpu, seen["p50"] * 1000, seen["p99"] * 1000)


def _median(rounds: list[Measured]) -> Measured:
    return Measured(
        median(one.rate for one in rounds),
        median(one.cpu for one in rounds),
        median(one.p50 for one in rounds),
        median(one.p99 for one in rounds),
    )


def compare(rounds: int, count: int) -> list[Compared]:
    """Run all servers at once and load them in turn, so that a busy machine hits all alike."""
    found = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        reference = stack.enter_context(serving("reference", folder))
        durable = stack.enter_context(serving("durable", folder))
        intake = stack.enter_context(serving("intake", folder))
        for warm in (reference, durable, intake):
            load(warm, 8, 200, "warm")
        for connections in CONNECTIONS:
            amount = max(200, count // 6) if connections == 1 else count
            ours, theirs, kept, commits = [], [], [], []
            for number in range(rounds):
                prefix = f"c{connections}r{number}"
                theirs.append(_round(reference, connections, amount, prefix))
                kept.append(_round(durable, connections, amount, prefix))
                before = intake.get("/counters")
                ours.append(_round(intake, connections, amount, prefix))
                after = _settled(intake)
                commits.append(
                    ((after[0] - before["store"]) / amount, (after[1] - before["log"]) / amount)
                )
            pairs = list(zip(ours, theirs, strict=True))
            durable_ratio = median(us.rate / it.rate for us, it in zip(ours, kept, strict=True))
            synchronous = intake.get("/counters")["synchronous"]
            found.append(
                Compared(
                    connections,
                    _median(theirs),
                    _median(kept),
                    _median(ours),
                    median(us.rate / them.rate for us, them in pairs),
                    median(us.cpu / them.cpu for us, them in pairs),
                    durable_ratio,
                    (median(c[0] for c in commits), median(c[1] for c in commits)),
                    (synchronous[0], synchronous[1]),
                )
            )
    return found


def _settled(intake: Server) -> tuple[int, int]:
    """The counters once the relay is through: when they stand still but for the consumer's own."""
    deadline = time.monotonic() + 30
    before = after = intake.get("/counters")
    while time.monotonic() < deadline:
        time.sleep(0.2)
        after = intake.get("/counters")
        # Reading them commits once in each file.
        if after["store"] - before["store"] <= 1:
            break
        before = after
    return after["store"], after["log"]
