"""A producer that is rebuilt after any error, and fed by the outbox only.

An idempotent producer that once failed to write to a partition refuses that partition for ever, so
the object is thrown away: what was not acknowledged is still in its document, and comes again.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from aduan.contracts.envelope import Raw
from aduan.errors import Busy
from aduan.messaging.kafka.connection import REFUSED, Connection, end_by_hand
from aduan.messaging.partition import partition_of, partitions_of

BATCH_BYTES: Final = 256 * 1024
# Below the broker's message.max.bytes: what is too large must fail before it has a sequence number.
REQUEST_BYTES: Final = 900_000
START_SECONDS: Final = 10.0
STOP_SECONDS: Final = 5.0
LONGEST_PAUSE: Final = 5.0


@dataclass
class _Batch:
    topic: str
    partition: int
    builder: Any
    positions: list[int] = field(default_factory=list)


class ReliableProducer:
    """Publishes batches with acks=all; tells for each event whether it was acknowledged."""

    def __init__(self, connection: Connection, *, deadline: float = 30.0) -> None:
        """deadline: seconds after which an outcome is called unknown."""
        self._connection = connection
        self._deadline = deadline
        self._producer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()
        self._leaving: set[asyncio.Task[None]] = set()
        self._failures = 0
        self.rebuilt = 0

    async def publish(self, events: Sequence[Raw]) -> list[bool]:
        """Append the events; see Bus.publish. Raises Busy."""
        producer = await self._ready()
        acknowledged = [False] * len(events)
        lines: dict[tuple[str, int], list[_Batch]] = {}
        for position, raw in enumerate(events):
            self._pack(producer, lines, position, raw)
        sends = [
            asyncio.create_task(_send(producer, batches, acknowledged))
            for batches in lines.values()
        ]
        done, late = await asyncio.wait(sends, timeout=self._deadline)
        for task in late:
            task.cancel()
        errors = [error for task in done if (error := task.exception()) is not None]
        for error in errors:
            if not isinstance(error, KafkaError):
                raise error
        if late or errors:
            self._give_up(producer, errors)
            if not any(acknowledged):
                raise Busy("the log acknowledged nothing")
        else:
            self._failures = 0
        return acknowledged

    def _pack(
        self,
        producer: AIOKafkaProducer,
        lines: dict[tuple[str, int], list[_Batch]],
        position: int,
        raw: Raw,
    ) -> None:
        place = raw.topic, partition_of(raw.key, partitions_of(raw.topic))
        batches = lines.setdefault(place, [])
        for fresh in (False, True):
            if fresh or not batches:
                batches.append(_Batch(*place, producer.create_batch()))
            fits = batches[-1].builder.append(
                timestamp=None, key=raw.key, value=raw.value, headers=[*raw.headers]
            )
            if fits is not None:
                batches[-1].positions.append(position)
                return

    async def _ready(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._producer is not None:
                return self._producer
            if self._failures:
                await asyncio.sleep(pause_after(self._failures))
            producer = AIOKafkaProducer(
                acks="all",
                enable_idempotence=True,
                linger_ms=0,
                max_batch_size=BATCH_BYTES,
                max_request_size=REQUEST_BYTES,
                **self._connection.options(),
            )
            try:
                async with asyncio.timeout(START_SECONDS):
                    await producer.start()
            except (KafkaError, TimeoutError, OSError) as error:
                self._failures += 1
                await _put_away(producer)
                if not _told_refused([error]):
                    name = type(error).__name__
                    _log().warning("bus.unreachable", error=name, hint="credentials?")
                raise Busy("the log cannot be reached") from error
            self._producer = producer
            return producer

    def _give_up(self, producer: AIOKafkaProducer, errors: Sequence[BaseException]) -> None:
        """Throw the producer away and say why once. errors: none where no answer came in time."""
        if self._producer is not producer:
            return
        self._producer = None
        self._failures += 1
        self.rebuilt += 1
        if not _told_refused(errors):
            why = sorted({type(error).__name__ for error in errors}) or ["no answer in time"]
            _log().error("bus.producer_rebuilt", errors=why)
        self._later(_put_away(producer))

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def close(self) -> None:
        """Stop; what is not acknowledged by then is unknown."""
        if self._producer is not None:
            self._later(_put_away(self._producer))
            self._producer = None
        await asyncio.gather(*self._leaving)


def pause_after(failures: int) -> float:
    """Return how many seconds to wait after so many failures in a row, however many they are."""
    return min(0.1 * 2.0 ** min(failures, 10), LONGEST_PAUSE)


async def _send(
    producer: AIOKafkaProducer, batches: Sequence[_Batch], acknowledged: list[bool]
) -> None:
    for batch in batches:
        future = await producer.send_batch(batch.builder, batch.topic, partition=batch.partition)
        await future
        for position in batch.positions:
            acknowledged[position] = True


async def _put_away(producer: AIOKafkaProducer) -> None:
    # stop() does not return while the broker is away, so its parts are ended by hand then.
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await producer.stop()
    except (KafkaError, TimeoutError, OSError):
        sender = getattr(producer, "_sender", None)
        await end_by_hand(producer.client, getattr(sender, "_sender_task", None))


def _told_refused(errors: Sequence[BaseException]) -> bool:
    """Say that a right is missing, if that is what is wrong: whoever is called then grants it."""
    refused = next((error for error in errors if isinstance(error, REFUSED)), None)
    if refused is not None:
        _log().error("bus.refused", error=type(refused).__name__)
    return refused is not None


def _log() -> Any:
    return structlog.get_logger("aduan.messaging")
