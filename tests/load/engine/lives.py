"""Whole lives of cases over HTTP, beside few and beside many settled cases; and what one costs.

A life: a complaint is posted, routing opens its case, the coordinator assigns it, the office accepts,
starts and answers, the coordinator closes. One broker and one set of processes: between the rounds
they are stopped and started on the other five databases, so both are measured in turns.
"""

import asyncio
import time
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from aduan_cluster import Cluster
from aduan_servers.mongo import connected
from tests.load.engine import clones
from tests.load.engine.ground import Ground, cpu_of, pid_of, say, services
from tests.load.engine.pacing import Delay, over_http, posted
from tests.load.engine.records import Reader, reader
from tests.load.engine.world import OFFICE, VAGUE, Caller, office, portal, settled

from aduan_standalone.cli.instance import SERVICES

AT_ONCE: Final = 16


@dataclass(frozen=True, slots=True)
class Keys:
    """Who acts."""

    portal: str
    office: str
    operator: str


@dataclass(frozen=True, slots=True)
class Cost:
    """What one complaint took: CPU ms by process, bytes in the log and in the database by owner.

    data: of documents as they are; disk: of their files, compressed, with indexes.
    """

    rate: float
    cpu: Mapping[str, float]
    log: Mapping[str, float]
    data: Mapping[str, float]
    disk: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Lives:
    """Lives a second in rounds, few and many in turns; costs; paces over HTTP; CPU ms/s at rest."""

    cases: int
    few: Sequence[float]
    many: Sequence[float]
    filled: float
    routed: Cost
    whole: Cost
    idle: float
    paced: Sequence[tuple[float, Delay]]

    @property
    def ratio(self) -> float:
        """Median over the rounds."""
        return median(many / few for few, many in zip(self.few, self.many, strict=True))


async def life(cluster: Cluster, keys: Keys, callers: Mapping[str, Caller], name: str) -> None:
    """Carry one case through."""
    intake, routing = callers["intake"], callers["routing"]
    body = {"external_id": name, "text": VAGUE}
    made = await intake.must("POST", "/v1/complaints", body, key=keys.portal)
    path = f"/v1/cases/{made['ticket']}"
    while True:
        status, case = await routing.ask("GET", path)
        if status == 200:
            break
        await asyncio.sleep(0.02)
    opd = case["opd"]
    if opd is None:
        opd = OFFICE
        await routing.must("POST", f"{path}/assign", {"opd": opd})
    steps: Sequence[tuple[str, dict[str, Any], str]] = (
        ("accept", {}, keys.office),
        ("start", {}, keys.office),
        ("answer", {"text": "Sudah kami tangani, terima kasih."}, keys.office),
        ("close", {"reason": "Selesai."}, keys.operator),
    )
    for action, words, key in steps:
        once = f"{action}-of-{name}"
        await routing.must("POST", f"{path}/{action}", words, key=key, once=once)


async def lives(cluster: Cluster, keys: Keys, count: int, prefix: str) -> float:
    """Carry many through, some at once; return how many a second."""
    names = iter([f"{prefix}-{number:08d}" for number in range(count)])

    async def worker() -> None:
        callers = {
            name: Caller(cluster.of(name)[0], keys.operator) for name in ("intake", "routing")
        }
        for name in names:
            await life(cluster, keys, callers, name)

    began = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(AT_ONCE)))
    return count / (time.perf_counter() - began)


def spent(ground: Ground, cluster: Cluster) -> dict[str, float]:
    """CPU seconds so far, by process."""
    return {one.service: cpu_of(pid_of(one)) for one in cluster.replicas} | ground.cpu()


def sizes(ground: Ground, stores: Mapping[str, str]) -> tuple[dict[str, float], dict[str, float]]:
    """Return (documents, files) in bytes by service."""
    with connected(ground.mongo.url) as client:
        client.admin.command("fsync")
        found = {name: client[stores[name]].command("dbStats") for name in SERVICES}
    data = {name: float(one["dataSize"]) for name, one in found.items()}
    return data, {name: float(one["totalSize"]) for name, one in found.items()}


