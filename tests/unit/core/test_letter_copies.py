"""Copies of dead letters in their topic: whole where they fit, and never tried for ever."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aduan.clock import ManualClock
from aduan.contracts.envelope import Raw
from aduan.messaging.dead_letters import DEAD_LETTERS, DeadLetters
from aduan.storage.sqlite import SqliteStore

# What a Kafka broker takes by default, with all that goes with it.
LARGEST = 1_048_588
CASE = "5f0f1c2e-0000-5000-8000-000000000001"


class Log:
    """Takes what a broker would take."""

    def __init__(self) -> None:
        self.taken: list[Raw] = []

    async def publish(self, events: Sequence[Raw]) -> Sequence[bool]:
        """See Bus."""
        fits = [len(raw.key) + len(raw.value) + _size(raw) <= LARGEST for raw in events]
        self.taken += [raw for raw, good in zip(events, fits, strict=True) if good]
        return fits


def _size(raw: Raw) -> int:
    return sum(len(name) + len(value) for name, value in raw.headers)


@pytest.mark.parametrize(("size", "whole"), [(1_000, True), (LARGEST - 200, False)])
async def test_a_copy_always_fits_into_the_topic(tmp_path: Path, size: int, *, whole: bool) -> None:
    """An event as large as the log takes leaves no room for what a copy adds."""
    clock = ManualClock(datetime(2026, 12, 1, tzinfo=UTC))
    store = SqliteStore(tmp_path / "s.db", [DEAD_LETTERS], clock)
    letters, log = DeadLetters(store, clock, "routing"), Log()
    event = Raw("complaint.created", CASE.encode(), b"x" * size, (("ce_seq", b"1"),))
    await letters.put("poison", CASE, "intake", 1, event, "no JSON")
    await letters.copy_to_topic(log)  # type: ignore[arg-type]  # it asks the bus nothing else
    await letters.copy_to_topic(log)  # type: ignore[arg-type]
    store.close()

    (copy,) = log.taken
    named = dict(copy.headers)
    assert whole == (copy.value == event.value)
    assert whole == ("dlq-letter" not in named)
    assert (b"aduan.routing", b"complaint.created") == (named["dlq-group"], named["dlq-topic"])
