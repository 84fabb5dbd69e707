"""One SQLite file: a writer thread that commits in groups, and a reader for the event loop.

Whatever waits at this moment goes into one transaction; there is no timer. The commit is with WAL
and synchronous=FULL, so what is acknowledged survives a power cut.

Each call of the engine gives up the interpreter lock and waits to get it back, which costs more than
the call itself. So what the loop submits in one turn reaches the thread as one parcel, and `Rows` of
many writes go through one statement.
"""

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

from aduan.errors import AduanError, Busy

T = TypeVar("T")
GROUP_LIMIT: Final = 1024
COMPANY_SECONDS: Final = 0.005
_CHUNKS: Final = (64, 16, 4, 1)
_VARIABLES: Final = 30_000

Row = tuple[Any, ...]
Fill = Callable[[sqlite3.Connection, str, Sequence[str]], None]
"""Fills columns that were just added to a table, in the transaction that added them."""


class Many:
    """A statement over many rows: `head VALUES (?, ?), (?, ?) tail`, in few calls of the engine."""

    def __init__(self, head: str, width: int, tail: str = "") -> None:
        """width: values in a row. head ends where VALUES begins, tail follows the last row."""
        row = f"({', '.join('?' * width)})"
        self._statements = [
            (size, f"{head} VALUES {', '.join([row] * size)} {tail}")
            for size in _CHUNKS
            if size * width <= _VARIABLES
        ]

    def run(self, connection: sqlite3.Connection, rows: Sequence[Row]) -> int:
        """Run it for all rows; return how many rows of the table changed."""
        changed = at = 0
        for size, statement in self._statements:
            while len(rows) - at >= size:
                values = list(chain.from_iterable(rows[at : at + size]))
                changed += connection.execute(statement, values).rowcount
                at += size
        return changed


@dataclass(frozen=True, slots=True)
class Rows(Generic[T]):
    """A write that is nothing but rows, so that those of a whole group go together.

    rows: statement by statement, in this order; each row must change exactly one row of its table.
    Where one of the group does not, or a constraint refuses one, all is undone and each write of the
    group runs its `alone` by itself, which raises what its caller is to learn.
    value: the result where the rows went through.
    """

    rows: tuple[tuple[Many, Sequence[Row]], ...]
    alone: Callable[[sqlite3.Connection], T]
    value: T


Job = Callable[[sqlite3.Connection], T] | Rows[T]
_Result = tuple[Any, BaseException | None]


@dataclass(frozen=True, slots=True)
class _Submitted:
    job: Job[Any]
    future: "asyncio.Future[Any]"
    loop: asyncio.AbstractEventLoop
    patient: bool


class SchemaNewer(AduanError):
    """A file was written by a newer release, whose tables this one does not know."""


class _Unfit(Exception):
    """Rows that cannot go together."""


