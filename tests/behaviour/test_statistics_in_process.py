"""Statistics on the embedded engine: the same fold beside sla, with the same figures on /metrics."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import pytest
from aduan_harness import eventually
from aduan_sla_story import REFERENCE, wib
from aduan_statistics_lives import Life, city, figures, fold, labels
from prometheus_client import CollectorRegistry
from pydantic import ValidationError

from aduan.clock import ManualClock
from aduan.contracts.envelope import Raw
from aduan.contracts.topics import STATISTICS
from aduan.errors import Busy
from aduan.messaging.port import TopicPartition
from aduan.messaging.sqlite import SqliteBus
from aduan.storage.sqlite import SqliteStore
from aduan_sla.domain.statistics.facts import FACTS
from aduan_sla.entrypoints.statistics_reader import GROUP, StatisticsReader
from aduan_sla.settings import Settings

NOW: Final = wib("2026-12-02 10:30")


class Place:
    """A folder with a log, and a reader on it."""

    def __init__(self, folder: Path) -> None:
        """Open or go on."""
        self.folder = folder
        self.clock = ManualClock(NOW)
        self.bus = SqliteBus(folder / "log.db", self.clock)
        self.store = SqliteStore(folder / "statistics.db", (FACTS,), self.clock)
        self.registry = CollectorRegistry()
        self.reader = StatisticsReader(
            bus=self.bus, store=self.store, labels=labels(), registry=self.registry,
            clock=self.clock, save_seconds=0.05,
        )  # fmt: skip

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Read until the block is left."""
        task = asyncio.create_task(self.reader.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            self.bus.close()
            self.store.close()

    async def read_to_the_end(self) -> None:
        """Wait until all is read and kept."""

        async def done() -> bool:
            return self.reader.sums() is not None and 0 == await self.bus.lag(
                GROUP, STATISTICS.topics
            )

        await eventually(done, within=30)

    def events(self, outcome: str) -> float:
        """Return how many events were read with that outcome, by this reader."""
        name = "aduan_statistics_events_total"
        return self.registry.get_sample_value(name, {"outcome": outcome}) or 0


def events_of(lives: Sequence[Life]) -> list[Raw]:
    """Return all events in no order, every tenth twice."""
    heard = [raw for life in lives for raw in life.events]
    heard = [raw for n, raw in enumerate(heard) for _ in range(1 + (n % 10 == 0))]
    random.Random(3).shuffle(heard)
    return heard


def expected(events: Sequence[Raw], now: datetime = NOW) -> object:
    """Return the figures of the distinct events."""
    return figures(list(fold(events).values()), now)


async def test_it_counts_what_the_worker_counts_and_goes_on_where_it_stood(tmp_path: Path) -> None:
    """After a stop nothing is read again, and nothing is missing."""
    heard = events_of(city(5, 60, NOW))
    half = len(heard) // 2
    first = Place(tmp_path)
    async with first.running():
        await first.bus.publish(heard[:half])
        await first.read_to_the_end()
        assert expected(heard[:half]) == first.reader.sums()
    second = Place(tmp_path)
    async with second.running():
        await second.read_to_the_end()
        assert expected(heard[:half]) == second.reader.sums()
        assert 0 == second.events("counted") + second.events("repeated")
        await second.bus.publish(heard[half:])
        await second.read_to_the_end()

        assert expected(heard) == second.reader.sums()


async def test_a_lost_file_is_filled_again_from_the_log(tmp_path: Path) -> None:
    """The offsets are in another file and still there; without a look they would hide the past."""
    heard = events_of(city(6, 30, NOW))
    first = Place(tmp_path)
    async with first.running():
        await first.bus.publish(heard)
        await first.read_to_the_end()
    for path in tmp_path.glob("statistics.db*"):
        path.unlink()
    second = Place(tmp_path)
    async with second.running():
        await second.read_to_the_end()

        assert expected(heard) == second.reader.sums()


async def test_what_cannot_be_read_becomes_a_letter_and_the_rest_is_counted(tmp_path: Path) -> None:
    """Bad data, a key of another case, a tenant that is not ours: each is told, none stops it."""
    good = Life("good", "2026-12-02 08:00").assigned("2026-12-02 08:01", "DPU")
    other = Life("other", "2026-12-02 08:00", tenant="35.73")
    [raw] = Life("bad", "2026-12-02 08:00").events
    bad = Raw(raw.topic, raw.key, b"{}", raw.headers)
    astray = Raw(raw.topic, b"somebody else's", raw.value, raw.headers)
    headless = Raw(raw.topic, raw.key, raw.value, ())
    place = Place(tmp_path)
    async with place.running():
        await place.bus.publish([bad, astray, headless, *other.events, *good.events])
        await place.read_to_the_end()

        assert expected(good.events) == place.reader.sums()
        assert (3, 1) == (place.events("dead_letter"), place.events("other_tenant"))
        letters = place.bus.read(TopicPartition("aduan.statistics.dlq", 0), 0, 10)
        assert {bad.value, astray.value} == {one.raw.value for one in letters}
        assert all("dlq-error" in dict(one.raw.headers) for one in letters)


async def test_a_disk_that_is_full_stops_it_until_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is passed over meanwhile, and the instance goes on."""
    place = Place(tmp_path)
    heard = events_of(city(8, 20, NOW))
    real: Callable[..., Awaitable[Any]] = place.store.update
    refused = 0

    async def full(*given: Any, **named: Any) -> Any:
        nonlocal refused
        if refused < 5:
            refused += 1
            raise Busy("no room")
        return await real(*given, **named)

    monkeypatch.setattr(place.store, "update", full)
    monkeypatch.setattr("aduan_sla.entrypoints.statistics_reader.FIRST_PAUSE", 0.02)
    async with place.running():
        await place.bus.publish(heard)

        async def stands_still() -> bool:
            return place.registry.get_sample_value("aduan_statistics_blocked") == 1

        await eventually(stands_still, within=10)
        await place.read_to_the_end()

        assert refused == 5
        assert expected(heard) == place.reader.sums()
        assert 0 == place.registry.get_sample_value("aduan_statistics_blocked")


def test_a_replica_on_kafka_may_not_count_in_its_own_process(tmp_path: Path) -> None:
    """Its file would keep facts of cases that another replica has by now."""
    given: dict[str, Any] = {"store": "sqlite:////x", "reference_dir": REFERENCE}
    file = tmp_path / "statistics.db"
    assert Settings(**given, bus="sqlite:////log", statistics_file=file).statistics_file == file

    with pytest.raises(ValidationError, match="statistics_file"):
        Settings(**given, bus="kafka://b:9092", statistics_file=file)


async def test_it_rests_twenty_four_times_as_long_as_it_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One event loop serves complaints and dashboards: a thousand events at once must not stop it."""
    worked, rested = 0.0, 0.0
    sleep = asyncio.sleep

    def ticking() -> float:
        nonlocal worked
        worked += 0.001
        return worked

    async def resting(seconds: float) -> None:
        nonlocal rested
        rested += seconds
        await sleep(0)

    place = Place(tmp_path)
    place.reader._save_seconds = 0.0
    heard = events_of(city(9, 40, NOW))
    await place.bus.publish(heard)
    clock = SimpleNamespace(perf_counter=ticking)
    monkeypatch.setattr("aduan_sla.entrypoints.statistics_reader.time", clock)
    monkeypatch.setattr(
        "aduan_sla.entrypoints.statistics_reader.asyncio",
        SimpleNamespace(
            sleep=resting, gather=asyncio.gather, CancelledError=asyncio.CancelledError
        ),
    )
    async with place.running():
        await place.read_to_the_end()

    # Each batch of at most fifty is followed by a rest, the last one perhaps after we looked; every
    # look at the clock took a millisecond.
    assert rested >= 24 * 0.001 * (len(heard) / 50 - 1) > 0
