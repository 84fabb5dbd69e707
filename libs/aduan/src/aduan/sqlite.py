"""One SQLite file: a writer thread that commits in groups, and a reader for the event loop.

Whatever waits at this moment goes into one transaction, a savepoint each; there is no timer. The
commit is with WAL and synchronous=FULL, so what is acknowledged survives a power cut.
"""

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

from aduan.errors import AduanError, Busy

T = TypeVar("T")
GROUP_LIMIT: Final = 1024

_Job = tuple[Callable[[sqlite3.Connection], Any], "asyncio.Future[Any]", asyncio.AbstractEventLoop]


class SqliteFile:
    """A file that many coroutines write through one thread. Open and close it on the event loop."""

    def __init__(self, path: Path, *, schema: str, max_pages: int | None = None) -> None:
        """Open or create the file.

        max_pages: the file refuses to grow beyond this many pages (a test's full disk).
        Raises Busy when the folder cannot be written or the file is no database.
        """
        self.path = path
        self.commits = 0
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        try:
            self._writer = self._connect(max_pages)
            self._writer.executescript(schema)
            self.reader = self._connect(None)
            self.reader.execute("PRAGMA query_only=ON")
        except sqlite3.Error as error:
            raise Busy(f"{path.name} cannot be opened: {error}") from error
        self._thread = threading.Thread(target=self._run, name=f"writer-{path.stem}", daemon=True)
        self._thread.start()

    def _connect(self, max_pages: int | None) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, isolation_level=None, check_same_thread=False, cached_statements=512
        )
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

    async def write(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """Run `job` in the next group's transaction and return its result once that is durable.

        An AduanError or IntegrityError that `job` raises undoes this job alone. Raises Busy when the
        engine refuses (disk full, read-only, locked): then nothing of the group was written.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._jobs.put((job, future, loop))
        return await future

    def read(self, sql: str, parameters: tuple[Any, ...] = ()) -> list[Any]:
        """Run a query on the loop's own connection: the last committed state. Raises Busy."""
        try:
            return self.reader.execute(sql, parameters).fetchall()
        except sqlite3.Error as error:
            raise Busy(f"{self.path.name} cannot be read: {error}") from error

    def close(self) -> None:
        """Finish what was submitted, then close. Safe to call twice."""
        if self._thread.is_alive():
            self._jobs.put(None)
            self._thread.join()
        self.reader.close()

    def _run(self) -> None:
        while True:
            first = self._jobs.get()
            if first is None:
                break
            group, last = [first], False
            while len(group) < GROUP_LIMIT:
                try:
                    job = self._jobs.get_nowait()
                except queue.Empty:
                    break
                if job is None:
                    last = True
                    break
                group.append(job)
            self._commit(group)
            if last:
                break
        self._writer.close()

    def _commit(self, group: list[_Job]) -> None:
        results: list[tuple[Any, BaseException | None]] = []
        connection = self._writer
        try:
            connection.execute("BEGIN IMMEDIATE")
            for job, _, _ in group:
                results.append(self._one(connection, job))
            connection.execute("COMMIT")
            self.commits += 1
        except sqlite3.Error as error:
            # The whole group is undone: answering any of it would acknowledge what is not durable.
            # The engine may have rolled back by itself; a full disk makes it do so.
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            busy = Busy(f"{self.path.name} cannot be written: {error}")
            results = [(None, busy)] * len(group)
        by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any, Any]]] = {}
        for (_, future, loop), (value, failure) in zip(group, results, strict=True):
            by_loop.setdefault(loop, []).append((future, value, failure))
        for loop, done in by_loop.items():
            if not loop.is_closed():
                loop.call_soon_threadsafe(_resolve, done)

    @staticmethod
    def _one(
        connection: sqlite3.Connection, job: Callable[[sqlite3.Connection], Any]
    ) -> tuple[Any, BaseException | None]:
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
