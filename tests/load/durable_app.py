"""The second yardstick: the shortest FastAPI app that may say "kept". One insert, one commit, 202.

    the same body model, no key, no scrubbing, no sealing, no unique key, no event, no log

SQLite in WAL with `synchronous` FULL, as intake has it; each request commits in a thread of the
framework's pool. Do not make it faster or slower: figures of different days are compared through it.
"""

import sqlite3
import threading
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from aduan_intake.domain.request import ComplaintIn

BUSY_MS: Final = 30_000


def durable(path: Path) -> FastAPI:
    """Return the app over a new file."""
    app = FastAPI()
    own = threading.local()

    def connection() -> sqlite3.Connection:
        if not hasattr(own, "connection"):
            own.connection = sqlite3.connect(path, isolation_level=None)
            for pragma in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={BUSY_MS}"):
                own.connection.execute(f"PRAGMA {pragma}")
        found: sqlite3.Connection = own.connection
        return found

    connection().execute("CREATE TABLE complaints (id INTEGER PRIMARY KEY, body TEXT NOT NULL)")

    def keep(body: str) -> None:
        connection().execute("INSERT INTO complaints (body) VALUES (?)", (body,))

    @app.post("/v1/complaints", status_code=202)
    async def accept(given: ComplaintIn) -> None:
        """Read the body as intake does, and keep it."""
        await run_in_threadpool(keep, given.model_dump_json())

    return app
