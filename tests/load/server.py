"""One of the compared servers in a process of its own.

    python -m tests.load.server reference FOLDER
    python -m tests.load.server durable FOLDER
    python -m tests.load.server intake FOLDER

Prints one line of JSON, {"port", "key"}, when it listens. intake answers GET /counters with its
commits and what PRAGMA synchronous reads back as.
"""

import base64
import json
import os
import socket
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import uvicorn
from prometheus_client import CollectorRegistry
from pydantic import SecretStr
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from aduan.clock import SystemClock
from aduan.messaging.sqlite import SqliteBus
from aduan.observability import logs
from aduan.observability.process import StoreMetrics
from aduan.storage.sqlite import SqliteStore
from aduan.storage.watched import watched
from aduan.web.keys import make_key
from aduan_intake.bootstrap import build, spec
from aduan_intake.settings import Settings

ROOT = Path(__file__).resolve().parents[2]


class WithCounters:
    """The service's app, and one path more that tells what the files did."""

    def __init__(self, app: ASGIApp, store: SqliteStore, bus: SqliteBus) -> None:
        self._app = app
        self._store = store
        self._bus = bus

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer /counters, pass on the rest."""
        if scope["type"] != "http" or scope["path"] != "/counters":
            await self._app(scope, receive, send)
            return
        found = {
            "store": self._store.commits,
            "log": self._bus.commits,
            "synchronous": [
                await self._store.file.synchronous(),
                await self._bus.file.synchronous(),
            ],
        }
        await JSONResponse(found)(scope, receive, send)


async def intake(folder: Path, stack: AsyncExitStack) -> tuple[ASGIApp, str]:
    """Build intake with its own relay, consumer and log, and a portal's key."""
    text, record = make_key(
        tenant="33.74", scopes=("complaints:write", "complaints:read"), portal="web"
    )
    settings = Settings(
        store="sqlite:///unused",
        bus="sqlite:///unused",
        vault_key=SecretStr(base64.b64encode(os.urandom(32)).decode()),
        reference_dir=ROOT / "reference",
        static_keys=(record,),
    )
    clock = SystemClock()
    what = spec(settings)
    store = SqliteStore(folder / "intake.db", what.all_collections, clock)
    bus = SqliteBus(folder / "log.db", clock)
    stack.callback(bus.close)
    stack.callback(store.close)
    registry = CollectorRegistry()
    metrics = StoreMetrics(registry, ("intake",))
    service = await build(
        settings,
        spec=what,
        store=watched(store, "intake", metrics),
        bus=bus,
        clock=clock,
        registry=registry,
    )
    await stack.enter_async_context(service.running())
    return WithCounters(service.app, store, bus), text


async def main(kind: str, folder: Path) -> None:
    """Serve until stopped."""
    logs.configure("bench", level="WARNING")
    async with AsyncExitStack() as stack:
        app: Any
        key = ""
        if kind == "reference":
            from tests.load.reference_app import app
        elif kind == "durable":
            from tests.load.durable_app import durable

            app = durable(folder / "durable.db")
        else:
            app, key = await intake(folder, stack)
        listening = socket.socket()
        listening.bind(("127.0.0.1", 0))
        # The settings of a host that serves in earnest, the same for both.
        config = uvicorn.Config(
            app, loop="uvloop", http="httptools", log_config=None, access_log=False, lifespan="off"
        )
        print(json.dumps({"port": listening.getsockname()[1], "key": key}), flush=True)
        await uvicorn.Server(config).serve([listening])


if __name__ == "__main__":
    import uvloop

    uvloop.run(main(sys.argv[1], Path(sys.argv[2])))
