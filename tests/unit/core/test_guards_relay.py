"""What the relay may mark: only what the log acknowledged, in a row from the first event on."""

from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aduan_harness import World

from aduan.clock import ManualClock
from aduan.contracts.envelope import Emit, Raw, Reaction
from aduan.contracts.examples import CASE_ID, EXAMPLES
from aduan.errors import Busy
from aduan.messaging.port import Bus
from aduan.messaging.relay import Relay
from aduan.messaging.sqlite import SqliteBus
from aduan.service import Runtime, ServiceSpec
from aduan.storage.port import Body, Collection

CASES = Collection("cases")


class MoodyBus(SqliteBus):
    """A log that acknowledges as it is told, or refuses."""

    acknowledge: tuple[bool, ...] = ()
    refuses = False
    refused_topic = ""
    offered = 0

    async def publish(self, events: Sequence[Raw]) -> Sequence[bool]:
        """Keep what is acknowledged, as a broker may."""
        if self.refuses or any(raw.topic == self.refused_topic for raw in events):
            raise Busy("the log is away")
        self.offered += len(events)
        told = self.acknowledge[: len(events)] or (True,) * len(events)
        await super().publish([raw for raw, kept in zip(events, told, strict=True) if kept])
        return told


class Producer:
    """intake's relay on such a log; nothing runs by itself."""

    def __init__(self, folder: Path, world: World) -> None:
        self.bus = MoodyBus(folder / "moody.db", world.clock)
        spec = ServiceSpec("intake", (CASES,), {}, opener=None)
        bus: Bus = self.bus
        self.runtime = Runtime(spec, store=world.store(spec), bus=bus, clock=world.clock)
        self.relay: Relay = self.runtime.relay

    async def tell(self, count: int) -> None:
        """Store this many events of one case in one write."""

        def run(_: Body | None, __: datetime) -> Reaction:
            replied = Emit("complaint.replied", EXAMPLES["complaint.replied"]["smallest"])
            created = Emit("complaint.created", EXAMPLES["complaint.created"]["smallest"])
            return Reaction({"n": 1}, (created, *(replied for _ in range(count - 1))))

        await self.runtime.cases.command(CASE_ID, run, tenant="33.74")

    async def marked(self) -> int:
        """How far the case's events are marked as published."""
        document = await self.runtime.store.get(CASES, CASE_ID)
        return document.published_seq if document is not None else 0


@pytest.fixture
async def producer(tmp_path: Path) -> AsyncIterator[Producer]:
    """A producer with three stored events."""
    world = World(tmp_path, _clock())
    made = Producer(tmp_path, world)
    await made.tell(3)
    yield made
    made.bus.close()
    world.close()


def _clock() -> ManualClock:
    return ManualClock(datetime(2026, 12, 1, tzinfo=UTC))


ACKS = (
    ((True, True, True), 3),
    ((True, False, True), 1),
    ((False, True, True), 0),
    ((False, False, False), 0),
)


@pytest.mark.parametrize(("acknowledged", "through"), ACKS)
async def test_only_what_was_acknowledged_in_a_row_is_marked(
    producer: Producer, acknowledged: tuple[bool, ...], through: int
) -> None:
    """An event behind one that is unknown stays pending: its order must not be lost."""
    producer.bus.acknowledge = acknowledged
    await producer.relay.sweep(older_than=0.0)

    assert await producer.marked() == through


async def test_nothing_is_marked_when_the_log_refuses(producer: Producer) -> None:
    """All stays pending, and the next sweep publishes it."""
    producer.bus.refuses = True
    with pytest.raises(Busy):
        await producer.relay.sweep(older_than=0.0)
    before = await producer.marked()
    producer.bus.refuses = False
    await producer.relay.sweep(older_than=0.0)

    assert (before, await producer.marked(), producer.bus.offered) == (0, 3, 3)


async def test_a_re_emission_tells_everything_that_is_stored(producer: Producer) -> None:
    """Up to the last stored event, also what is not marked: the lost log may have had it."""
    assert await producer.marked() == 0
    assert await producer.relay.re_emit([CASE_ID]) == 3
    assert (producer.bus.offered, await producer.marked()) == (3, 0)


async def test_what_cannot_be_published_hides_nothing_younger(producer: Producer) -> None:
    """A page full of events whose topic is missing, and behind it one that could go out."""

    def replied(_: Body | None, __: datetime) -> Reaction:
        emit = Emit("complaint.replied", EXAMPLES["complaint.replied"]["smallest"])
        return Reaction({"n": 1}, (emit,))

    def created(_: Body | None, __: datetime) -> Reaction:
        emit = Emit("complaint.created", EXAMPLES["complaint.created"]["smallest"])
        return Reaction({"n": 1}, (emit,))

    await producer.relay.sweep(older_than=0.0)
    cases = [f"{CASE_ID[:-4]}{number:04x}" for number in range(101)]
    for case in cases[:-1]:
        await producer.runtime.cases.command(case, replied, tenant="33.74")
    await producer.runtime.cases.command(cases[-1], created, tenant="33.74")
    producer.bus.refused_topic = "complaint.replied"
    for _ in range(2):
        with suppress(Busy):
            await producer.relay.sweep(older_than=0.0)
    last = await producer.runtime.store.get(CASES, cases[-1])
    producer.bus.refused_topic = ""
    for _ in range(2):
        await producer.relay.sweep(older_than=0.0)

    assert last is not None
    assert last.published_seq == 1
    assert await producer.runtime.store.pending_count(CASES) == 0
