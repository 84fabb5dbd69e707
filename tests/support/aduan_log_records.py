"""Records for tests of the log."""

import time
from typing import Final

from aduan.contracts.envelope import Raw
from aduan.messaging.port import Consumer, Record

TOPIC: Final = "complaint.created"
OTHER_TOPIC: Final = "complaint.replied"


def an_event(key: str, value: str, topic: str = TOPIC) -> Raw:
    """An event with headers that no text encoding would survive."""
    return Raw(topic, key.encode(), value.encode(), (("h", b"\x00\xfe"), ("h", b"again")))


async def drained(consumer: Consumer, count: int, *, within: float = 20.0) -> list[Record]:
    """Poll until `count` records came; a busy broker may take its time with the first ones."""
    found: list[Record] = []
    deadline = time.monotonic() + within
    while len(found) < count and time.monotonic() < deadline:
        found.extend(await consumer.poll(max_records=100, timeout=1.0))
    return found
