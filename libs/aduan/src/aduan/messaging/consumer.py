"""The consumer loop: batches become lanes, one case in sequence, cases concurrently.

The offset comes last: it is the lowest unfinished one of each partition. Busy pauses and tries again
for ever; a letter is written by the lane before its record counts as finished.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Final

from aduan import failpoints
from aduan.clock import Clock, parse_iso
from aduan.contracts.envelope import Raw
from aduan.errors import AduanError, Busy, Poison
from aduan.messaging.dead_letters import DeadLetters
from aduan.messaging.offsets import OffsetTracker
from aduan.messaging.port import Bus, Consumer, Record, TopicPartition

LANES: Final = 64
IN_FLIGHT: Final = 4_000
COMMIT_SECONDS: Final = 0.1
LOOK_EVERY: Final = 2  # rounds of commits: a question to all brokers is dearer than a commit
LETTERS_SECONDS: Final = 0.5
HEARD_SECONDS: Final = 5.0
DRAIN_SECONDS: Final = 40.0
STARVED_SECONDS: Final = 60.0
NEWS_SECONDS: Final = 2.0  # a member that keeps up knows it more often than that

Deliver = Callable[[str, Sequence[Raw]], Awaitable[None]]


class Starved(AduanError):
    """The log has records for this member and polls bring none: it has to be made anew."""


class ConsumerLoop:
    """One member of one service's group. Run `run` as a task; it ends by cancellation or a bug."""

    def __init__(
        self,
        *,
        bus: Bus,
        group: str,
        topics: Sequence[str],
        deliver: Deliver,
        letters: DeadLetters,
        clock: Clock,
    ) -> None:
        self._bus = bus
        self.group = group
        self.topics = tuple(topics)
        self._deliver = deliver
        self._letters = letters
        self._clock = clock
        self._tracker = OffsetTracker()
        self._lanes: dict[str, list[Record]] = {}
        self._slots = asyncio.Semaphore(LANES)
        self._barrier: tuple[datetime, Mapping[TopicPartition, int]] | None = None
        self._caught_up_at: datetime | None = None
        # Real seconds: when the present barrier was asked for, and up to when all was worked off.
        self._barrier_asked = clock.monotonic()
        self._abreast = clock.monotonic()
        self._applied_then = 0
        self._worked_off: Raw | None = None
        self._held_back = 0
        self._consumer: Consumer | None = None
        self._assignments = 0
        self._rounds = 0
        self._fed_at = clock.monotonic()
        self.joining = False
        self.last_try = clock.monotonic()
        self.last_poll = clock.monotonic()
        self.last_heard = clock.monotonic()
        self.applied = 0
        self.busy = 0
        self.stopped_by_cap = False
        self._too_many_letters = False
        self._leaving = False

    def caught_up_at(self) -> datetime | None:
        """Return up to which domain time this member has caught up; None: not yet.

        For the returned T holds: after T the end of every subscribed partition was asked for, and
        everything up to there has been worked off.
        """
        return self._caught_up_at

    def behind_seconds(self) -> float:
        """Return how old what waits for this member may be.

        Real seconds since the last moment up to which all is known to be worked off; while there is
        more to do, the age in domain time of the event that was worked off last, if that is more.
        """
        behind = self._clock.monotonic() - self._abreast
        working = self.applied > self._applied_then
        if behind < NEWS_SECONDS or not working or self._worked_off is None:
            return behind
        try:
            told = parse_iso(self._worked_off.attributes()["time"])
        except (KeyError, ValueError, Poison):
            return behind  # such an event lies in a letter, which says so
        return max(behind, (self._clock.now() - told).total_seconds())

    @property
    def paused(self) -> bool:
        """Whether it takes nothing now: not in its group, too many letters, or the store is away."""
        return self.stopped_by_cap or self._held_back > 0 or self._consumer is None

    def partitions(self) -> Sequence[int]:
        """Return the partition numbers whose cases are this member's: its timers and jobs."""
        return sorted({place.partition for place in self._tracker.places})

    async def run(self) -> None:
        """Join the group and work until cancelled; then commit what is finished and leave.

        What a cancelled lane had in hand comes again to the next member and is done already.
        """
        self._tracker = OffsetTracker()
        self._lanes = {}
        self._leaving = False
        self.joining = True
        async with self._bus.consumer(
            self.group, self.topics, on_assigned=self._assigned, on_revoked=self._revoked
        ) as consumer:
            self._consumer = consumer
            self.joining = False
            try:
                self._too_many_letters = await self._over_cap()
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._commit_forever(consumer))
                    tasks.create_task(self._count_letters_forever())
                    tasks.create_task(self._poll_forever(consumer, tasks))
            finally:
                self._leaving = True
                self._consumer = None
                try:
                    await self._commit(consumer)
                except Busy:
                    # The next member does again what is done already; raised here, it would replace
                    # what ends the loop: a stop, or the reason why only a new member helps.
                    self.busy += 1

    async def _assigned(self, starts: Mapping[TopicPartition, int]) -> None:
        self._tracker.start(starts)
        self._assignments += 1
        self._barrier = None
        self._caught_up_at = None

    async def _revoked(self, places: frozenset[TopicPartition]) -> None:
        self._tracker.leave(places)
        deadline = self._clock.monotonic() + DRAIN_SECONDS
        # When we leave ourselves, the lanes are gone and there is nothing left to wait for.
        while (  # noqa: ASYNC110 - lanes end one by one, no event tells
            not self._leaving
            and self._tracker.open_in(places)
            and self._clock.monotonic() < deadline
        ):
            await asyncio.sleep(0.01)
        if not self._leaving:
            failpoints.hit("consumer.in_revoke")
        if self._consumer is not None:
            try:
                await self._commit(self._consumer)
            except Busy:
                # The next owner does again what is done already: the inbox answers it.
                self.busy += 1

    async def _poll_forever(self, consumer: Consumer, tasks: asyncio.TaskGroup) -> None:
        while True:
            self.last_try = self._clock.monotonic()
            self.stopped_by_cap = self._too_many_letters
            try:
                if self.stopped_by_cap or self._tracker.in_flight > IN_FLIGHT:
                    await consumer.poll(max_records=0, timeout=0.0)
                    await asyncio.sleep(1.0 if self.stopped_by_cap else 0.005)
                    continue
                records = await consumer.poll(max_records=500, timeout=0.5)
            except Busy:
                self.busy += 1
                await asyncio.sleep(0.5)
                continue
            self.last_poll = self._clock.monotonic()
            if records:
                self._fed_at = self.last_poll
            assignment = self._assignments
            for record in records:
                if assignment != self._assignments:
                    break  # a letter took long meanwhile; the rest comes again by the new assignment
                if self._tracker.delivered(record.at, record.offset):
                    await self._enqueue(consumer, record, tasks)

    async def _count_letters_forever(self) -> None:
        # Beside the polls: three questions to the store would hold up every batch, and most are small.
        while True:
            await asyncio.sleep(LETTERS_SECONDS)
            self._too_many_letters = await self._over_cap()

    async def _over_cap(self) -> bool:
        try:
            return await self._letters.failures() >= self._letters.cap
        except Busy:
            self.busy += 1
            return False

    async def _enqueue(self, consumer: Consumer, record: Record, tasks: asyncio.TaskGroup) -> None:
        try:
            key = record.raw.address().case_id
        except Poison as error:
            keep = partial(self._letters.put_unreadable, record, str(error))
            await self._until_not_busy(consumer, [record], keep)
            self._tracker.finished(record.at, record.offset)
            return
        lane = self._lanes.get(key)
        if lane is not None:
            lane.append(record)
            return
        self._lanes[key] = [record]
        tasks.create_task(self._lane(consumer, key))

    async def _lane(self, consumer: Consumer, key: str) -> None:
        async with self._slots:
            while records := self._lanes[key]:
                self._lanes[key] = []
                events = [record.raw for record in records]
                await self._until_not_busy(consumer, records, partial(self._deliver, key, events))
                for record in records:
                    self._tracker.finished(record.at, record.offset)
                self._worked_off = events[-1]
                self.applied += len(records)
            del self._lanes[key]

    async def _until_not_busy(
        self,
        consumer: Consumer,
        records: Sequence[Record],
        work: Callable[[], Awaitable[None]],
    ) -> None:
        places = list({record.at for record in records})
        pause = 0.05
        paused = False
        try:
            while True:
                try:
                    await work()
                    break
                except Busy:
                    self.busy += 1
                    if not paused:
                        consumer.pause(places)
                        paused = True
                        self._held_back += 1
                    await asyncio.sleep(pause * (0.5 + random.random()))  # noqa: S311
                    pause = min(pause * 2, 5.0)
        finally:
            self._held_back -= paused
        if paused:
            consumer.resume(places)

    async def _commit_forever(self, consumer: Consumer) -> None:
        while True:
            await asyncio.sleep(COMMIT_SECONDS)
            try:
                await self._commit(consumer)
                await self._look_whether_caught_up(consumer)
            except Busy:
                self.busy += 1

    async def _commit(self, consumer: Consumer) -> None:
        offsets = self._tracker.to_commit()
        if not offsets:
            return
        failpoints.hit("consumer.before_offset")
        await consumer.commit(offsets)
        self._tracker.committed(offsets)

    async def _look_whether_caught_up(self, consumer: Consumer) -> None:
        silent = self._clock.monotonic() - self.last_heard
        if self._barrier is None or silent > HEARD_SECONDS:
            # Counted, not timed: a clock that stands still must not stop the looking.
            self._rounds += 1
            if self._rounds % LOOK_EVERY:
                return
            now, asked = self._clock.now(), self._clock.monotonic()
            ends = await consumer.end_offsets()
            self.last_heard = self._clock.monotonic()
            if ends.keys() != self._tracker.places:
                return
            if self._barrier is None:
                self._barrier = (now, ends)
                self._barrier_asked = asked
                self._fed_at = max(self._fed_at, self.last_heard)
        asked_at, ends = self._barrier
        if all(self._tracker.safe(place) >= end for place, end in ends.items()):
            self._caught_up_at = asked_at
            self._abreast, self._applied_then = self._barrier_asked, self.applied
            self._barrier = None
        elif not self._tracker.in_flight and self.last_poll - self._fed_at > STARVED_SECONDS:
            # Polls that failed do not count: a log that is away, or refuses us, is waited for.
            raise Starved("there are records for this member, and polls bring none")

    @property
    def in_flight(self) -> int:
        """How many delivered records are unfinished."""
        return self._tracker.in_flight
