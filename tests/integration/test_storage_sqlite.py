"""What only the embedded store can show: a file that may not grow."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from aduan.clock import ManualClock
from aduan.errors import Busy
from aduan.storage.port import Body, Change, Collection, Decide, Document
from aduan.storage.sqlite import SqliteStore

CASES = Collection(name="cases")
A = "019ad3f0-0000-7000-8000-00000000000a"


def put(body: Body) -> Decide:
    """A decision that replaces the body."""

    def decide(_document: Document | None, _now: datetime) -> Change:
        return Change("33.74", body, {})

    return decide


async def test_a_full_disk_is_busy_and_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    """Refused writes raise; what was acknowledged stays; with room it goes on."""
    clock = ManualClock(datetime(2026, 12, 1, tzinfo=UTC))
    small = SqliteStore(tmp_path / "full.db", (CASES,), clock, max_pages=60)
    acknowledged = []
    with pytest.raises(Busy):
        for number in range(1000):
            id = f"019ad3f0-0000-7000-8000-{number:012d}"
            await small.update(CASES, id, put({"text": "x" * 2000}))
            acknowledged.append(id)
    small.close()

    roomy = SqliteStore(tmp_path / "full.db", (CASES,), clock)
    assert 0 < len(acknowledged) == await roomy.total(CASES)
    await roomy.update(CASES, A, put({"text": "x" * 2000}))
    assert await roomy.get(CASES, A) is not None
    roomy.close()
