"""The topics of connected units as their own systems see them, on the embedded log and on Kafka."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aduan_bus_engines import fresh_topics
from aduan_routing_world import TENANT, CaseEvents, Routing
from aiokafka import AIOKafkaConsumer, TopicPartition
from pydantic_core import from_json

from aduan.contracts.opd import UnitRecord, unit_topic
from aduan.messaging.partition import every_partition
from aduan_routing.connections import Connections
from aduan_routing.entrypoints.telling_units import Teller


@dataclass(frozen=True)
class Told:
    """One record of a unit's topic."""

    id: str
    type: str
    seq: int
    case: str
    data: dict[str, Any]

    @property
    def kind(self) -> str:
        """own, copy or left."""
        return str(self.data["kind"])


def _told(key: bytes, value: bytes, headers: Sequence[tuple[str, bytes]]) -> Told:
    named = {name: text.decode() for name, text in headers}
    UnitRecord.model_validate_json(value)
    return Told(
        named["ce_id"], named["ce_type"], int(named["ce_seq"]), key.decode(), from_json(value)
    )


class UnitTopics(ABC):
    """What a test needs to know of a log."""

    url = "sqlite:////unused"

    @abstractmethod
    async def make(self, *codes: str) -> None:
        """Make empty topics of units."""

    @abstractmethod
    async def read(self, routing: Routing, code: str) -> list[Told]:
        """Read a unit's whole topic."""


class EmbeddedTopics(UnitTopics):
    """In the world's own log."""

    async def make(self, *codes: str) -> None:
        """They need not be made."""

    async def read(self, routing: Routing, code: str) -> list[Told]:
        """See UnitTopics."""
        assert routing.log is not None
        rows = routing.log.file.read(
            "SELECT key, value, headers FROM log WHERE topic = ? ORDER BY offset",
            (unit_topic(TENANT, code),),
        )
        from aduan.storage.wire import unpack_headers

        return [_told(key, value, unpack_headers(headers)) for key, value, headers in rows]


class KafkaTopics(UnitTopics):
    """On a broker without passwords."""

    def __init__(self, address: str) -> None:
        self.url = f"kafka://{address}"
        self._client: dict[str, Any] = {"bootstrap_servers": address}

    async def make(self, *codes: str) -> None:
        """See UnitTopics."""
        await fresh_topics([unit_topic(TENANT, code) for code in codes], **self._client)

    async def read(self, routing: Routing, code: str) -> list[Told]:
        """See UnitTopics."""
        place = TopicPartition(unit_topic(TENANT, code), 0)
        consumer = AIOKafkaConsumer(**self._client)
        await consumer.start()
        try:
            consumer.assign([place])
            await consumer.seek_to_beginning(place)
            end = (await consumer.end_offsets([place]))[place]
            found: list[Told] = []
            while len(found) < end:
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    found += [_told(one.key, one.value, one.headers) for one in records]
            return found
        finally:
            await consumer.stop()


def teller_of(routing: Routing) -> Teller:
    """Return the worker that fills the topics; a test calls its rounds itself."""
    found = getattr(routing.service.workers["units"], "__self__", None)
    assert isinstance(found, Teller)
    # no consumer runs here that would have partitions
    found._partitions = every_partition
    return found


def connections_of(routing: Routing) -> Connections:
    """Return what routing knows of connected units."""
    return teller_of(routing)._connections


async def connect(routing: Routing, *codes: str) -> None:
    """Connect units by the operators' route."""
    for code in codes:
        answer = await routing.call("PUT", f"/v1/offices/{code}/connection", "admin")
        assert answer.status_code == 200, answer.text


async def answered(routing: Routing, case: CaseEvents) -> None:
    """Let the road office repair it: three entries by one command."""
    proof = await routing.proof(case)
    await routing.done(case, "answer", "DPU", {"text": "Sudah ditambal.", "evidence": [proof]})
