"""A seeded schedule of crashes, repeats, rewinds, zombies, losses and poison over the real code.

Storage, relay, inbox, dead letters and log are the real ones on real files; only the handlers are
toys, so that a model can say exactly what must be there in the end. One seed is one schedule.
"""

import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from aduan import failpoints
from aduan.cases import Cases, Handler
from aduan.clock import ManualClock
from aduan.contracts.envelope import Emit, Incoming, Raw, Reaction
from aduan.contracts.events import ComplaintCreated, ComplaintProgressed, ComplaintReplied
from aduan.contracts.examples import EXAMPLES
from aduan.contracts.topics import streams_for, topics_of
from aduan.contracts.values import View
from aduan.errors import Poison
from aduan.messaging.dead_letters import DeadLetters
from aduan.messaging.inbox import OPENER
from aduan.messaging.letter_desk import LetterDesk, NotItsTurn
from aduan.messaging.port import Record, TopicPartition
from aduan.messaging.relay import Relay
from aduan.messaging.sqlite import SqliteBus
from aduan.service import ServiceSpec
from aduan.storage.port import Body, Collection, StreamInbox
from aduan.storage.sqlite import SqliteStore

START: Final = datetime(2026, 12, 1, tzinfo=UTC)
EARLY: Final = ("intake", "routing", "sla")
LATE: Final = "notify"
CASES: Final = Collection("cases")


class Crash(BaseException):
    """The process died here."""


class Nothing(View):
    """The toys look at the envelope only."""


@dataclass
class Plan:
    """Which events fail, and what the operator did: the schedule's own knowledge."""

    poisoned: set[tuple[str, str, str, int]] = field(default_factory=set)
    skipped: set[tuple[str, str, str, int]] = field(default_factory=set)
    commands: dict[str, int] = field(default_factory=dict)


class Toy:
    """One service with a handler that writes down what it was given, and tells of it onward."""

    def __init__(self, name: str, world: "Simulation") -> None:
        self.name = name
        self.world = world
        self.open()

    def open(self) -> None:
        """Start the process: memory is empty, files are as they were left."""
        topics = topics_of(*streams_for(self.name))
        handlers = {topic.name: Handler(Nothing, self.react) for topic in topics}
        spec = ServiceSpec(self.name, (CASES,), handlers)
        self.store = SqliteStore(
            self.world.folder / f"{self.name}.db", spec.all_collections, self.world.clock
        )
        self.letters = DeadLetters(self.store, self.world.clock, self.name)
        self.relay = Relay(self.store, self.world.bus, CASES)
        opener = None if self.name == "intake" else OPENER
        self.cases = Cases(
            service=self.name,
            store=self.store,
            collection=CASES,
            relay=self.relay,
            letters=self.letters,
            handlers=handlers,
            opener=opener,
        )
        self.desk = LetterDesk(self.cases, self.letters, self.world.bus, self.world.clock)
        self.topics = [topic.name for topic in topics]

    def react(self, body: Body | None, event: Incoming[Nothing], now: datetime) -> Reaction:
        """Note the event; routing tells of each intake event, sla of each routing event."""
        mark = (self.name, event.subject, event.stream, event.seq)
        if mark in self.world.plan.poisoned:
            raise Poison("planted")
        if self.world.bugs.get(mark, 0):
            self.world.bugs[mark] -= 1
            raise RuntimeError("planted")
        if body is None and event.topic != "complaint.created":
            return Reaction()  # the opener was skipped: as every service does with such a case
        seen = dict((body or {}).get("seen", {}))
        seen[event.stream] = [*seen.get(event.stream, []), event.seq]
        told: tuple[Emit, ...] = ()
        if self.name == "routing" and event.stream == "intake":
            told = (Emit("complaint.progressed", _progress()),)
        if self.name == "sla" and event.stream == "routing":
            told = (Emit("sla.scheduled", EXAMPLES["sla.scheduled"]["smallest"]),)
        return Reaction({**(body or {}), "seen": seen}, told)


def _progress() -> ComplaintProgressed:
    found = EXAMPLES["complaint.progressed"]["smallest"]
    assert isinstance(found, ComplaintProgressed)
    return found


