"""Identifiers that sort by the time they were made, so that indexes grow at their end (RFC 9562)."""

from datetime import datetime
from uuid import UUID

from aduan.privacy.randomness import random_bytes


def uuid7(moment: datetime) -> str:
    """Return a version 7 UUID: 48 bits of milliseconds, the rest random."""
    milliseconds = int(moment.timestamp() * 1000) & ((1 << 48) - 1)
    random = int.from_bytes(random_bytes(10))
    value = milliseconds << 80 | random
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(UUID(int=value))
