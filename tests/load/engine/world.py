"""What a measurement does to the five services over HTTP, and how it sees that they are at rest."""

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Any, Final

from aduan_cluster import Cluster, Replica
from tests.load.engine.records import Reader

from aduan.contracts.topics import streams_for, topics_of
from aduan_standalone.cli.instance import SERVICES

# Nobody can tell from this whose it is, so a person assigns it; no physical work, so no evidence.
VAGUE: Final = "Mohon perhatiannya untuk hal ini, terima kasih."
OFFICE: Final = "DPU"
SETTLED_WITHIN: Final = 300.0


class Caller:
    """One keep-alive connection to one replica, one request at a time.

    A client library would cost as much as the services that it measures.
    """

    def __init__(self, replica: Replica, key: str) -> None:
        self._port, self._key = replica.port, key
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        once: str = "",
        key: str = "",
    ) -> tuple[int, Any]:
        """Return (status, JSON). once: an Idempotency-Key; key: instead of the caller's own."""
        data = json.dumps(body).encode() if body is not None else b""
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: aduan.test\r\n"
            f"Authorization: Bearer {key or self._key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n"
        )
        head += f"Idempotency-Key: {once}\r\n" if once else ""
        words = f"{head}\r\n".encode() + data
        try:
            return await self._exchange(words)
        except (asyncio.IncompleteReadError, ConnectionError):
            # A server lets go of a connection that was quiet for long; everything here may come twice.
            self._streams = None
            return await self._exchange(words)

    async def _exchange(self, words: bytes) -> tuple[int, Any]:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        writer.write(words)
        head = await reader.readuntil(b"\r\n\r\n")
        low = head.lower()
        at = low.find(b"content-length:")
        length = int(low[at + 15 : low.index(b"\r\n", at)]) if at >= 0 else 0
        said = await reader.readexactly(length) if length else b"null"
        return int(head[9:12]), json.loads(said)

    async def must(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, **more: str
    ) -> Any:
        """Return the JSON of an answer that must be good."""
        until = time.monotonic() + SETTLED_WITHIN
        while True:
            status, found = await self.ask(method, path, body, **more)
            # 503 promises that nothing was changed: asked again, as a portal does; its time counts.
            if status != 503 or time.monotonic() > until:
                break
            await asyncio.sleep(0.1)
        if status not in (200, 201, 202):
            raise SystemExit(f"{method} {path}: {status} {found}")
        return found


async def portal(cluster: Cluster, code: str) -> str:
    """Make a portal; return its key."""
    (intake,) = cluster.of("intake")
    body = {"code": code, "name": code, "anonymous": False, "confidential": False}
    made = await Caller(intake, cluster.token).must("POST", "/v1/portals", body)
    return str(made["key"])


async def office(cluster: Cluster, code: str) -> str:
    """Make an office's key."""
    (routing,) = cluster.of("routing")
    path = f"/v1/offices/{code}/keys"
    made = await Caller(routing, cluster.token).must("POST", path, {"role": "office"})
    return str(made["key"])


async def settled(read: Reader, *, within: float = SETTLED_WITHIN) -> None:
    """Return when no group has anything left, seen three times half a second apart."""
    until, quiet = time.monotonic() + within, 0
    while quiet < 3:
        if time.monotonic() > until:
            raise SystemExit("the services do not come to rest")
        left = 0
        for name in SERVICES:
            topics = [topic.name for topic in topics_of(*streams_for(name))]
            left += await read.lag(f"aduan.{name}", *topics)
        quiet = 0 if left else quiet + 1
        await asyncio.sleep(0.5)
