"""A data folder of an older release is opened by a newer one that finds by more columns."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from aduan.clock import ManualClock
from aduan.errors import Busy
from aduan.storage.port import Body, Change, Collection, Index
from aduan.storage.sqlite import SqliteStore

OLD: Final = Collection(
    name="things",
    indexes=(Index("state", ("tenant", "state")),),
    columns=lambda body: {"state": body["state"]},
)
NEW: Final = replace(
    OLD,
    indexes=(*OLD.indexes, Index("due", ("partition", "due_at"))),
    columns=lambda body: {"state": body["state"], "due_at": body.get("due_at")},
)


async def test_an_index_of_a_new_column_works_in_an_old_folder(tmp_path: Path) -> None:
    """Old documents are still found as before; a document that is written again is in the new index."""
    clock = ManualClock(datetime(2026, 12, 1, tzinfo=UTC))

    async def write(store: SqliteStore, collection: Collection, id: str, body: Body) -> None:
        await store.update(collection, id, lambda _d, _n: Change("33.74", body, {}))

    before = SqliteStore(tmp_path / "x.db", (OLD,), clock)
    await write(before, OLD, "a", {"state": "open"})
    await write(before, OLD, "b", {"state": "open"})
    before.close()
    after = SqliteStore(tmp_path / "x.db", (NEW,), clock)
    await write(after, NEW, "b", {"state": "open", "due_at": "2026"})
    found = [await after.count(NEW, "due", equal=(number,)) for number in range(24)]

    assert 2 == await after.count(NEW, "state", equal=("33.74", "open"))
    assert 1 == sum(found)
    after.close()
    again = SqliteStore(tmp_path / "x.db", (NEW,), clock)

    assert 2 == await again.total(NEW)
    again.close()


async def test_old_documents_stand_in_the_new_index_as_their_bodies_say(tmp_path: Path) -> None:
    """Nothing has to be written again; what has no body and what says nothing stands in none."""
    clock = ManualClock(datetime(2026, 12, 1, tzinfo=UTC))
    before = SqliteStore(tmp_path / "x.db", (OLD,), clock)
    for number in range(1_100):
        body = {"state": "open", **({"due_at": "2026"} if number % 2 else {})}
        await before.update(OLD, f"{number:04}", lambda _d, _n, b=body: Change("33.74", b, {}))  # type: ignore[misc]  # bound by default
    await before.expire(OLD, "0001")
    before.close()
    after = SqliteStore(tmp_path / "x.db", (NEW,), clock)
    found = [await after.count(NEW, "due", equal=(number,)) for number in range(24)]
    kept = await after.get(NEW, "0003")
    after.close()

    assert 549 == sum(found)
    assert kept is not None
    assert (1, {"state": "open", "due_at": "2026"}) == (kept.version, kept.body)


def test_an_old_document_that_cannot_be_read_leaves_the_folder_as_it_was(tmp_path: Path) -> None:
    """Columns that stayed empty would be taken for filled by every later start."""
    clock = ManualClock(datetime(2026, 12, 1, tzinfo=UTC))
    file = tmp_path / "x.db"
    SqliteStore(file, (OLD,), clock).close()
    with closing(sqlite3.connect(file)) as other, other:
        other.execute(
            "INSERT INTO things VALUES ('a', '33.74', 0, 1, '{}', '[]', '{}', NULL, 0, NULL, 0, 0,"
            " NULL, NULL)"
        )
    with pytest.raises(KeyError):
        SqliteStore(file, (NEW,), clock)
    with closing(sqlite3.connect(file)) as other:
        columns = {row[1] for row in other.execute("PRAGMA table_info(things)")}

    assert "c_due_at" not in columns


def test_a_file_that_cannot_be_opened_is_let_go_of(tmp_path: Path) -> None:
    """Whoever moves it away and makes another one would lose the new one's log with the old one."""
    file = tmp_path / "x.db"
    with closing(sqlite3.connect(file)) as other:
        other.execute("CREATE VIEW things AS SELECT 1 AS id")
    with pytest.raises(Busy, match="cannot be opened") as kept:
        SqliteStore(file, (NEW,), ManualClock(datetime(2026, 12, 1, tzinfo=UTC)))

    assert [file] == list(tmp_path.iterdir()), kept
