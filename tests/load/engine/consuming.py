"""How fast one consuming service works: a backlog worked off, and a stream kept up with.

A backlog's rate is that between the moment when nine tenths are left and the one when a twentieth is,
by the group's committed offsets: without start-up, without the tail.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from aduan_cluster import Replica
from tests.load.engine.ground import Ground, beside, cpu_of, pid_of, run, say, services, topics
from tests.load.engine.records import Reader, reader

from aduan.contracts.topics import streams_for, topics_of

GROUP: Final = "aduan.routing"
CREATED: Final = "complaint.created"
NAIVE: Final = ("bench.in", "bench.out")
LOOK: Final = 0.1
WITHIN: Final = 400.0
SHARES: Final = (1.0, 0.85, 0.7, 0.55, 0.4)


@dataclass(frozen=True, slots=True)
class Drained:
    """A backlog worked off. seconds: from the process's start to the last committed offset.

    rate: events a second in the steady part. cpu: ms an event there, by process.
    """

    events: int
    rate: float
    seconds: float
    cpu: dict[str, float]


@dataclass(frozen=True, slots=True)
class Kept:
    """A stream offered for a while: the lag in the middle and at its end."""

    offered: float
    rate: float
    middle: int
    end: int

    @property
    def sustained(self) -> bool:
        """Whether the lag at the end is less than half a second's events, or no more than before."""
        return self.end <= max(self.rate / 2, self.middle)


@dataclass(frozen=True, slots=True)
class Consuming:
    """Rounds of both builds in turns, the stream that routing kept up with, and an outage."""

    routing: Sequence[Drained]
    naive: Sequence[Drained]
    streams: Sequence[Kept]
    outage: Drained

    @property
    def ratio(self) -> float:
        """Median over the rounds."""
        return median(
            ours.rate / theirs.rate for ours, theirs in zip(self.routing, self.naive, strict=True)
        )


async def drained(
    lag: Callable[[], Awaitable[int]],
    events: int,
    cpu: Callable[[], dict[str, float]],
    began: float,
) -> Drained:
    """Look at the lag until nothing is left."""
    first: tuple[float, int, dict[str, float]] | None = None
    last: tuple[float, int, dict[str, float]] | None = None
    while True:
        left = await lag()
        now = time.perf_counter()
        if left <= events * 0.9 and first is None:
            first = now, left, cpu()
        if first is not None and (last is None or left >= events * 0.05) and left < first[1]:
            last = now, left, cpu()
        if left == 0:
            break
        if now - began > WITHIN:
            raise SystemExit("a backlog does not drain")
        await asyncio.sleep(LOOK)
    if first is None or last is None:
        raise SystemExit("the backlog was too small to be looked at")
    done = first[1] - last[1]
    spent = {name: (last[2][name] - before) / done * 1000 for name, before in first[2].items()}
    return Drained(events, done / (last[0] - first[0]), time.perf_counter() - began, spent)


async def preloaded(ground: Ground, topic: str, count: int) -> None:
    """Put so many complaints into a topic, as fast as the broker takes them."""
    await run("offer", ground.kafka.address, topic, 0, count)


async def worked_off(ground: Ground, read: Reader, replica: Replica, events: int) -> Drained:
    """Start a service that was away; return once nothing is left for it."""
    group = f"aduan.{replica.service}"
    mine = [topic.name for topic in topics_of(*streams_for(replica.service))]
    began = time.perf_counter()
    await replica.launch()

    def cpu() -> dict[str, float]:
        return {replica.service: cpu_of(pid_of(replica)), **ground.cpu()}

    found = await drained(lambda: read.lag(group, *mine), events, cpu, began)
    await replica.until_ready()
    return found


async def naive(ground: Ground, read: Reader, replica: Replica, events: int) -> Drained:
    """Let the naive build work off as many; it has routing's settings."""
    await preloaded(ground, NAIVE[0], events)
    began = time.perf_counter()
    words = (ground.kafka.address, *NAIVE)
    async with beside("naive", *words, environment=replica.environment) as pid:

        def cpu() -> dict[str, float]:
            return {"naive": cpu_of(pid), **ground.cpu()}

        return await drained(lambda: read.lag("bench.naive", NAIVE[0]), events, cpu, began)


async def kept(ground: Ground, read: Reader, rate: float, seconds: float) -> Kept:
    """Offer a stream to the running routing; return the lag in its middle and at its end."""
    count = int(rate * seconds)
    offering = asyncio.create_task(run("offer", ground.kafka.address, CREATED, rate, count))
    lags: list[int] = []
    while not offering.done():
        lags.append(await read.lag(GROUP, CREATED))
        await asyncio.sleep(LOOK)
    taken = float((await offering)[0])
    found = Kept(rate, count / taken, lags[len(lags) * 2 // 3], lags[-1])
    while await read.lag(GROUP, CREATED):
        await asyncio.sleep(LOOK)
    return found


async def measure(
    ground: Ground, *, rounds: int, ours: int, theirs: int, seconds: float
) -> Consuming:
    """Take turns between both builds; then streams, the fastest first, until one is kept up with."""
    async with services(ground, routing=1, sla=1) as cluster, reader(ground.kafka.address) as read:
        await topics(ground, *NAIVE)
        (routing,), (sla,) = cluster.of("routing"), cluster.of("sla")
        await asyncio.gather(routing.stop(), sla.stop())
        found: tuple[list[Drained], list[Drained]] = ([], [])
        for number in range(rounds + 1):
            say(f"backlogs in turns, round {number} of {rounds}")
            await preloaded(ground, CREATED, ours)
            one = await worked_off(ground, read, routing, ours)
            await routing.stop()
            other = await naive(ground, read, routing, theirs)
            if number:  # the first warms both
                found[0].append(one)
                found[1].append(other)
        say("streams")
        await routing.launch()
        await routing.until_ready()
        top = median(one.rate for one in found[0])
        streams: list[Kept] = []
        for share in SHARES:
            streams.append(await kept(ground, read, top * share, seconds))
            if streams[-1].sustained:
                break
        await routing.stop()
        mine = [topic.name for topic in topics_of(*streams_for("sla"))]
        left = await read.lag("aduan.sla", *mine)
        say(f"{left:,} events for sla, which was away")
        outage = await worked_off(ground, read, sla, left)
        return Consuming(*found, streams, outage)