class Simulation:
    """One world and its schedule."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.seed = seed
        self.random = random.Random(seed)
        self.clock = ManualClock(START)
        self.plan = Plan()
        self.bugs: dict[tuple[str, str, str, int], int] = {}
        self.crash_at: str | None = None
        self.steps: list[str] = []
        self.log_number = 0
        self.bus = SqliteBus(folder / "log-0.db", self.clock)
        self.toys = {name: Toy(name, self) for name in EARLY}
        self.zombies: list[tuple[str, Sequence[Record]]] = []
        self.case_ids = [f"019ad3f0-0000-7000-8000-{seed % 10**6:06d}{n:06d}" for n in range(3)]

    def _hit(self, name: str) -> None:
        if self.crash_at == name:
            self.crash_at = None
            raise Crash(name)

    async def play(self, steps: int) -> None:
        """Run the schedule, let it come to rest, and check it against the model."""
        original = failpoints.hit
        failpoints.hit = self._hit
        try:
            for _ in range(steps):
                await self._step()
            self.crash_at = None
            await self._come_to_rest()
            await self._check()
        finally:
            failpoints.hit = original
            for toy in self.toys.values():
                toy.store.close()
            self.bus.close()

    async def _step(self) -> None:
        kinds: tuple[tuple[int, Callable[[], Awaitable[None]]], ...] = (
            (6, self._command),
            (8, self._relay),
            (3, self._sweep),
            (12, self._consume),
            (2, self._rewind),
            (1, self._zombie_wakes),
            (1, self._re_emit_one),
            (1, self._plant),
            (1, self._heal),
            (1, self._lose_the_log),
            (1, self._late_group),
            (1, self._operator_skips),
        )
        weights = [weight for weight, _ in kinds]
        ((_, act),) = self.random.choices(kinds, weights)
        self.crash_at = (
            self.random.choice(failpoints.POINTS) if self.random.random() < 0.3 else None
        )
        self.steps.append(act.__name__ + (f"!{self.crash_at}" if self.crash_at else ""))
        self._actor: str | None = None
        try:
            await act()
        except Crash:
            self._restart()

    def _restart(self) -> None:
        # Standalone is one process: whatever died, all memory is gone.
        for toy in self.toys.values():
            toy.store.close()
        self.bus.close()
        self.bus = SqliteBus(self.folder / f"log-{self.log_number}.db", self.clock)
        for toy in self.toys.values():
            toy.open()

    def _toy(self) -> Toy:
        return self.toys[self.random.choice(sorted(self.toys))]

    async def _command(self) -> None:
        case_id = self.random.choice(self.case_ids)
        number = self.plan.commands.get(case_id, 0)
        topic = "complaint.created" if number == 0 else "complaint.replied"
        data = EXAMPLES[topic]["smallest"]
        assert isinstance(data, ComplaintCreated | ComplaintReplied)

        def run(body: Body | None, _: datetime) -> Reaction:
            return Reaction({**(body or {"seen": {}}), "n": number + 1}, (Emit(topic, data),))

        await self.toys["intake"].cases.command(case_id, run, tenant="33.74")
        self.plan.commands[case_id] = number + 1

    async def _relay(self) -> None:
        relay = self._toy().relay
        batch: list[Any] = []
        while not relay._queue.empty() and len(batch) < self.random.randint(1, 4):
            batch.append(relay._queue.get_nowait())
        if batch:
            await relay._publish(batch)

    async def _sweep(self) -> None:
        await self._toy().relay.sweep(older_than=0.0)

    async def _consume(self) -> None:
        toy = self._toy()
        async with self.bus.consumer(f"aduan.{toy.name}", toy.topics) as consumer:
            records = await consumer.poll(
                max_records=self.random.choice((1, 2, 5, 50)), timeout=0.0
            )
            if self.random.random() < 0.1:
                self.zombies.append((toy.name, records))
            await self._deliver(toy, records)
            self._hit("consumer.before_offset")
            if records and self.random.random() < 0.8:
                ends: dict[TopicPartition, int] = {}
                for record in records:
                    ends[record.at] = record.offset + 1
                await consumer.commit(ends)

    async def _deliver(self, toy: Toy, records: Sequence[Record]) -> None:
        lanes: dict[str, list[Raw]] = {}
        for record in records:
            lanes.setdefault(record.raw.key.decode(), []).append(record.raw)
        keys = sorted(lanes)
        self.random.shuffle(keys)
        for key in keys:
            await toy.cases.deliver(key, lanes[key])

    async def _rewind(self) -> None:
        toy = self._toy()
        group = f"aduan.{toy.name}"
        positions = self.bus.positions(group)
        moved = [place for place, offset in positions.items() if offset]
        if moved:
            place = self.random.choice(sorted(moved))
            async with self.bus.consumer(group, toy.topics) as consumer:
                await consumer.commit({place: self.random.randrange(positions[place])})

    async def _zombie_wakes(self) -> None:
        if self.zombies:
            name, records = self.zombies.pop(self.random.randrange(len(self.zombies)))
            await self._deliver(self.toys[name], records)

    async def _re_emit_one(self) -> None:
        toy = self._toy()
        await toy.relay.re_emit([self.random.choice(self.case_ids)])

    async def _plant(self) -> None:
        toy = self._toy()
        stream = self.random.choice(streams_for(toy.name))
        mark = (toy.name, self.random.choice(self.case_ids), stream, self.random.randint(1, 4))
        if self.random.random() < 0.5:
            self.plan.poisoned.add(mark)
        else:
            self.bugs[mark] = self.random.randint(1, 5)

    async def _heal(self) -> None:
        self.plan.poisoned.clear()
        self.bugs.clear()
        await self._replay_all()

    async def _replay_all(self) -> bool:
        moved = False
        for toy in self.toys.values():
            for case_id in self.case_ids:
                moved = await toy.desk.replay_case(case_id) > 0 or moved
            await toy.desk.sweep()
        return moved

    async def _operator_skips(self) -> None:
        toy = self._toy()
        letters, _ = await toy.letters.listed()
        for letter in letters:
            mark = (toy.name, letter.case_id, letter.stream, letter.seq)
            # The fact is noted first; a crash inside leaves it noted where the skip was written.
            document = await toy.store.get(CASES, letter.case_id)
            inbox = document.inbox if document is not None else {}
            if inbox.get(letter.stream, StreamInbox()).next != letter.seq:
                continue
            self.plan.skipped.add(mark)
            try:
                await toy.desk.skip(letter.id, reason="planted", by="operator")
            except NotItsTurn:
                self.plan.skipped.discard(mark)
            except Crash:
                document = await toy.store.get(CASES, letter.case_id)
                inbox = document.inbox if document is not None else {}
                if inbox.get(letter.stream, StreamInbox()).next == letter.seq:
                    self.plan.skipped.discard(mark)
                raise
            return

    async def _lose_the_log(self) -> None:
        if self.random.random() < 0.5:
            return
        crash, self.crash_at = self.crash_at, None
        self.log_number += 1
        self.zombies.clear()
        self._restart()  # a new, empty log: all offsets are reset with it
        for toy in self.toys.values():
            await toy.relay.re_emit(self.case_ids)
        self.crash_at = crash

    async def _late_group(self) -> None:
        if LATE in self.toys or self.random.random() < 0.5:
            return
        self.crash_at = None
        toy = self.toys[LATE] = Toy(LATE, self)
        async with self.bus.consumer(f"aduan.{LATE}", toy.topics):
            pass  # registered at the earliest offset first, then the producers re-emit
        for producer in EARLY:
            await self.toys[producer].relay.re_emit(self.case_ids)

    async def _come_to_rest(self) -> None:
        self.plan.poisoned.clear()
        self.bugs.clear()
        for _ in range(60):
            moved = await self._replay_all()
            for toy in self.toys.values():
                while not toy.relay._queue.empty():
                    toy.relay._queue.get_nowait()
                moved = await toy.relay.sweep(older_than=0.0) > 0 or moved
                async with self.bus.consumer(f"aduan.{toy.name}", toy.topics) as consumer:
                    while records := await consumer.poll(max_records=500, timeout=0.0):
                        moved = True
                        await self._deliver(toy, records)
                        await consumer.commit({r.at: r.offset + 1 for r in records})
            if not moved:
                return
        raise AssertionError(f"seed {self.seed}: never comes to rest")

    async def _check(self) -> None:
        told = {case_id: self.plan.commands.get(case_id, 0) for case_id in self.case_ids}
        for case_id, intake_events in told.items():
            lengths = {"intake": intake_events}
            for name, source in (("routing", "intake"), ("sla", "routing")):
                given = self._expected(name, case_id, source, lengths[source])
                lengths[name] = len(given) if self._opened(name, case_id) else 0
            await self._check_case(case_id, lengths)

    def _opened(self, service: str, case_id: str) -> bool:
        return (service, case_id, OPENER, 1) not in self.plan.skipped

    def _expected(self, service: str, case_id: str, stream: str, length: int) -> list[int]:
        return [
            seq
            for seq in range(1, length + 1)
            if (service, case_id, stream, seq) not in self.plan.skipped
        ]

    async def _check_case(self, case_id: str, lengths: dict[str, int]) -> None:
        for name, toy in self.toys.items():
            document = await toy.store.get(CASES, case_id)
            where = f"seed {self.seed}, {name}, case {case_id}"
            if lengths["intake"] == 0:
                assert document is None or document.body is None, where
                continue
            assert document is not None, where
            assert not document.has_waiting, f"{where}: events wait"
            assert not await toy.letters.any_of(case_id), f"{where}: a letter is open"
            assert (document.body is not None) == self._opened(name, case_id), f"{where}: body"
            seen: dict[str, Any] = (document.body or {}).get("seen", {})
            for stream in streams_for(name):
                length = lengths.get(stream, 0)
                found = document.inbox.get(stream, StreamInbox()).next
                assert found == length + 1, f"{where}: {stream} stands at {found}"
                wanted = self._expected(name, case_id, stream, length)
                if document.body is not None:
                    assert seen.get(stream, []) == wanted, f"{where}: {stream} {seen}"
            if name in lengths:
                assert document.event_seq == lengths[name], f"{where}: told {document.event_seq}"
