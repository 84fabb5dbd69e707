"""Records for tests of the log."""

from typing import Final

from aduan.contracts.envelope import Raw
from aduan.messaging.port import Consumer, Record

TOPIC: Final = "complaint.created"
OTHER_TOPIC: Final = "complaint.replied"


def an_event(key: str, value: str, topic: str = TOPIC) -> Raw:
    """An event with headers that no text encoding would survive."""
    return Raw(topic, key.encode(), value.encode(), (("h", b"\x00\xfe"), ("h", b"again")))


async def drained(consumer: Consumer, count: int) -> list[Record]:
    """Poll until `count` records came, or nothing more does."""
    found: list[Record] = []
    while len(found) < count:
        records = await consumer.poll(max_records=100, timeout=1.0)
        if not records:
            break
        found.extend(records)
    return found
