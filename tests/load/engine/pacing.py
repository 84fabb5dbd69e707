"""From created to routing's first word at a given rate, against a bare ping-pong on the same broker.

Both are offered the same events by the same process, in turns; both delays run from one record's
CreateTime to the other's, so both end when the answer is made and before the broker has it.
"""

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from aduan_cluster import Cluster
from tests.load.engine.ground import ROOT, Ground, beside, middle, run, say, services, topics
from tests.load.engine.records import Ends, Reader, reader
from tests.load.engine.world import portal, settled

PINGS: Final = ("bench.ping", "bench.pong")
CREATED: Final = "complaint.created"
WORDS: Final = ("complaint.assigned", "complaint.progressed")
WITHIN: Final = 120.0


@dataclass(frozen=True, slots=True)
class Delay:
    """Milliseconds; offered and kept: events a second, until the last was sent, and answered."""

    offered: float
    kept: float
    p50: float
    p99: float
    assigned: int
    count: int


@dataclass(frozen=True, slots=True)
class Pace:
    """Rounds in turns at one rate."""

    rate: float
    bare: Sequence[Delay]
    routing: Sequence[Delay]

    @property
    def ratio(self) -> float:
        """Of the 99th percentiles; median over the rounds."""
        pairs = zip(self.routing, self.bare, strict=True)
        return median(ours.p99 / max(theirs.p99, 1) for ours, theirs in pairs)


async def answered(
    ground: Ground, read: Reader, ask: str, answers: Sequence[str], rate: float, seconds: float
) -> Delay:
    """Offer for a while; return when every event has its first answer."""
    count, begin = int(rate * seconds), await read.ends(ask, *answers)
    taken = float((await run("offer", ground.kafka.address, ask, rate, count))[0])
    return await delays(read, begin, ask, answers, count, taken)


async def delays(
    read: Reader, begin: Ends, ask: str, answers: Sequence[str], count: int,
    taken: float,
) -> Delay:  # fmt: skip
    """Wait for the answers and read both back."""
    asked: dict[bytes, int] = {}
    first: dict[bytes, int] = {}
    assigned: set[bytes] = set()
    until = time.monotonic() + WITHIN
    while len(first) < count:
        if time.monotonic() > until:
            raise SystemExit(f"{len(first)} of {count} were answered")
        await asyncio.sleep(0.5)
        end = await read.ends(ask, *answers)
        asked, first, assigned = {}, {}, set()
        for one in await read.between(begin, end):
            if one.topic == ask:
                asked[one.key] = one.at
            else:
                first[one.key] = min(one.at, first.get(one.key, one.at))
                if one.topic == "complaint.assigned":
                    assigned.add(one.key)
    waits = [first[key] - at for key, at in asked.items()]
    span = (max(first.values()) - min(asked.values())) / 1000
    return Delay(
        count / taken, count / span, middle(waits), middle(waits, 0.99), len(assigned), count
    )


async def measure(
    ground: Ground, *, rates: Sequence[float], rounds: int, seconds: float
) -> Sequence[Pace]:
    """Take turns between both at each rate."""
    found: list[Pace] = []
    async with services(ground, routing=1), reader(ground.kafka.address) as read:
        await topics(ground, *PINGS)
        async with beside("pingpong", ground.kafka.address, *PINGS):
            for ask, answers in ((PINGS[0], PINGS[1:]), (CREATED, WORDS)):
                await answered(ground, read, ask, answers, 50, 3)  # warms both
            for rate in rates:
                say(f"{rate:g}/s, in turns")
                bare: list[Delay] = []
                ours: list[Delay] = []
                for _ in range(rounds):
                    bare.append(await answered(ground, read, PINGS[0], PINGS[1:], rate, seconds))
                    ours.append(await answered(ground, read, CREATED, WORDS, rate, seconds))
                found.append(Pace(rate, bare, ours))
    return found


async def over_http(
    cluster: Cluster, ground: Ground, read: Reader, rates: Sequence[float], seconds: float
) -> Sequence[tuple[float, Delay]]:
    """The same through intake's HTTP, with all five services at work on the same cores."""
    key = await portal(cluster, "paced")
    found: list[tuple[float, Delay]] = []
    for rate in rates:
        begin = await read.ends(CREATED, *WORDS)
        taken = await posted(cluster, key, int(rate * seconds), f"pace{rate:g}-", rate)
        delay = await delays(read, begin, CREATED, WORDS, int(rate * seconds), taken)
        found.append((rate, delay))
        await settled(read)
    return found


async def posted(cluster: Cluster, key: str, count: int, prefix: str, rate: float = 0.0) -> float:
    """Post complaints from a process of its own; return the seconds until the last answer."""
    (intake,) = cluster.of("intake")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.load.client",
        str(intake.port), key, "32", str(count), prefix, str(rate),
        cwd=ROOT, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await process.communicate()
    seen = json.loads(out)
    if set(seen["statuses"]) - {"201", "202"}:
        raise SystemExit(f"refused: {seen['statuses']}")
    return float(seen["seconds"])