class SqliteFile:
    """A file that many coroutines write through one thread. Open and close it on the event loop."""

    def __init__(
        self,
        path: Path,
        *,
        schema: str,
        version: int,
        columns: Mapping[str, Sequence[str]] | None = None,
        fill: Fill | None = None,
        max_pages: int | None = None,
    ) -> None:
        """Open or create the file.

        version: of the schema; a file keeps the highest that wrote it. An older one is brought up.
        columns: table -> columns of the schema that an older release's table may not have yet; they
        are added, and empty in every row that is there, or as `fill` leaves them: both or neither.
        max_pages: the file refuses to grow beyond this many pages (a test's full disk).
        Raises Busy when the folder cannot be written or the file is no database, SchemaNewer.
        """
        self.path = path
        self.commits = 0
        self.waiting = 0  # writes that were submitted and are not durable yet
        self._parcel: list[_Submitted] = []
        self._sending: asyncio.AbstractEventLoop | None = None
        self._parcels: queue.SimpleQueue[list[_Submitted] | None] = queue.SimpleQueue()
        try:
            # A connection left open would take the files of a later one along when it goes.
            with contextlib.ExitStack() as failed:
                self._writer = self._connect(max_pages, failed)
                before = int(self._writer.execute("PRAGMA user_version").fetchone()[0])
                if before > version:
                    raise SchemaNewer(
                        f"{path.name} was written by a newer release (schema {before}, known here"
                        f" is {version}): run that release again, or put back the copy from before"
                        " it"
                    )
                self._writer.execute("BEGIN IMMEDIATE")
                for table, names in (columns or {}).items():
                    added = self._add(table, names)
                    if added and fill is not None:
                        fill(self._writer, table, added)
                self._writer.execute("COMMIT")
                self._writer.executescript(schema)
                if before < version:
                    self._writer.execute(f"PRAGMA user_version={int(version)}")
                self.reader = self._connect(None, failed)
                self.reader.execute("PRAGMA query_only=ON")
                failed.pop_all()
        except sqlite3.Error as error:
            raise Busy(f"{path.name} cannot be opened: {error}") from error
        self._thread = threading.Thread(target=self._run, name=f"writer-{path.stem}", daemon=True)
        self._thread.start()

    def _add(self, table: str, names: Sequence[str]) -> Sequence[str]:
        there = {row[1] for row in self._writer.execute(f"PRAGMA table_info({table})")}
        added = [name for name in names if there and name not in there]
        for name in added:
            self._writer.execute(f"ALTER TABLE {table} ADD COLUMN {name}")
        return added

    def _connect(self, max_pages: int | None, failed: contextlib.ExitStack) -> sqlite3.Connection:
        """failed: closes the connection where opening the file fails later."""
        connection = sqlite3.connect(
            self.path, isolation_level=None, check_same_thread=False, cached_statements=512
        )
        failed.callback(connection.close)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA busy_timeout=5000")
        connection.execute("PRAGMA cache_size=-32000")
        if max_pages is not None:
            connection.execute(f"PRAGMA max_page_count={int(max_pages)}")
        return connection

    async def synchronous(self) -> int:
        """Return the writer's PRAGMA synchronous as the engine reads it back (2 = FULL)."""
        return await self.write(lambda c: int(c.execute("PRAGMA synchronous").fetchone()[0]))

    async def write(self, job: Job[T], *, patient: bool = False) -> T:
        """Run `job` in the next group's transaction and return its result once that is durable.

        job: may run twice, the first time undone. An AduanError or IntegrityError that it raises
        undoes this job alone.
        patient: waits a few milliseconds for other writes to travel with, where nobody is told the
        outcome (a mark, an offset).
        Raises Busy when the engine refuses (disk full, read-only, locked): then nothing of the group
        was written.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._parcel.append(_Submitted(job, future, loop, patient))
        if self._sending is not loop:
            self._sending = loop
            loop.call_soon(self._send)
        self.waiting += 1
        try:
            return await future
        finally:
            self.waiting -= 1

    def _send(self) -> None:
        self._sending = None
        if self._parcel:
            self._parcels.put(self._parcel)
            self._parcel = []

    def read(self, sql: str, parameters: Row = ()) -> list[Any]:
        """Run a query on the loop's own connection: the last committed state. Raises Busy."""
        try:
            return self.reader.execute(sql, parameters).fetchall()
        except sqlite3.Error as error:
            raise Busy(f"{self.path.name} cannot be read: {error}") from error

    def close(self) -> None:
        """Finish what was submitted, then close. Safe to call twice."""
        if self._thread.is_alive():
            self._send()
            self._parcels.put(None)
            self._thread.join()
        self.reader.close()

    def _run(self) -> None:
        last = False
        while not last:
            group: list[_Submitted] = []
            timeout: float | None = None
            while len(group) < GROUP_LIMIT:
                try:
                    parcel = self._parcels.get(timeout=timeout)
                except queue.Empty:
                    break
                if parcel is None:
                    last = True
                    break
                group.extend(parcel)
                patient = all(submitted.patient for submitted in group)
                timeout = COMPANY_SECONDS if patient else 0
            if group:
                self._commit(group)
        self._writer.close()

    def _commit(self, group: list[_Submitted]) -> None:
        connection = self._writer
        try:
            try:
                results = self._transaction(group, self._together)
            except (_Unfit, sqlite3.IntegrityError):
                connection.execute("ROLLBACK")
                results = self._transaction(group, self._one_by_one)
            self.commits += 1
        except sqlite3.Error as error:
            # The whole group is undone: answering any of it would acknowledge what is not durable.
            # The engine may have rolled back by itself; a full disk makes it do so.
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            busy = Busy(f"{self.path.name} cannot be written: {error}")
            results = [(None, busy)] * len(group)
        by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any, Any]]] = {}
        for submitted, (value, failure) in zip(group, results, strict=True):
            by_loop.setdefault(submitted.loop, []).append((submitted.future, value, failure))
        for loop, done in by_loop.items():
            if not loop.is_closed():
                loop.call_soon_threadsafe(_resolve, done)

    def _transaction(
        self, group: list[_Submitted], way: Callable[[list[_Submitted]], list[_Result]]
    ) -> list[_Result]:
        self._writer.execute("BEGIN IMMEDIATE")
        results = way(group)
        self._writer.execute("COMMIT")
        return results

    def _together(self, group: list[_Submitted]) -> list[_Result]:
        results: list[_Result] = []
        merged: dict[Many, list[Row]] = {}
        for submitted in group:
            job = submitted.job
            if isinstance(job, Rows):
                for statement, rows in job.rows:
                    merged.setdefault(statement, []).extend(rows)
                results.append((job.value, None))
            else:
                results.append(self._one(job))
        for statement, rows in merged.items():
            if statement.run(self._writer, rows) != len(rows):
                raise _Unfit
        return results

    def _one_by_one(self, group: list[_Submitted]) -> list[_Result]:
        return [self._one(s.job.alone if isinstance(s.job, Rows) else s.job) for s in group]

    def _one(self, job: Callable[[sqlite3.Connection], Any]) -> _Result:
        connection = self._writer
        connection.execute("SAVEPOINT job")
        try:
            value = job(connection)
        except (AduanError, sqlite3.IntegrityError) as error:
            connection.execute("ROLLBACK TO job")
            connection.execute("RELEASE job")
            return None, error
        except sqlite3.Error:
            raise
        except Exception as error:  # noqa: BLE001 - a bug of one job; it comes out at its caller
            connection.execute("ROLLBACK TO job")
            connection.execute("RELEASE job")
            return None, error
        connection.execute("RELEASE job")
        return value, None


def _resolve(done: list[tuple["asyncio.Future[Any]", Any, BaseException | None]]) -> None:
    for future, value, failure in done:
        if future.cancelled():
            continue
        if failure is None:
            future.set_result(value)
        else:
            future.set_exception(failure)
