"""The statistics worker on a real broker: killed, repeated, doubled, and still the same figures."""

import asyncio
import random
import shutil
import time
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, get_args

import pytest
from aduan_bus_engines import delete_topics
from aduan_harness import eventually
from aduan_metrics import Scrape, agrees
from aduan_servers.choice import KafkaEndpoint
from aduan_sla_world import Sla
from aduan_statistics_lives import Life, city, figures, fold
from aduan_statistics_world import Worker, fresh_log, shown
from aiokafka import AIOKafkaConsumer

from aduan.clock import SystemClock
from aduan.contracts.envelope import Raw
from aduan.contracts.topics import STATISTICS
from aduan.messaging.kafka import Connection, KafkaBus
from aduan_sla.domain.case import CASES
from aduan_sla.domain.statistics.buckets import PERIODS, live
from aduan_sla.domain.statistics.facts import CaseFacts
from aduan_sla.domain.statistics.figures import Figure, Sums
from aduan_sla.domain.statistics.recap import facts_in
from aduan_sla.entrypoints.statistics_stream import GROUP, LETTERS
from aduan_standalone.series import series_of

LIVES: Final = 180


class Log:
    """The shared topics, and the workers that read them."""

    def __init__(self, folder: Path, address: str) -> None:
        """Empty topics."""
        self.address = address
        self.folder = folder
        self.bus = KafkaBus(Connection.of(f"kafka://{address}"), SystemClock())
        self.workers: list[Worker] = []

    def worker(self, name: str = "w") -> Worker:
        """Return one more worker; not started."""
        self.workers.append(Worker(self.address, self.folder, name))
        return self.workers[-1]

    async def publish(self, events: Sequence[Raw]) -> None:
        """Append them, in order."""
        for start in range(0, len(events), 500):
            assert all(await self.bus.publish(events[start : start + 500]))

    async def read_to_the_end(self, *workers: Worker) -> None:
        """Wait until nothing is left to read, as the committed offsets say."""

        async def done() -> bool:
            return await self.bus.lag(GROUP, STATISTICS.topics) == 0

        await eventually(done, within=60, every=0.2)
        for worker in workers:
            await worker.ready()

    async def close(self) -> None:
        """End every worker."""
        for worker in self.workers:
            if worker.process is not None and worker.process.returncode is None:
                await worker.kill()
        await self.bus.close()


@pytest.fixture
async def log(tmp_path: Path, kafka: KafkaEndpoint) -> AsyncIterator[Log]:
    """Empty topics on the run's broker."""
    await fresh_log(bootstrap_servers=kafka.address)
    opened = Log(tmp_path, kafka.address)
    yield opened
    await opened.close()
    await delete_topics([STATISTICS.changelog, LETTERS], bootstrap_servers=kafka.address)


async def told_by_sla(folder: Path, lives: Sequence[Life], now: datetime) -> Sla:
    """Let the real sla hear these lives, and tell all that is due."""
    folder.mkdir()
    sla = Sla(folder, "2026-01-01 00:00")
    sla.clock.domain = sla.clock.real = now
    await sla.build()
    for start in range(0, len(lives), 64):
        some = lives[start : start + 64]
        await asyncio.gather(*(sla.cases.deliver(life.id, life.events) for life in some))
    await sla.ticker.round()
    for life in lives:
        for one in await sla.cases.store.events(CASES, life.id, 0):
            if one.raw.topic in STATISTICS.topics:
                life.events.append(one.raw)
    return sla


async def documents(sla: Sla, lives: Sequence[Life]) -> list[CaseFacts]:
    """Return what sla's own store says of every case."""
    found = [await sla.cases.store.get(CASES, life.id) for life in lives]
    return [facts_in(one.body) for one in found if one is not None and one.body is not None]


def plain(found: Sums) -> Sums:
    """Leave what sla's documents cannot know: kinds of matter, and districts before routing."""
    return {cell: n for cell, n in found.items() if cell.dimension in ("all", "opd")}


async def same_moment(workers: Sequence[Worker]) -> tuple[Sums, datetime]:
    """Scrape all workers within one hour; return the summed figures and when."""
    while True:
        before = datetime.now(UTC)
        scrapes = [await worker.series() for worker in workers]
        if running(before) == running(datetime.now(UTC)):
            return shown(scrapes, running(before)), before


def running(now: datetime) -> dict[tuple[str, str], int]:
    """Return (period, bucket) -> start."""
    return {(p, b): start for p in PERIODS for b, start in live(now, p).items()}


