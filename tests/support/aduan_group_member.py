"""One member of a consumer group in a process of its own, for tests that kill and freeze it.

It runs the real consumer loop, applies each record by appending a line to a file of its own (synced),
and polls a failing store never: what is tested is the group, not a service.

    python -m aduan_group_member KAFKA GROUP TOPIC FILE
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from aduan.clock import SystemClock
from aduan.contracts.envelope import Raw
from aduan.messaging.consumer import ConsumerLoop
from aduan.messaging.dead_letters import DEAD_LETTERS, DeadLetters
from aduan.messaging.kafka import Connection, KafkaBus
from aduan.storage.sqlite import SqliteStore


class Applied:
    """What this member has applied, one JSON line each: case, value, when."""

    def __init__(self, path: Path) -> None:
        """Go on with the file."""
        self._file = path.open("a")

    async def deliver(self, case_id: str, events: Sequence[Raw]) -> None:
        """Append, durably, then count as done."""
        at = datetime.now(UTC).timestamp()
        for raw in events:
            self._file.write(json.dumps([case_id, raw.value.decode(), at]) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        await asyncio.sleep(0)


async def main(kafka: str, group: str, topics: str, path: str) -> None:
    """Be a member until SIGTERM, then leave cleanly."""
    clock = SystemClock()
    bus = KafkaBus(Connection.of(f"kafka://{kafka}"), clock)
    with TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder) / "letters.db", (DEAD_LETTERS,), clock)
        applied = Applied(Path(path))
        loop = ConsumerLoop(
            bus=bus,
            group=group,
            topics=topics.split(","),
            deliver=applied.deliver,
            letters=DeadLetters(store, clock, group),
            clock=clock,
        )
        task = asyncio.create_task(loop.run())
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        seen: Sequence[int] | None = None
        while not task.done():
            now = loop.partitions()
            if now != seen:
                seen = now
                print(json.dumps(list(now)), flush=True)
            await asyncio.wait({task}, timeout=0.05)
        if not task.cancelled():
            task.result()
        store.close()
    await bus.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
