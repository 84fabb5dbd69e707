"""The order of effect, letter and offset, and that body and inbox are one write."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aduan_harness import World, eventually

from aduan.cases import Handler
from aduan.clock import ManualClock
from aduan.contracts.envelope import Emit, Incoming, Raw, Reaction
from aduan.contracts.examples import CASE_ID, EXAMPLES
from aduan.contracts.values import View
from aduan.errors import Busy
from aduan.messaging.consumer import COMMIT_SECONDS, ConsumerLoop
from aduan.messaging.dead_letters import DeadLetters
from aduan.messaging.port import Record
from aduan.service import Runtime, ServiceSpec
from aduan.storage.port import Body, Collection, Decide, Outcome, Store
from aduan.storage.sqlite import SqliteStore

CASES = Collection("cases")
TOPIC = "complaint.created"
GROUP = "aduan.routing"


class Nothing(View):
    """The envelope is enough."""


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A log and room for stores."""
    made = World(tmp_path, ManualClock(datetime(2026, 12, 1, tzinfo=UTC)))
    yield made
    made.close()


async def stored_events(world: World, count: int) -> list[Raw]:
    """Events of one case as intake tells them."""
    intake = world.runtime(ServiceSpec("intake", (CASES,), {}, opener=None))

    def run(_: Body | None, __: datetime) -> Reaction:
        created = Emit(TOPIC, EXAMPLES[TOPIC]["smallest"])
        replied = Emit("complaint.replied", EXAMPLES["complaint.replied"]["smallest"])
        return Reaction({"n": 1}, (created, *(replied for _ in range(count - 1))))

    await intake.cases.command(CASE_ID, run, tenant="33.74")
    return [event.raw for event in await intake.store.events(CASES, CASE_ID, 0)]


@asynccontextmanager
async def consuming(
    world: World,
    deliver: Callable[[str, Sequence[Raw]], "asyncio.Future[None]"],
    letters: DeadLetters,
) -> AsyncIterator[ConsumerLoop]:
    """Run a consumer loop until the block is left."""

    async def work(key: str, events: Sequence[Raw]) -> None:
        await deliver(key, events)

    loop = ConsumerLoop(
        bus=world.bus,
        group=GROUP,
        topics=(TOPIC,),
        deliver=work,
        letters=letters,
        clock=world.clock,
    )
    task = asyncio.create_task(loop.run())
    try:
        yield loop
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def committed(world: World) -> int:
    """How many records of the topic the group has behind it, by its durable offsets."""
    places = world.bus.positions(GROUP)
    return sum(next for place, next in places.items() if place.topic == TOPIC)


async def several_commit_rounds() -> None:
    """Give the loop's own timer the chance to commit too early."""
    await asyncio.sleep(COMMIT_SECONDS * 3)


async def test_no_offset_is_committed_before_the_effect_is_durable(world: World) -> None:
    """While the write of an event hangs, a crash must bring the event again."""
    (event,) = await stored_events(world, 1)
    began, may_end = asyncio.Event(), asyncio.get_running_loop().create_future()

    def deliver(_: str, __: Sequence[Raw]) -> "asyncio.Future[None]":
        began.set()
        return may_end

    spec = ServiceSpec("routing", (CASES,), {})
    letters = DeadLetters(world.store(spec), world.clock, "routing")
    async with consuming(world, deliver, letters):
        await world.bus.publish([event])
        await asyncio.wait_for(began.wait(), 5)
        await several_commit_rounds()
        early = committed(world)
        may_end.set_result(None)

        async def done() -> bool:
            return committed(world) == 1

        await eventually(done)
    assert early == 0


class FullDesk(DeadLetters):
    """Letters that cannot be written for now."""

    full = True
    tried = 0

    async def put_unreadable(self, record: Record, reason: str) -> None:
        """Refuse until there is room."""
        self.tried += 1
        if self.full:
            raise Busy("no room for letters")
        await super().put_unreadable(record, reason)


async def test_no_offset_is_committed_before_the_letter_is_durable(world: World) -> None:
    """What nobody can read must stand in a letter before the log forgets it."""
    broken = Raw(TOPIC, CASE_ID.encode(), b"{}", (("ce_id", b"x"),))
    spec = ServiceSpec("routing", (CASES,), {})
    letters = FullDesk(world.store(spec), world.clock, "routing")

    def deliver(_: str, __: Sequence[Raw]) -> "asyncio.Future[None]":
        raise AssertionError("it has no readable address")

    async def tried() -> bool:
        return letters.tried > 0

    async def done() -> bool:
        return committed(world) == 1

    async with consuming(world, deliver, letters):
        await world.bus.publish([broken])
        await eventually(tried)
        await several_commit_rounds()
        early = committed(world)
        letters.full = False
        await eventually(done)

    kept, _ = await letters.listed()
    assert (early, len(kept)) == (0, 1)


class Died(BaseException):
    """The process ended here."""


class MortalStore(SqliteStore):
    """A store whose process dies right after its n-th write from now on."""

    dies_after = 0

    async def update(
        self, collection: Collection, id: str, decide: Decide, *, fresh: bool = False
    ) -> Outcome:
        """Write; then perhaps die, with the write durable and nobody told."""
        outcome = await super().update(collection, id, decide, fresh=fresh)
        self.dies_after -= 1
        if self.dies_after == 0:
            raise Died
        return outcome


def _noting(body: Body | None, event: Incoming[Nothing], _: datetime) -> Reaction:
    return Reaction({"seen": [*(body or {}).get("seen", []), event.seq]})


@pytest.mark.parametrize("writes", [1, 2, 3])
async def test_a_death_after_any_write_of_a_delivery_doubles_nothing(
    world: World, tmp_path: Path, writes: int
) -> None:
    """Body and inbox change together, so a repeat finds what was done."""
    first, second = await stored_events(world, 2)
    names = (TOPIC, "complaint.replied")
    spec = ServiceSpec("routing", (CASES,), {name: Handler(Nothing, _noting) for name in names})
    mortal = MortalStore(tmp_path / "mortal.db", spec.all_collections, world.clock)
    store: Store = mortal
    routing = Runtime(spec, store=store, bus=world.bus, clock=world.clock)
    mortal.dies_after = writes
    for event in (first, second):
        try:
            await routing.cases.deliver(CASE_ID, [event])
        except Died:
            await routing.cases.deliver(CASE_ID, [event])

    body = await routing.cases.get(CASE_ID)
    mortal.close()
    assert body == {"seen": [1, 2]}
