"""The relay: publishes what documents tell, in seq order, and marks it.

Pending is `event_seq > published_seq`. The process that wrote hands its events over at once; the
sweeper adopts the rest. Two relays cause repeats, which are harmless; there is no lease.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aduan import failpoints
from aduan.contracts.envelope import Raw
from aduan.contracts.topics import BY_NAME
from aduan.errors import Busy
from aduan.messaging.port import Bus
from aduan.observability import spans, trace
from aduan.storage.port import Collection, Outcome, Store

QUEUE_LIMIT: Final = 10_000
BATCH: Final = 500
READ_TOGETHER: Final = 25
ADOPT_AFTER_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class _Handed:
    id: str
    after_seq: int
    events: Sequence[Raw]


class Relay:
    """One service's relay for one collection. Run `run` as a task; it ends only by cancellation."""

    def __init__(
        self, store: Store, bus: Bus, collection: Collection, *, bound: int | None = None
    ) -> None:
        """bound: with this many events pending, the outbox is full."""
        self._store = store
        self._bus = bus
        self._collection = collection
        self._queue: asyncio.Queue[_Handed] = asyncio.Queue(QUEUE_LIMIT)
        self._bound = bound
        # Where a sweep that failed goes on: what cannot be published hides nothing behind it.
        self._behind: tuple[float, str] | None = None
        self.backlog = 0
        self.published = 0
        self.failures = 0
        # Whether the log took all of the last publication. Before the first, nothing speaks against it.
        self.up = True

    def hand_over(self, outcome: Outcome) -> None:
        """Take the events of a write that is durable. When the queue is full, the sweeper has them."""
        if not outcome.events or outcome.document is None:
            return
        try:
            self._queue.put_nowait(_Handed(outcome.document.id, outcome.after_seq, outcome.events))
        except asyncio.QueueFull:
            self.failures += 1

    async def run(self) -> None:
        """Publish what is handed over, batch by batch; adopt what an earlier process left first."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._count_forever())
            await self._until_swept(older_than=0.0)
            tasks.create_task(self._publish_queue())
            tasks.create_task(self._sweep_forever())

    async def _publish_queue(self) -> None:
        while True:
            batch = [await self._queue.get()]
            while len(batch) < BATCH and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            try:
                await self._publish(batch)
            except Busy:
                # Nothing is lost: these stay pending in their documents and the sweeper adopts them.
                self.failures += 1
                await asyncio.sleep(0.2)

    async def _publish(self, batch: Sequence[_Handed]) -> None:
        events = [raw for handed in batch for raw in handed.events]
        failpoints.hit("relay.before_publish")
        began = time.perf_counter()
        try:
            acknowledged = await self._bus.publish(events)
        except Busy:
            self.up = False
            raise
        self.up = all(acknowledged)
        if spans.on():
            _tell(events, acknowledged, began)
        failpoints.hit("relay.after_ack")
        marks: list[tuple[str, int, int]] = []
        start = 0
        for handed in batch:
            acks = acknowledged[start : start + len(handed.events)]
            start += len(handed.events)
            through = handed.after_seq + _leading(acks)
            if through > handed.after_seq:
                marks.append((handed.id, handed.after_seq, through))
        self.published += sum(acknowledged)
        if marks:
            await self._store.mark_published(self._collection, marks)
            failpoints.hit("relay.after_mark")

    async def _sweep_forever(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            await self._until_swept(older_than=ADOPT_AFTER_SECONDS)

    async def _until_swept(self, *, older_than: float) -> None:
        try:
            await self.sweep(older_than=older_than)
        except Busy:
            self.failures += 1

    async def _count_forever(self) -> None:
        while self._bound is not None:
            try:
                self.backlog = await self._store.pending_count(self._collection)
            except Busy:
                self.failures += 1
            await asyncio.sleep(1.0)

    @property
    def full(self) -> bool:
        """Whether the outbox holds, as of a second ago, as many pending events as it may."""
        return self._bound is not None and self.backlog >= self._bound

    async def sweep(self, *, older_than: float) -> int:
        """Publish what has been pending for `older_than` seconds; return how many documents.

        Walks by cursor, also over a failure to the next sweep, so that a document that cannot be
        published hides no other. What is written meanwhile is not swept: under load the walk would
        never end. Raises Busy.
        """
        at_most = await self._store.pending_count(self._collection)
        after, self._behind = self._behind, None
        from_the_first = after is None
        swept = 0
        while swept < at_most:
            found = await self._store.unpublished(
                self._collection, after=after, limit=100, older_than=older_than
            )
            if not found and from_the_first:
                break
            if not found:
                after, from_the_first = None, True
                continue
            after = (found[-1].since, found[-1].id)
            batch = [
                _Handed(
                    pending.id,
                    pending.published_seq,
                    [
                        stored.raw
                        for stored in await self._store.events(
                            self._collection, pending.id, pending.published_seq
                        )
                    ],
                )
                for pending in found
            ]
            try:
                await self._publish(batch)
            except Busy:
                self._behind = after
                raise
            swept += len(batch)
        return swept

    async def re_emit(self, ids: Sequence[str]) -> int:
        """Publish all events of these documents again from seq 1 to event_seq; return how many.

        For a broker that lost its log, after all offsets were reset. Marks nothing.
        """
        sent = 0
        for start in range(0, len(ids), READ_TOGETHER):
            some = ids[start : start + READ_TOGETHER]
            told = await asyncio.gather(*(self._told(id) for id in some))
            events = [raw for one in told for raw in one]
            for at in range(0, len(events), BATCH):
                sent += await self._again(events[at : at + BATCH])
        return sent

    async def _told(self, id: str) -> Sequence[Raw]:
        found: list[Raw] = []
        after_seq = 0
        while events := await self._store.events(self._collection, id, after_seq):
            found += [stored.raw for stored in events]
            after_seq = events[-1].seq
        return found

    async def _again(self, events: Sequence[Raw]) -> int:
        if not all(await self._bus.publish(events)):
            raise Busy("the log did not acknowledge a re-emission; repeat it whole")
        return len(events)

    @property
    def queued(self) -> int:
        """How many writes wait to be published by this process."""
        return self._queue.qsize()


def _leading(acknowledged: Sequence[bool]) -> int:
    for position, acked in enumerate(acknowledged):
        if not acked:
            return position
    return len(acknowledged)


def _tell(events: Sequence[Raw], acknowledged: Sequence[bool], began: float) -> None:
    """Tell how long the log took with the events of recorded traces."""
    for raw, acked in zip(events, acknowledged, strict=True):
        found = raw.attributes()
        parent = (
            trace.parse(found["traceparent"])
            if trace.is_sampled(found.get("traceparent"))
            else None
        )
        if parent is None:
            continue
        spans.record(
            f"publish {raw.topic}",
            parent.child(),
            service=BY_NAME[raw.topic].producer,
            began=began,
            parent=parent,
            kind="producer",
            case_id=found["subject"],
            topic=raw.topic,
            seq=int(found["seq"]),
            outcome="acknowledged" if acked else "refused",
        )
