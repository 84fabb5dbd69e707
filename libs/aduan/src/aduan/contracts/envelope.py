"""CloudEvents 1.0 in Kafka's binary mode: attributes in `ce_` headers, JSON data in the value.

Own codec on the hot path; a contract test compares it with the CloudEvents SDK's reading.
Source: CloudEvents 1.0.2 and its Kafka protocol binding; DESIGN 3.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, TypeAdapter, ValidationError

from aduan.clock import iso, parse_iso
from aduan.contracts.events import DATA_LIMIT
from aduan.contracts.topics import BY_NAME
from aduan.errors import AduanError, Poison
from aduan.ids import uuid5
from aduan.privacy.randomness import random_bytes

T = TypeVar("T")

CONTENT_TYPE = b"application/json"
_REQUIRED = ("id", "type", "subject", "time", "tenant", "stream", "seq")


class EventTooLarge(AduanError):
    """The event's data would be over 64 KB; refuse the command that caused it."""


@dataclass(frozen=True, slots=True)
class Emit:
    """An event that a decision wants to tell. The envelope is made when it is stored.

    event_id: only for events whose identity is not their place in the stream (clock events).
    occurred_at: when the fact happened, if that is not the moment of the decision.
    """

    topic: str
    data: BaseModel
    event_id: str | None = None
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Cause:
    """What made us emit: the id of the causing event or command, its correlation and its trace."""

    causation_id: str
    correlation_id: str
    traceparent: str


@dataclass(frozen=True, slots=True)
class Address:
    """Where an event belongs, readable without decoding its data."""

    case_id: str
    stream: str
    seq: int
    tenant: str
    type: str


@dataclass(frozen=True, slots=True)
class Raw:
    """An event as it travels: undecoded bytes. `headers` keep their order and duplicates."""

    topic: str
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...]
    # On its way through a service an event is asked five times what its headers say.
    _attributes: Mapping[str, str] | None = field(
        default=None, init=False, repr=False, compare=False
    )
    _address: Address | None = field(default=None, init=False, repr=False, compare=False)

    def attributes(self) -> Mapping[str, str]:
        """Return the CloudEvents attributes by name. Raises Poison when a header is not UTF-8."""
        if self._attributes is not None:
            return self._attributes
        try:
            found = {
                name[3:]: value.decode() for name, value in self.headers if name.startswith("ce_")
            }
        except UnicodeDecodeError as error:
            raise Poison("a ce_ header is not UTF-8") from error
        object.__setattr__(self, "_attributes", found)
        return found

    def address(self) -> Address:
        """Return where the event belongs. Raises Poison when the headers do not say so."""
        if self._address is not None:
            return self._address
        found = self.attributes()
        missing = [name for name in _REQUIRED if name not in found]
        if missing:
            raise Poison(f"missing ce_{missing[0]}")
        try:
            seq = int(found["seq"])
            case_id = str(UUID(found["subject"]))
        except ValueError as error:
            raise Poison("ce_seq or ce_subject is malformed") from error
        if seq < 1:
            raise Poison("ce_seq starts at 1")
        place = Address(case_id, found["stream"], seq, found["tenant"], found["type"])
        object.__setattr__(self, "_address", place)
        return place


@dataclass(frozen=True, slots=True)
class Incoming(Generic[T]):
    """An event as a handler sees it: the envelope, and `data` read through the service's view."""

    id: str
    topic: str
    type: str
    stream: str
    seq: int
    subject: str
    tenant: str
    time: datetime
    causation_id: str
    correlation_id: str
    traceparent: str
    data: T

    @property
    def cause(self) -> Cause:
        """What an event that follows from this one names as its cause."""
        return Cause(self.id, self.correlation_id, self.traceparent)

    @property
    def recorded_trace(self) -> str | None:
        """The traceparent where its trace is recorded: what a stored job keeps to go on in it."""
        return self.traceparent if self.traceparent.endswith("-01") else None


def new_traceparent(parent: str | None = None) -> str:
    """Return a W3C traceparent: a child of `parent` where it is well-formed, else a new trace."""
    span = random_bytes(8).hex()
    if parent is not None:
        parts = parent.split("-")
        if len(parts) == 4 and len(parts[1]) == 32 and set(parts[1]) != {"0"}:
            return f"00-{parts[1]}-{span}-{parts[3]}"
    return f"00-{random_bytes(16).hex()}-{span}-00"


def event_id(case_id: str, stream: str, seq: int) -> str:
    """Return uuid5(case, stream, seq): the same event has the same id however often it is made."""
    return uuid5(case_id, f"{stream}:{seq}")


def derived_id(case_id: str, *parts: object) -> str:
    """Return uuid5(case, parts joined by ':'), for events named by what they say (clock events)."""
    return uuid5(case_id, ":".join(str(part) for part in parts))


def encode(
    emit: Emit,
    *,
    service: str,
    tenant: str,
    case_id: str,
    seq: int,
    now: datetime,
    cause: Cause,
) -> Raw:
    """Return the event as it is stored and published.

    Raises EventTooLarge when the data is over 64 KB, ValueError when the model is not the topic's.
    """
    topic = BY_NAME[emit.topic]
    if type(emit.data) is not topic.event:
        raise ValueError(f"{emit.topic} carries {topic.event.__name__}")
    value = emit.data.__pydantic_serializer__.to_json(emit.data, by_alias=True, exclude_none=True)
    if len(value) > DATA_LIMIT:
        raise EventTooLarge(f"{emit.topic}: {len(value)} bytes")
    headers = (
        ("ce_specversion", b"1.0"),
        ("ce_id", (emit.event_id or event_id(case_id, topic.stream, seq)).encode()),
        ("ce_source", f"/aduan/{tenant}/{service}".encode()),
        ("ce_type", topic.event_type.encode()),
        ("ce_subject", case_id.encode()),
        ("ce_time", iso(emit.occurred_at or now).encode()),
        ("ce_dataschema", f"/aduan/schemas/{topic.name}.v1.json".encode()),
        ("ce_tenant", tenant.encode()),
        ("ce_stream", topic.stream.encode()),
        ("ce_seq", str(seq).encode()),
        ("ce_causationid", cause.causation_id.encode()),
        ("ce_correlationid", cause.correlation_id.encode()),
        ("ce_traceparent", cause.traceparent.encode()),
        ("content-type", CONTENT_TYPE),
    )
    return Raw(topic=topic.name, key=case_id.encode(), value=value, headers=headers)


def decode(raw: Raw, view: TypeAdapter[T]) -> Incoming[T]:
    """Read an event through a reader's view. Raises Poison with a reason free of the data."""
    found, place = raw.attributes(), raw.address()
    try:
        time = parse_iso(found["time"])
    except ValueError as error:
        raise Poison("ce_time is malformed") from error
    try:
        data = view.validate_json(raw.value)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Poison(f"data does not fit the view: {where}: {first['type']}") from None
    return Incoming(
        id=found["id"],
        topic=raw.topic,
        type=place.type,
        stream=place.stream,
        seq=place.seq,
        subject=place.case_id,
        tenant=place.tenant,
        time=time,
        causation_id=found.get("causationid", ""),
        correlation_id=found.get("correlationid", found["id"]),
        traceparent=found.get("traceparent", ""),
        data=data,
    )


@dataclass(frozen=True, slots=True)
class Reaction:
    """What one event or command does to the document of its case.

    body: the whole new body, or None to leave it as it is. Never changed in place.
    emit: the events this tells, in order.
    """

    body: Mapping[str, Any] | None = None
    emit: tuple[Emit, ...] = field(default=())


NOTHING = Reaction()
