"""Five services on servers of our own that are killed, hung, slowed and robbed under load.

The client is an outsider: HTTP and a ledger on disk. What only a look inside can tell is in
aduan_engine_audit: a full read of the topics and of the documents.
"""

import asyncio
import itertools
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import quote

import httpx
from aduan_cluster import Cluster, Replica
from aduan_engine_audit import Audit, Logged, audit, read_topics
from aduan_faults import Checker, Ledger, Poster
from aduan_proxy import Proxy
from aduan_servers import ports
from aduan_servers.choice import MongoEndpoint
from aduan_servers.kafka import Kafka, KafkaNode
from aduan_servers.mongo import Mongo

from aduan.contracts.topics import TOPICS

Kind = Literal["one", "proxied", "three"]
"""One broker, reached directly or through proxies before it and the store; or three brokers."""

# Where it matters who takes over: two of intake (outbox) and two of routing (the busiest group).
REPLICAS: Final[Mapping[str, int]] = {"intake": 2, "routing": 2}
PAUSE: Final = 1.0
CONNECTIONS: Final = 3
PATIENCE: Final = 120.0
PLENTY: Final = 60
# So few events may be pending at intake that a fault can reach the bound in seconds.
BOUND: Final = 150
# What GaveUp and a refused start end with.
ENDED_ITSELF: Final = (1, 2)
SETTINGS: Final[Mapping[str, str]] = {
    "ADUAN_INTAKE_MAX_PENDING": str(BOUND),
    # Partners are no part of these faults; on a busy machine they may take their time.
    "ADUAN_SYNC_LAPORGUB_CALL_TIMEOUT_SECONDS": "10",
}


class ProxiedKafka(Kafka):
    """A cluster that tells its clients a proxy's address for each node."""

    def __init__(self, folder: Path, doors: Sequence[int], **options: Any) -> None:
        """doors: the proxies' ports, in the nodes' order."""
        super().__init__(folder, **options)
        self._told = doors

    def properties(self, node: KafkaNode) -> Iterator[str]:
        """See Kafka."""
        yield from super().properties(node)
        door = self._told[node.seat.id - 1]
        yield f"advertised.listeners={self.doors.protocol}://{ports.HOST}:{door}"


