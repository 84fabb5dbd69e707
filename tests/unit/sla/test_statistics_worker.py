"""What the worker on Faust does with one event: nothing is raised, nothing is passed over."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import pytest
from aduan_sla_story import REFERENCE, wib
from aduan_statistics_lives import Life, figures, fold, labels
from prometheus_client import CollectorRegistry

from aduan.clock import ManualClock
from aduan.contracts.envelope import Raw
from aduan.messaging.kafka import Connection
from aduan_sla.entrypoints import statistics_stream
from aduan_sla.entrypoints.statistics_stream import Worker
from aduan_sla.statistics.board import Board
from aduan_sla.statistics.metrics import StatisticsMetrics
from aduan_sla.statistics.settings import StatisticsSettings

NOW: Final = wib("2026-12-02 10:30")


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
        clock = ManualClock(NOW)
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
            message: Any = SimpleNamespace(
                topic=raw.topic, partition=0, offset=number, key=raw.key or None,
                value=raw.value or None, headers=list(raw.headers),
            )  # fmt: skip
            await self.worker._event(message)

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
