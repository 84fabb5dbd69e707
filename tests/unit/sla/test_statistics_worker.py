"""What the worker on Faust does with one event: nothing is raised, nothing is passed over."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import pytest
from aduan_sla_story import REFERENCE, wib
from aduan_statistics_lives import Life, figures, fold, labels
from prometheus_client import CollectorRegistry

from aduan.clock import ManualClock
from aduan.contracts.envelope import Raw
from aduan.contracts.topics import STATISTICS
from aduan.messaging.kafka import Connection
from aduan.messaging.port import TopicPartition
from aduan_sla.domain.statistics.facts import dump
from aduan_sla.entrypoints import statistics_stream
from aduan_sla.entrypoints.statistics_stream import Worker
from aduan_sla.statistics.board import Board
from aduan_sla.statistics.metrics import StatisticsMetrics
from aduan_sla.statistics.settings import StatisticsSettings

NOW: Final = wib("2026-12-02 10:30")
TOPIC: Final = "complaint.created"


class Table(dict[bytes, bytes]):
    """A table of Faust that may be out of order for a while."""

    def __init__(self) -> None:
        super().__init__()
        self.writes = 0
        self.refuses = 0

    def __setitem__(self, key: bytes, value: bytes) -> None:
        """Write, or fail as a full disk does."""
        if self.refuses:
            self.refuses -= 1
            raise OSError("no room")
        self.writes += 1
        super().__setitem__(key, value)


class Bench:
    """A worker whose Faust never starts."""

    def __init__(self, folder: Path) -> None:
        self.clock = clock = ManualClock(NOW)
        self.registry = CollectorRegistry()
        board = Board(labels())
        settings = StatisticsSettings(
            bus="kafka://127.0.0.1:1", reference_dir=REFERENCE, data_dir=folder
        )
        self.worker = Worker(
            settings,
            Connection.of(settings.bus),
            board,
            StatisticsMetrics(self.registry, labels()),
            clock,
        )
        self.board = board
        self.table = Table()
        self.sent: list[Raw] = []
        self.worker._table = self.table  # type: ignore[assignment]
        self.worker._send = self._send  # type: ignore[method-assign]
        self.down = 0

    async def _send(self, letter: Raw) -> None:
        if self.down:
            self.down -= 1
            raise ConnectionError("no broker")
        self.sent.append(letter)

    async def hears(self, events: Sequence[Raw]) -> None:
        """Give it events as Faust does."""
        for number, raw in enumerate(events):
            await self.worker._event(self.message(raw, number))

    def message(self, raw: Raw, number: int) -> Any:
        """Return an event as Faust has it; acked: whether its offset was taken for done."""
        return SimpleNamespace(
            topic=raw.topic, partition=0, offset=number, key=raw.key or None,
            value=raw.value or None, headers=list(raw.headers), acked=False,
        )  # fmt: skip

    def count(self, outcome: str) -> float | None:
        """Return how many events had that outcome."""
        return self.registry.get_sample_value("aduan_statistics_events_total", {"outcome": outcome})


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A worker that does not wait long between two tries."""
    monkeypatch.setattr(statistics_stream, "FIRST_PAUSE", 0.001)
    return Bench(tmp_path)


def a_life() -> Life:
    """A case that was answered."""
    life = Life("a", "2026-12-01 08:00").assigned("2026-12-01 09:00", "DPU")
    return life.moved("2026-12-02 09:00", "in_progress").moved("2026-12-02 10:00", "answered")


async def test_an_event_that_says_nothing_new_is_written_all_the_same(bench: Bench) -> None:
    """After a kill the table of this disk may be ahead of its changelog: only a write repairs that."""
    life = a_life()
    await bench.hears(life.events)
    await bench.hears(life.events)

    assert 2 * len(life.events) == bench.table.writes
    assert (4, 4) == (bench.count("counted"), bench.count("repeated"))
    assert figures(list(fold(life.events).values()), NOW) == bench.board.sums()


async def test_a_full_disk_holds_the_stream_and_loses_nothing(bench: Bench) -> None:
    """Going on would acknowledge an event that was not counted."""
    life = a_life()
    bench.table.refuses = 3
    await bench.hears(life.events)

    assert figures(list(fold(life.events).values()), NOW) == bench.board.sums()
    assert not bench.worker.blocked
    assert 0 == bench.registry.get_sample_value("aduan_statistics_blocked")


async def test_a_letter_goes_out_before_the_stream_goes_on(bench: Bench) -> None:
    """Poison and a bug in reading are letters; a broker that is away makes them wait."""
    life = a_life()
    poison = Raw(life.events[0].topic, life.events[0].key, b"[", life.events[0].headers)
    unknown = Raw("mirror.changed", *_rest(life.events[0]))
    bench.down = 2
    await bench.hears([poison, unknown, *life.events])

    assert [b"[", life.events[0].value] == [letter.value for letter in bench.sent]
    assert {"aduan.statistics.dlq"} == {letter.topic for letter in bench.sent}
    kept = [dict(letter.headers)["dlq-error"].decode() for letter in bench.sent]
    assert "KeyError" in kept[1]
    assert 2 == bench.count("dead_letter")
    assert figures(list(fold(life.events).values()), NOW) == bench.board.sums()


