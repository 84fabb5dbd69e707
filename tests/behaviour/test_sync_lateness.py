"""How late calls to partners are, as the gauge tells it: work that is due at once has no date."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from aduan.clock import ManualClock, iso, parse_iso
from aduan.storage.port import Change, Document
from aduan.storage.sqlite import SqliteStore
from aduan_sync_laporgub.domain.case import AT_ONCE
from aduan_sync_laporgub.domain.collection import CASES
from aduan_sync_laporgub.entrypoints.lateness import Lateness

START: Final = parse_iso("2026-12-01T02:00:00Z")


class Owed:
    """A store with cases that owe LaporGub a call, and who looks at it."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock(START)
        self.store = SqliteStore(folder / "sync.db", (CASES,), self.clock)
        self.lateness = Lateness(self.store, self.clock)

    async def owes(self, case: str, *next_at: str) -> None:
        """Let a case owe a call at a time, or nothing."""
        body = {
            "test": False,
            "decision": {"kind": "linked", "at": iso(START)},
            "jobs": [{"system": "laporgub", "next_at": at} for at in next_at],
            "links": {},
        }

        def decide(_document: Document | None, _now: object) -> Change:
            return Change("33.74", body, inbox={})

        await self.store.update(CASES, case, decide)

    async def late_after(self, seconds: float) -> float:
        """Return what the gauge says so many real seconds later."""
        self.clock.advance(timedelta(seconds=seconds))
        return await self.lateness.of("laporgub")


@pytest.fixture
def owed(tmp_path: Path) -> Iterator[Owed]:
    """An empty store."""
    made = Owed(tmp_path)
    yield made
    made.store.close()


async def test_nothing_due_is_not_late(owed: Owed) -> None:
    """What lies ahead does not count, nor what another partner is owed."""
    await owed.owes("a", iso(START + timedelta(hours=1)))

    assert 0 == await owed.late_after(60)
    assert 0 == await owed.lateness.of("sp4n")


async def test_a_dated_call_is_late_since_its_date(owed: Owed) -> None:
    """The oldest one counts."""
    await owed.owes("a", iso(START + timedelta(seconds=50)))
    await owed.owes("b", iso(START + timedelta(seconds=10)))

    assert 90 == await owed.late_after(100)


async def test_a_call_that_is_due_at_once_is_late_since_it_was_first_seen(owed: Owed) -> None:
    """Not since the year 1, in which it stands; and a done one is forgotten."""
    await owed.owes("a", AT_ONCE)
    first = await owed.late_after(5)
    waiting = await owed.late_after(30)
    await owed.owes("a")
    done = await owed.late_after(30)
    await owed.owes("a", AT_ONCE)
    again = await owed.late_after(30)

    assert [0, 30, 0, 0] == [first, waiting, done, again]


async def test_at_once_hides_no_older_dated_call(owed: Owed) -> None:
    """They stand first in the index; the dated one behind them is found all the same."""
    await owed.owes("a", AT_ONCE)
    await owed.owes("b", iso(START))

    assert 40 == await owed.late_after(40)
