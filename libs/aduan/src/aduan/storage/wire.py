"""How an inbox's waiting events are kept: the original bytes and headers, loss-free, as JSON."""

from collections.abc import Mapping
from typing import Any

from pydantic_core import from_json, to_json

from aduan.contracts.envelope import Raw
from aduan.storage.port import Inbox, StreamInbox


def pack_headers(headers: tuple[tuple[str, bytes], ...]) -> bytes:
    """Return headers as JSON; each value byte by byte (latin-1), so any bytes survive."""
    return to_json([[name, value.decode("latin-1")] for name, value in headers])


def unpack_headers(data: bytes) -> tuple[tuple[str, bytes], ...]:
    """Undo `pack_headers`."""
    return tuple((name, value.encode("latin-1")) for name, value in from_json(data))


def pack_raw(raw: Raw) -> dict[str, Any]:
    """Return one event as JSON-able data, loss-free."""
    return {
        "topic": raw.topic,
        "key": raw.key.decode("latin-1"),
        "value": raw.value.decode("latin-1"),
        "headers": [[name, value.decode("latin-1")] for name, value in raw.headers],
    }


def unpack_raw(data: Mapping[str, Any]) -> Raw:
    """Undo `pack_raw`."""
    return Raw(
        topic=data["topic"],
        key=data["key"].encode("latin-1"),
        value=data["value"].encode("latin-1"),
        headers=tuple((name, value.encode("latin-1")) for name, value in data["headers"]),
    )


def pack_inbox(inbox: Inbox) -> tuple[bytes, bytes | None]:
    """Return (next by stream, waiting events or None)."""
    nexts = to_json({name: stream.next for name, stream in inbox.items()})
    if not any(stream.waiting for stream in inbox.values()):
        return nexts, None
    waiting = {
        name: {str(seq): pack_raw(raw) for seq, raw in stream.waiting.items()}
        for name, stream in inbox.items()
        if stream.waiting
    }
    return nexts, to_json(waiting)


def unpack_inbox(nexts: bytes, waiting: bytes | None) -> Inbox:
    """Undo `pack_inbox`."""
    held: dict[str, dict[str, Any]] = from_json(waiting) if waiting is not None else {}
    return {
        name: StreamInbox(
            next=value,
            waiting={int(seq): unpack_raw(raw) for seq, raw in held.get(name, {}).items()},
        )
        for name, value in from_json(nexts).items()
    }
