"""A TCP proxy between parts of a test: shares connections out, hangs, slows down, resets, refuses."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Sequence
from typing import Final, Literal

Way = Literal["pass", "hang", "reset", "refuse"]

CHUNK: Final = 64 * 1024


class Proxy:
    """Listens on one port and connects each client to the next target that takes it.

    way: pass on; hang (nothing passes, connections stay open, also those that come); reset (cut what
    is open and what comes); refuse (cut what comes). delay: seconds before each chunk goes on.
    """

    def __init__(self, targets: Sequence[tuple[str, int]]) -> None:
        """Nothing listens yet. targets: host and port of each server."""
        self._targets = tuple(targets)
        self._turn = itertools.cycle(range(len(self._targets)))
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._passing = asyncio.Event()
        self._way: Way = "pass"
        self._passing.set()
        self.delay = 0.0
        self.port = 0

    @property
    def address(self) -> str:
        """host:port."""
        return f"127.0.0.1:{self.port}"

    @contextlib.asynccontextmanager
    async def listening(self, port: int = 0) -> AsyncIterator["Proxy"]:
        """Serve until the block is left."""
        self._server = await asyncio.start_server(self._client, "127.0.0.1", port)
        self.port = int(self._server.sockets[0].getsockname()[1])
        try:
            yield self
        finally:
            self._server.close()
            self._passing.set()
            self._cut()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def turn(self, way: Way) -> None:
        """Behave this way from now on."""
        self._way = way
        if way == "hang":
            self._passing.clear()
        else:
            self._passing.set()
        if way == "reset":
            self._cut()

    def _cut(self) -> None:
        for writer in self._open:
            writer.transport.abort()

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._way in ("reset", "refuse"):
            writer.transport.abort()
            return
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        ends = [writer]
        self._open.add(writer)
        try:
            there = await self._target()
            if there is not None:
                ends.append(there[1])
                self._open.add(there[1])
                await asyncio.gather(self._pump(reader, there[1]), self._pump(there[0], writer))
        except OSError:
            pass  # one side went away: so does the other
        finally:
            for end in ends:
                self._open.discard(end)
                end.transport.abort()
            self._tasks.discard(task)

    async def _target(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        for _ in self._targets:
            host, port = self._targets[next(self._turn)]
            try:
                return await asyncio.open_connection(host, port)
            except OSError:
                continue
        return None

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(CHUNK):
            if self.delay:
                await asyncio.sleep(self.delay)
            await self._passing.wait()
            sink.write(data)
            await sink.drain()
        if sink.can_write_eof():
            sink.write_eof()
