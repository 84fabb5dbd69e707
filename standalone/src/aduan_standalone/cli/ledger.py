"""The feeder's own record of what was acknowledged: one JSON line each, on disk before it counts.

Line: {"external_id", "ticket", "status", "at"}; status is the HTTP status, ticket is null where the
complaint was refused, at is the wall clock. A line that a crash cut short is dropped on reading:
its complaint is simply sent again, which changes nothing.
"""

import asyncio
import json
import os
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from aduan.clock import Clock, iso
from aduan_standalone.cli.refusal import Refusal

_BEGIN: Final = b'{"external_id": '  # how every line begins, and so does one that was cut short


class Ledger:
    """An open ledger; without a path it only remembers."""

    def __init__(self, path: Path | None, clock: Clock) -> None:
        """Raises Refusal when the file cannot be opened or holds something else."""
        self._clock = clock
        self._lock = asyncio.Lock()
        self._descriptor: int | None = None
        self.acknowledged: set[str] = set()
        if path is None:
            return
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            whole = path.read_bytes()
        except OSError as error:
            raise Refusal(f"{path} cannot be written ({error.strerror}).") from None
        end = whole.rfind(b"\n") + 1
        for number, line in enumerate(whole[:end].splitlines(), start=1):
            self._remember(line, path, number)
        torn = whole[end:]
        if torn[: len(_BEGIN)] != _BEGIN[: len(torn)]:
            raise Refusal(f"{path} is not a ledger: its last line is something else.")
        # Only now: a file that turned out to be no ledger must stay as it is.
        if torn:
            os.ftruncate(self._descriptor, end)

    def __contains__(self, external_id: str) -> bool:
        """Whether this complaint was acknowledged before."""
        return external_id in self.acknowledged

    async def add(self, external_id: str, ticket: str | None, status: int) -> None:
        """Write one line and wait until it is on the disk."""
        line = {
            "external_id": external_id,
            "ticket": ticket,
            "status": status,
            "at": iso(self._clock.wall()),
        }
        if self._descriptor is not None:
            data = (json.dumps(line, ensure_ascii=False) + "\n").encode()
            async with self._lock:
                await asyncio.to_thread(_append, self._descriptor, data)
        if ticket is not None:
            self.acknowledged.add(external_id)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)

    def _remember(self, line: bytes, path: Path, number: int) -> None:
        try:
            found: Any = json.loads(line)
            external_id, ticket = str(found["external_id"]), found["ticket"]
        except (ValueError, KeyError, TypeError):
            raise Refusal(f"{path} is not a ledger: line {number} is something else.") from None
        if ticket is not None:
            self.acknowledged.add(external_id)


def _append(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
    os.fsync(descriptor)