def per(after: Mapping[str, float], before: Mapping[str, float], count: int) -> dict[str, float]:
    """Return what was added for each."""
    return {name: (value - before.get(name, 0)) / count for name, value in after.items()}


async def costed(
    ground: Ground, cluster: Cluster, read: Reader, count: int, work: Awaitable[float]
) -> Cost:
    """Do the work, wait until all is at rest, and return what each took."""
    stores = {name: cluster.database(name) for name in SERVICES}
    cpu, log = spent(ground, cluster), ground.log_bytes()
    data, disk = await asyncio.to_thread(sizes, ground, stores)
    began = time.perf_counter()
    await work
    await settled(read)
    # `settled` looks three times half a second apart at what has come to rest already
    taken = time.perf_counter() - began - 1.0
    later, files = await asyncio.to_thread(sizes, ground, stores)
    after = spent(ground, cluster)
    grown = {name: float(size) for name, size in ground.log_bytes().items() if "." in name}
    return Cost(
        count / taken,
        {name: ms * 1000 for name, ms in per(after, cpu, count).items()},
        per(grown, {name: float(size) for name, size in log.items()}, count),
        per(later, data, count),
        per(files, disk, count),
    )


async def onto(cluster: Cluster, stores: Mapping[str, str]) -> None:
    """Start all processes on other databases, where they are not on them."""
    await asyncio.gather(*(one.stop() for one in cluster.replicas))
    for one in cluster.replicas:
        one.environment = {**one.environment, "ADUAN_STORE": stores[one.service]}
    await asyncio.gather(*(one.launch() for one in cluster.replicas))
    await cluster.until_ready()


async def measure(
    ground: Ground,
    *,
    cases: int,
    rounds: int,
    count: int,
    posts: int,
    seeds: int,
    rates: Sequence[float],
    seconds: float,
) -> Lives:
    """Measure all of it on one cluster. cases: how many the full store has."""
    everyone = {name.replace("-", "_"): 1 for name in SERVICES}
    async with services(ground, **everyone) as cluster, reader(ground.kafka.address) as read:
        keys = Keys(await portal(cluster, "bench"), await office(cluster, OFFICE), cluster.token)
        say(f"{seeds} lives, to be copied later")
        await lives(cluster, keys, seeds, "seed")
        await settled(read)
        say("posting at given rates")
        paced = await over_http(cluster, ground, read, rates, seconds)
        before = sum(spent(ground, cluster).values())
        await asyncio.sleep(5)
        idle = (sum(spent(ground, cluster).values()) - before) / 5 * 1000
        say(f"posting {posts} at full speed, then {count} whole lives")
        routed = await costed(
            ground, cluster, read, posts, posted(cluster, keys.portal, posts, "cost")
        )
        whole = await costed(ground, cluster, read, count, lives(cluster, keys, count, "whole"))
        few = {one.service: one.environment["ADUAN_STORE"] for one in cluster.replicas}
        prefix, began = f"{cluster.prefix}x", time.perf_counter()
        say(f"filling a second store with {cases:,} cases")
        store = {"ADUAN_STORE": ground.mongo.url}
        await cluster.command("migrate", "--prefix", prefix, environment=store)
        many = {
            name: ground.mongo.user_for(cluster.database(name).replace(cluster.prefix, prefix))
            for name in SERVICES
        }
        await asyncio.to_thread(clones.fill, ground.mongo.url, cluster.prefix, prefix, cases)
        filled = time.perf_counter() - began
        found: tuple[list[float], list[float]] = ([], [])
        for number in range(rounds):
            sides = ((few, found[0], "few"), (many, found[1], "many"))
            for stores, rates_, name in sides if number % 2 else sides[::-1]:
                say(f"round {number + 1} of {rounds}, {name}")
                await onto(cluster, stores)
                await lives(cluster, keys, AT_ONCE * 2, f"w-{name}{number}")
                rates_.append(await lives(cluster, keys, count, f"{name}{number}"))
                await settled(read)
        return Lives(cases, *found, filled, routed, whole, idle, paced)