async def test_figures_are_right_whatever_is_repeated_killed_and_lost(
    log: Log, tmp_path: Path
) -> None:
    """Every tenth event twice, kill -9 midway, a lost table; compared with a fold and with sla's store."""
    now = datetime.now(UTC)
    lives = city(20261129, LIVES, now, sla=False)
    sla = await told_by_sla(tmp_path / "sla", lives, now)
    official = await documents(sla, lives)
    distinct = [raw for life in lives for raw in life.events]
    chance = random.Random(7)
    sent = [raw for n, raw in enumerate(distinct) for _ in range(2 if n % 10 == 0 else 1)]
    sent = sorted(sent, key=lambda _: chance.random())
    half = len(sent) // 2

    worker = log.worker()
    await log.publish(sent[:half])
    await worker.start()

    async def midway() -> bool:
        return await worker.events() > half // 4

    await eventually(midway, within=40, every=0.02)
    await worker.kill()
    await log.publish(sent[half:])
    began = time.monotonic()
    await worker.start()
    took_over = await worker.ready()
    await log.read_to_the_end(worker)
    took = time.monotonic() - began
    found, at = await same_moment([worker])

    assert figures(list(fold(distinct).values()), at) == found
    assert plain(figures(official, at)) == plain(found)
    assert set(get_args(Figure)) == {cell.figure for cell in found}, "a figure nobody has"
    print(
        f"\n{len(sent)} events, ready {took_over:.1f} s after kill -9, all read after {took:.1f} s"
    )

    agrees(Scrape(await asyncio.to_thread(worker.page)), series_of("statistics"))

    assert await worker.stop() == 0
    shutil.rmtree(worker.data)
    await worker.start()
    rebuilt = await worker.ready()
    again, later = await same_moment([worker])

    assert figures(list(fold(distinct).values()), later) == again
    assert 0 == await worker.events()
    print(f"without its table ready after {rebuilt:.1f} s, and nothing was read again")


async def test_two_workers_share_the_cases_and_their_figures_sum_to_the_whole(log: Log) -> None:
    """Poison among the events is kept as a letter and holds up nobody; who leaves takes no case along."""
    lives = city(20261130, 120, datetime.now(UTC))
    distinct = [raw for life in lives for raw in life.events]
    whole = list(fold(distinct).values())
    some = distinct[5]
    poison = [Raw(some.topic, some.key, b"no JSON", some.headers), Raw(some.topic, b"", b"", ())]
    one, two = log.worker("one"), log.worker("two")
    await one.start()
    await one.ready()
    await two.start()
    await two.ready()
    await log.publish([*poison, *distinct])
    await log.read_to_the_end(one, two)
    both, at = await same_moment([one, two])
    shares = [await worker.events() for worker in (one, two)]

    assert figures(whole, at) == both
    assert all(shares) and sum(shares) == len(distinct) + len(poison)
    assert {b"no JSON", b""} == {value for value, _ in await letters(log.address)}
    assert all(b"dlq-error" in str(headers).encode() for _, headers in await letters(log.address))

    assert await two.stop() == 0
    await one.ready()
    await log.read_to_the_end(one)

    async def has_all() -> bool:
        alone, at = await same_moment([one])
        return figures(whole, at) == alone

    await eventually(has_all, within=40, every=0.5)


async def letters(address: str) -> list[tuple[bytes | None, object]]:
    """Return what lies in the topic of dead letters."""
    reader = AIOKafkaConsumer(
        LETTERS, bootstrap_servers=address, auto_offset_reset="earliest", group_id=None
    )
    await reader.start()
    try:
        found = await reader.getmany(timeout_ms=3000)
        return [(one.value, one.headers) for some in found.values() for one in some]
    finally:
        await reader.stop()


@pytest.mark.by_hand
async def test_a_table_that_is_ahead_of_its_changelog_is_dropped_and_the_process_ends(
    log: Log,
) -> None:
    """Somebody deleted the changelog: Faust alone would hold its partitions and do nothing."""
    lives = city(20261201, 40, datetime.now(UTC))
    worker = log.worker()
    await log.publish([raw for life in lives for raw in life.events])
    await worker.start()
    await worker.ready()
    await log.read_to_the_end(worker)
    assert await worker.stop() == 0
    await fresh_log(bootstrap_servers=log.address)
    await worker.start()
    assert worker.process is not None
    async with asyncio.timeout(40):
        assert await worker.process.wait() == 1

    assert "statistics ends: ConsistencyError" in worker.log.read_text()
    assert [] == list(worker.data.iterdir())
    await worker.start()
    await worker.ready()
    await log.publish([raw for life in lives for raw in life.events])
    await log.read_to_the_end(worker)
    found, at = await same_moment([worker])
    assert figures(list(fold([raw for life in lives for raw in life.events]).values()), at) == found


@pytest.mark.parametrize(
    ("changelog", "words"),
    [
        (12, "the topic aduan.statistics-cases-changelog has 12 partitions and needs 24"),
        (0, "the brokers have no topic aduan.statistics-cases-changelog, or hide it"),
    ],
)
async def test_a_broker_that_lacks_something_is_refused_in_one_sentence(
    tmp_path: Path, kafka: KafkaEndpoint, changelog: int, words: str
) -> None:
    """Nothing starts half: which topic, and what to do."""
    await fresh_log(changelog, bootstrap_servers=kafka.address)
    worker = Worker(kafka.address, tmp_path)
    await worker.start()
    assert worker.process is not None
    async with asyncio.timeout(30):
        assert await worker.process.wait() == 1
    [sentence] = [line for line in worker.log.read_text().splitlines() if not line.startswith("{")]

    await delete_topics([STATISTICS.changelog, LETTERS], bootstrap_servers=kafka.address)
    assert words in sentence
    assert "aduan topics" in sentence
