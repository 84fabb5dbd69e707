"""The unit's own system in small: cases, work orders, and which records were applied."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS cases (
    id TEXT PRIMARY KEY, ticket TEXT NOT NULL, kind TEXT NOT NULL, version INTEGER NOT NULL,
    state TEXT);
CREATE TABLE IF NOT EXISTS applied (event_id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS orders (
    n INTEGER PRIMARY KEY, case_id TEXT NOT NULL, state TEXT NOT NULL, text TEXT, photo TEXT);
"""
TO_DO: Final = ("assigned", "accepted", "in_progress")
KINDS: Final = ("own", "copy", "left")


@dataclass(frozen=True)
class Order:
    """A work order. state: new, started, finished (here), answered (in Aduan too), void."""

    number: str
    case_id: str
    state: str
    text: str | None
    photo: Path | None


class Book:
    """One file. Other processes may have it open."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, timeout=10, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.executescript(SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def keep(self, case: Mapping[str, Any]) -> None:
        """Take a case from a snapshot, unless a later version is known."""
        with self._transaction():
            self._see(case["id"], case["ticket"], "own", case["version"], case["state"])

    def apply(self, event_id: str, case_id: str, record: Mapping[str, Any]) -> bool:
        """Apply a record of the topic; False when it brings nothing new.

        The id and the effect are one transaction: a record that comes again finds its id.
        """
        with self._transaction():
            known = self._db.execute(
                "INSERT OR IGNORE INTO applied VALUES (?) RETURNING 1", (event_id,)
            ).fetchone()
            if known is None or record.get("kind") not in KINDS:
                return False
            state = record.get("case", {}).get("state")
            return self._see(case_id, record["ticket"], record["kind"], record["version"], state)

    def finish(self, number: str, text: str, photo: Path | None) -> bool:
        """Note that the work is done; False when there is no such order to finish."""
        place = str(photo.resolve()) if photo is not None else None
        done = self._db.execute(
            "UPDATE orders SET state = 'finished', text = ?, photo = ?"
            " WHERE n = ? AND state IN ('new', 'started')",
            (text, place, _n(number)),
        )
        return done.rowcount == 1

    def move(self, number: str, state: str) -> None:
        """Set an order's state."""
        self._db.execute("UPDATE orders SET state = ? WHERE n = ?", (state, _n(number)))

    def orders(self, state: str | None = None) -> list[Order]:
        """Return the orders, or those in one state, oldest first."""
        rows = self._db.execute(
            "SELECT n, case_id, state, text, photo FROM orders"
            " WHERE ?1 IS NULL OR state = ?1 ORDER BY n",
            (state,),
        )
        return [
            Order(f"WO-{n:05}", case_id, found, text, Path(photo) if photo else None)
            for n, case_id, found, text, photo in rows.fetchall()
        ]

    def _see(self, id: str, ticket: str, kind: str, version: int, state: str | None) -> bool:
        row = self._db.execute("SELECT version FROM cases WHERE id = ?", (id,)).fetchone()
        if row is not None and version <= row[0]:
            return False
        self._db.execute(
            "INSERT OR REPLACE INTO cases VALUES (?, ?, ?, ?, ?)",
            (id, ticket, kind, version, state),
        )
        if kind != "own":
            self._db.execute(
                "UPDATE orders SET state = 'void' WHERE case_id = ? AND state != 'answered'", (id,)
            )
        elif state in TO_DO:
            # a case that comes back after its answer is work again
            self._db.execute(
                "INSERT INTO orders (case_id, state) SELECT ?1, 'new' WHERE NOT EXISTS"
                " (SELECT 1 FROM orders WHERE case_id = ?1 AND state NOT IN ('answered', 'void'))",
                (id,),
            )
        return True

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")


def _n(number: str) -> int:
    digits = number.removeprefix("WO-")
    return int(digits) if digits.isdecimal() else -1