def _rest(raw: Raw) -> tuple[bytes, bytes, tuple[tuple[str, bytes], ...]]:
    return raw.key, raw.value, raw.headers


async def test_no_figure_is_shown_until_the_table_was_counted(bench: Bench) -> None:
    """A part of the table would look like a quiet week."""
    life = a_life()
    await bench.hears(life.events)
    assert bench.worker.sums() is None
    await bench.worker._recovered()
    assert figures(list(fold(life.events).values()), NOW) == bench.worker.sums()
    await bench.worker._revoked()

    assert bench.worker.sums() is None


async def test_a_table_that_cannot_be_read_back_ends_the_worker(bench: Bench) -> None:
    """Faust would warn once and go on with nothing."""
    bench.table[b"x"] = b"no row"
    await bench.worker._recovered()

    with pytest.raises(statistics_stream.GaveUp, match="ValidationError"):
        bench.worker.raise_failure()


class Brokers:
    """What the group has not read yet, by partition."""

    def __init__(self, **unread: int) -> None:
        self.unread = {TopicPartition(TOPIC, int(name[1:])): n for name, n in unread.items()}

    async def lags(self, group: str, topics: Sequence[str]) -> dict[TopicPartition, int]:
        """See KafkaBus."""
        assert (statistics_stream.GROUP, True) == (group, TOPIC in topics)
        return self.unread


@asynccontextmanager
async def watched(
    bench: Bench, brokers: Brokers, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator["asyncio.Task[None]"]:
    """Watch a worker that has the partition 0 and reads nothing; look whenever others had a turn."""
    monkeypatch.setattr(statistics_stream, "LOOK_SECONDS", 0)
    monkeypatch.setattr(bench.worker, "recovering", lambda: 0)
    own = {TopicPartition(TOPIC, 0), TopicPartition(STATISTICS.changelog, 1)}
    bench.worker.app.consumer = SimpleNamespace(assignment=lambda: own)  # type: ignore[assignment]
    watch = statistics_stream._Watch(
        brokers,  # type: ignore[arg-type]  # asked for lags alone
        StatisticsMetrics(CollectorRegistry(), labels()), bench.clock, [bench.worker],
    )  # fmt: skip
    starting: Any = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(watch.run(starting))
    yield task
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def quiet_for(bench: Bench, seconds: int) -> None:
    """Let time pass in which the worker reads nothing and the watch looks every minute."""
    for _ in range(0, seconds, 60):
        bench.clock.advance(timedelta(minutes=1))
        for _ in range(3):
            await asyncio.sleep(0)


async def test_a_worker_with_nothing_to_read_outlives_one_that_is_blocked(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lag of the group is that of the other's partitions: its table must not be given up."""
    await bench.worker._recovered()
    async with watched(bench, Brokers(p0=0, p1=40), monkeypatch) as watching:
        await quiet_for(bench, 1_200)
        assert not watching.done()


async def test_a_worker_that_leaves_its_own_partition_unread_is_ended(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has its partitions and does nothing."""
    await bench.worker._recovered()
    async with watched(bench, Brokers(p0=1, p1=0), monkeypatch) as watching:
        await quiet_for(bench, 1_200)
        assert watching.done()
    gave_up = watching.exception()
    assert isinstance(gave_up, statistics_stream.GaveUp)
    assert gave_up.table


async def test_counting_a_large_table_for_long_is_no_standing_still(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The changelog is read by then, and nothing else moves."""
    row = dump(next(iter(fold(a_life().events).values())))

    class Slow(Table):
        def items(self) -> Any:
            for number in range(3_000):
                bench.clock.advance(timedelta(seconds=0.25))
                yield f"case-{number}".encode(), row

    bench.worker._table = Slow()  # type: ignore[assignment]
    async with watched(bench, Brokers(p0=5), monkeypatch) as watching:
        await bench.worker._recovered()
        assert not watching.done()
    assert bench.worker.rebuilt


async def test_an_event_that_waited_through_a_rebalance_is_left_to_whoever_reads_it_again(
    bench: Bench,
) -> None:
    """Its row would go to the changelog behind what the partition's new worker wrote."""
    [event] = Life("a", "2026-12-01 08:00").events
    bench.table.refuses = 1_000_000
    message = bench.message(event, 0)
    at_work = asyncio.create_task(bench.worker._event(message))
    while not bench.worker.blocked:
        await asyncio.sleep(0)
    await bench.worker._revoked()
    bench.table.refuses = 0
    await at_work

    assert 0 == bench.table.writes
    assert bench.count("counted") in (None, 0)
    assert message.acked, "Faust would take its offset for done"
    assert not bench.worker.blocked
    again = bench.message(event, 0)
    await bench.worker._event(again)
    assert (1, 1, False) == (bench.table.writes, bench.count("counted"), again.acked)


def test_an_address_that_kubernetes_wrote_is_not_the_port(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Service called aduan-statistics fills ADUAN_STATISTICS_PORT in every pod."""
    monkeypatch.setenv("ADUAN_STATISTICS_PORT", "tcp://10.0.0.1:8000")
    settings = StatisticsSettings(
        bus="kafka://127.0.0.1:1", reference_dir=REFERENCE, data_dir=tmp_path
    )

    assert 8000 == settings.port
