"""The durable memory of a simulated partner: rows of JSON in one SQLite file.

What `run` returned is on the disk, so a simulator that is killed and started again still knows
every ticket that it ever handed out. The SP4N simulator keeps its rows in the same kind of book.
"""

import asyncio
import json
import sqlite3
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
Row = dict[str, Any]

_TABLES = """
CREATE TABLE IF NOT EXISTS rows (
    kind TEXT NOT NULL, id TEXT NOT NULL, changed INTEGER NOT NULL, ref TEXT, due TEXT,
    body TEXT NOT NULL, PRIMARY KEY (kind, id));
CREATE INDEX IF NOT EXISTS rows_changed ON rows (kind, changed);
CREATE INDEX IF NOT EXISTS rows_ref ON rows (kind, ref);
CREATE INDEX IF NOT EXISTS rows_due ON rows (kind, due) WHERE due IS NOT NULL;
CREATE TABLE IF NOT EXISTS numbers (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS switches (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Pen:
    """Reads and writes inside one transaction; nothing of it stays if the operation raises."""

    db: sqlite3.Connection

    def next_number(self, name: str) -> int:
        """Return 1, 2, 3 ... for each name, without a gap and never twice."""
        found = self.db.execute(
            "INSERT INTO numbers VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET value = value + 1"
            " RETURNING value",
            (name,),
        ).fetchone()
        return int(found[0])

    def number(self, name: str) -> int:
        """Return the last number given out under `name`, 0 if none was."""
        found = self.db.execute("SELECT value FROM numbers WHERE name = ?", (name,)).fetchone()
        return int(found[0]) if found else 0

    def put(
        self, kind: str, id: str, body: Mapping[str, Any], *, ref: str = "", due: str = ""
    ) -> int:
        """Write a whole row and return its place in the order of changes (`changed`)."""
        changed = self.next_number("changed")
        self.db.execute(
            "INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?, ?, ?)",
            (kind, id, changed, ref, due or None, json.dumps(body, ensure_ascii=False)),
        )
        return changed

    def get(self, kind: str, id: str) -> Row | None:
        """Return one row."""
        found = self.db.execute(
            "SELECT body FROM rows WHERE kind = ? AND id = ?", (kind, id)
        ).fetchone()
        return json.loads(found[0]) if found else None

    def by_ref(self, kind: str, ref: str) -> list[Row]:
        """Return the rows with this reference, oldest change first."""
        return self._rows("kind = ? AND ref = ? ORDER BY changed", (kind, ref))

    def due(self, kind: str, now: str) -> list[Row]:
        """Return the rows whose planned step lies at or before `now`, at most 200."""
        return self._rows("kind = ? AND due <= ? ORDER BY due LIMIT 200", (kind, now))

    def changed_after(self, kind: str, changed: int, limit: int) -> list[tuple[int, Row]]:
        """Return (place in the order of changes, row) in that order."""
        found = self.db.execute(
            "SELECT changed, body FROM rows WHERE kind = ? AND changed > ?"
            " ORDER BY changed LIMIT ?",
            (kind, changed, limit),
        )
        return [(int(place), json.loads(body)) for place, body in found]

    def newest(self, kind: str, *, limit: int, offset: int) -> list[Row]:
        """Return rows by number of their id, highest first."""
        return self._rows(
            "kind = ? ORDER BY CAST(id AS INTEGER) DESC LIMIT ? OFFSET ?", (kind, limit, offset)
        )

    def count(self, kind: str) -> int:
        """Count the rows of a kind."""
        found = self.db.execute("SELECT count(*) FROM rows WHERE kind = ?", (kind,)).fetchone()
        return int(found[0])

    def repeated_refs(self, kind: str) -> int:
        """Count the references that more than one row of a kind carries."""
        found = self.db.execute(
            "SELECT count(*) FROM (SELECT ref FROM rows WHERE kind = ? AND ref <> ''"
            " GROUP BY ref HAVING count(*) > 1)",
            (kind,),
        ).fetchone()
        return int(found[0])

    def switch(self, name: str) -> Row:
        """Return a stored switch, empty if it was never set."""
        found = self.db.execute("SELECT value FROM switches WHERE name = ?", (name,)).fetchone()
        return json.loads(found[0]) if found else {}

    def set_switch(self, name: str, value: Mapping[str, Any]) -> None:
        """Store a switch; it survives a restart."""
        self.db.execute("INSERT OR REPLACE INTO switches VALUES (?, ?)", (name, json.dumps(value)))

    def _rows(self, where: str, values: tuple[object, ...]) -> list[Row]:
        found = self.db.execute(f"SELECT body FROM rows WHERE {where}", values)  # noqa: S608 - literals
        return [json.loads(body) for (body,) in found]


class Book:
    """One partner's file. Opening it twice from two processes is not supported."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        # FULL: a ticket that was answered must survive a power cut, else the partner would
        # "forget" what we linked and every count in the fault tests would be worthless.
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.executescript(_TABLES)

    async def run(self, operation: Callable[[Pen], T]) -> T:
        """Run `operation` as one transaction in a thread; durable when this returns."""
        return await asyncio.to_thread(self.run_now, operation)

    def run_now(self, operation: Callable[[Pen], T]) -> T:
        """Run `operation` as one transaction in this thread."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                result = operation(Pen(self._db))
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")
            return result

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()