class World:
    """Servers, proxies before them, a cluster and a ledger; several faults go over one."""

    def __init__(self, folder: Path, kind: Kind, seed: int) -> None:
        """Start nothing yet."""
        self.kind = kind
        self.dice = random.Random(seed)
        self.folder = folder
        self._seed = seed
        self._stack = AsyncExitStack()
        self._number = itertools.count()
        self.kafka: Kafka
        self.mongo: Mongo
        self.to_store: Proxy
        self.to_broker: Proxy
        self.cluster: Cluster
        self.ledger = Ledger(folder / "ledger.jsonl")
        self.forged: set[tuple[str, int, int]] = set()
        self.repeats = 0
        self.ended: list[str] = []
        self._crowds: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Start everything; return when all services are ready."""
        try:
            await self._open()
        except BaseException:
            await self.close()
            raise

    async def _open(self) -> None:
        self.mongo = Mongo(self.folder / "mongod")
        self._stack.callback(self.mongo.kill)
        if self.kind == "proxied":
            numbers = ports.reserve(3)
            self.to_broker = Proxy([(ports.HOST, numbers[0])])
            await self._stack.enter_async_context(self.to_broker.listening(numbers[2]))
            self.kafka = ProxiedKafka(self.folder / "kafka", numbers[2:], numbers=numbers[:2])
        else:
            self.kafka = Kafka(self.folder / "kafka", nodes=3 if self.kind == "three" else 1)
        self._stack.callback(self.kafka.kill)
        await asyncio.gather(
            asyncio.to_thread(self.mongo.start), asyncio.to_thread(self.kafka.start)
        )
        if self.kind == "proxied":
            self.to_store = Proxy([(ports.HOST, self.mongo.port)])
            await self._stack.enter_async_context(self.to_store.listening())
        self.cluster = Cluster(
            self.folder / "cluster",
            kafka=self.brokers,
            mongo=MongoEndpoint(self.mongo.url, self.mongo.facts(), lambda: None, self.mongo),
            replicas=REPLICAS if self.kind == "one" else 1,
            copies=len(self.kafka.nodes),
            mongo_address=self.to_store.address if self.kind == "proxied" else None,
            extra=SETTINGS,
        )
        await self._stack.enter_async_context(self.cluster)
        self.poster = Poster(self.cluster, self.ledger, self._seed, pause=PAUSE)
        await self.poster.mint()
        self._supervisor = asyncio.create_task(self._supervise())
        self._stack.callback(self._supervisor.cancel)
        self.checker = Checker(self.cluster, self.ledger, looking=5.0)

    async def _supervise(self) -> None:
        """Start again who ended itself, as an orchestrator would; who was killed here stays dead."""
        while True:
            for replica in self.cluster.replicas:
                code = replica.process.returncode if replica.process is not None else None
                if code in ENDED_ITSELF:
                    self.ended.append(f"{replica.name}: {replica.last_words()[-300:]}")
                    await replica.launch()
            await asyncio.sleep(0.5)

    @property
    def brokers(self) -> str:
        """Where clients of the log begin."""
        return self.to_broker.address if self.kind == "proxied" else self.kafka.address

    async def close(self) -> None:
        """End everything."""
        await self._stack.aclose()

    def replicas(self, service: str) -> list[Replica]:
        """Return a service's processes."""
        return self.cluster.of(service)

    async def start_again(self, *replicas: Replica, fail_at: str = "") -> None:
        """Launch, and return when they are ready."""
        for replica in replicas:
            await replica.launch(fail_at)
        if not fail_at:
            await asyncio.gather(*(replica.until_ready(PATIENCE) for replica in replicas))

    @asynccontextmanager
    async def load(self, name: str) -> AsyncIterator["Load"]:
        """Post all through the block, each complaint until it is acknowledged."""
        prefix = f"{name.replace(' ', '-')}-{next(self._number)}"
        self.poster.stop_asked = False
        ids = [f"{prefix}-{number}" for number in range(20_000)]
        posting = asyncio.create_task(self.poster.post_all(ids, connections=CONNECTIONS))
        load = Load(self, posting)
        braking = asyncio.create_task(load.slow_down())
        try:
            yield load
        except BaseException:
            posting.cancel()
            await asyncio.gather(posting, return_exceptions=True)
            raise
        finally:
            braking.cancel()
        self.poster.stop_asked = True
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(posting, *self._crowds)
        self._crowds.clear()

    async def post_once(self, external_id: str) -> httpx.Response:
        """Post one complaint once, and wait long for whatever the answer is."""
        async with httpx.AsyncClient(timeout=60) as client:
            return await self.poster.once(external_id, client)

    def name(self, what: str) -> str:
        """Return an external id that no other complaint has."""
        return f"{what}-{next(self._number)}"

    async def status(self, service: str) -> dict[str, Any]:
        """Return what a service tells an operator."""
        async with self.cluster.client() as client:
            answer = await client.get(f"/{service}/ops/status")
            assert answer.status_code == 200, answer.text
            found: dict[str, Any] = answer.json()
            return found

    async def nothing_pending(self) -> bool:
        """Whether intake has published all it told."""
        return bool((await self.status("intake"))["pending"] == 0)

    async def letters(self, service: str) -> list[dict[str, Any]]:
        """Return a service's open dead letters."""
        async with self.cluster.client() as client:
            answer = await client.get(f"/{service}/ops/dlq")
            assert answer.status_code == 200, answer.text
            found: list[dict[str, Any]] = answer.json()["items"]
            return found

    async def skip(self, service: str, letter: str) -> None:
        """Give a dead letter up, as an operator does."""
        async with self.cluster.client() as client:
            path = f"/{service}/ops/dlq/{quote(letter, safe='')}/skip"
            answer = await client.post(path, json={"reason": "a test wrote it"})
            assert answer.status_code == 200, answer.text

    async def read(self, names: Sequence[str] | None = None) -> list[Logged]:
        """Return every record of some topics, else of all shared ones."""
        return await read_topics(self.brokers, names or [topic.name for topic in TOPICS])

    async def stop_all(self, within: float) -> None:
        """SIGTERM to every process, and wait."""
        await asyncio.gather(*(replica.stop(within) for replica in self.cluster.replicas))

    @asynccontextmanager
    async def crowd(self) -> AsyncIterator[None]:
        """Many more post at once, without a pause."""
        many = Poster(self.cluster, self.ledger, self._seed)
        many.come_as(self.poster)
        ids = [self.name("crowd") for _ in range(5_000)]
        posting = asyncio.create_task(many.post_all(ids, connections=16))
        try:
            yield
        finally:
            many.stop_asked = True
        self._crowds.append(posting)

    async def readiness(self, replica: Replica) -> tuple[int, Mapping[str, str]]:
        """Ask one process whether it is ready: status code and what is wrong."""
        async with httpx.AsyncClient(base_url=replica.url, timeout=20) as client:
            answer = await client.get(f"/{replica.service}/health/ready")
            return answer.status_code, answer.json()["checks"]

    async def alive(self, replica: Replica) -> bool:
        """Ask one process whether an orchestrator should leave it running."""
        async with httpx.AsyncClient(base_url=replica.url, timeout=20) as client:
            answer = await client.get(f"/{replica.service}/health/live")
            return answer.status_code == 200

    async def audit(self) -> Audit:
        """Read all topics and all documents, and compare them."""
        return await audit(self.brokers, self.mongo.url, self.cluster, frozenset(self.forged))


class Load:
    """Complaints that go on coming while a fault is made and ended."""

    def __init__(self, world: World, posting: "asyncio.Task[None]") -> None:
        self._world = world
        self._posting = posting
        self._before = len(world.ledger.acknowledged)
        self.in_flight = 0

    @property
    def acknowledged(self) -> int:
        """How many were acknowledged since this load began."""
        return len(self._world.ledger.acknowledged) - self._before

    async def more(self, count: int, within: float = PATIENCE) -> None:
        """Return when `count` more were acknowledged."""
        wanted = self.acknowledged + count
        await self.until(lambda: self.acknowledged >= wanted, within, "no more acknowledged")

    async def until(
        self, true: Callable[[], bool | Awaitable[bool]], within: float, otherwise: str
    ) -> None:
        """Return when something is true; the load must not have failed meanwhile."""
        end = time.monotonic() + within
        while True:
            found = true()
            if found if isinstance(found, bool) else await found:
                return
            if self._posting.done():
                await self._posting
            assert time.monotonic() < end, f"{otherwise} within {within:.0f} s"
            await asyncio.sleep(0.1)

    async def slow_down(self) -> None:
        """Post rarely once there is enough to lose: a slow machine has to work all of it off."""
        self._world.poster.pause = PAUSE
        while self.acknowledged < PLENTY:
            await asyncio.sleep(0.5)
        self._world.poster.pause = 10 * PAUSE

    def struck(self) -> None:
        """The fault happens at this moment: count the requests that wait for an answer."""
        self.in_flight += self._world.poster.under_way


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    fault: str
    acknowledged: int
    in_flight: int
    lost: int
    doubled: int
    recovery: float
    repeats: int
    ended: int

    def line(self) -> str:
        """The line as the table of docs/reliability.md has it."""
        return (
            f"| {self.fault} | {self.acknowledged} | {self.in_flight} | {self.lost} |"
            f" {self.doubled} | {self.recovery:.1f} | {self.repeats} | {self.ended} |"
        )


Strike = Callable[[World, Load], Awaitable[None]]
AfterLoad = Callable[[World], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Fault:
    """One line of the table of faults.

    strike: makes the fault under load and ends it, and returns when its cause is gone.
    always: in the bounded set that runs without being asked for.
    """

    name: str
    strike: Strike
    always: bool = False
    kind: Kind = "one"


async def suffer(world: World, fault: Fault) -> Row:
    """Go through a fault under load, wait until all has settled, and check the promise."""
    ended = len(world.ended)
    async with world.load(fault.name) as load:
        await load.more(5)
        await fault.strike(world, load)
        healed = time.monotonic()
        await load.more(5)
    verdict = await world.checker.check()
    found = await world.audit()
    found.check()
    before, world.repeats = world.repeats, found.repeats
    assert world.checker.empty_at is not None
    recovery = world.checker.empty_at - healed
    return Row(
        fault.name, load.acknowledged, load.in_flight, verdict.lost, verdict.doubled, recovery,
        world.repeats - before, len(world.ended) - ended,
    )  # fmt: skip
