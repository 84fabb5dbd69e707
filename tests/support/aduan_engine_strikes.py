"""What is done to processes, brokers and the database while complaints go on coming."""

import asyncio
import os
import time
from typing import Final

from aduan_engine_faults import BOUND, PATIENCE, Fault, Load, World
from aduan_proxy import Proxy, Way

# Longer than a member's session at the group's coordinator: others have its partitions by then.
BEYOND_SESSION: Final = 14.0
# Longer than the time after which a sweeper adopts what another process has left.
BEYOND_ADOPTION: Final = 8.0
STOP_LIMIT: Final = 45.0


def kill_one(service: str, *, always: bool = False) -> Fault:
    """Kill -9 of one process at a random moment under load, and its restart."""

    async def strike(world: World, load: Load) -> None:
        await asyncio.sleep(world.dice.random() * 2)
        load.struck()
        replica = world.replicas(service)[0]
        await replica.kill()
        await asyncio.sleep(world.dice.random())
        await world.start_again(replica)

    return Fault(f"kill -9 {service}", strike, always=always)


def die_at(service: str, point: str, *, always: bool = False) -> Fault:
    """Every process of a service ends at a failpoint, nothing flushed; then all start again."""

    async def strike(world: World, load: Load) -> None:
        those = world.replicas(service)
        for replica in those:
            await replica.stop()
            await replica.launch(f"{point}:{world.dice.randint(1, 3)}")
        died = [asyncio.create_task(replica.died(PATIENCE)) for replica in those]
        # One that others outlive may get no more work: it is enough that one dies there.
        await asyncio.wait(died, return_when=asyncio.FIRST_COMPLETED)
        load.struck()
        for task, replica in zip(died, those, strict=True):
            if not task.done():
                task.cancel()
                await replica.kill()
        assert any(task.done() and not task.cancelled() and task.result() for task in died), (
            f"{service} never reached {point}"
        )
        await world.start_again(*those)

    return Fault(f"{service} ends at {point}", strike, always=always)


async def dies_in_revoke(world: World, load: Load) -> None:
    """A member dies as it gives its partitions back: nothing of them is committed."""
    first, second = world.replicas("routing")
    await first.stop()
    await first.launch("consumer.in_revoke")
    await first.until_ready(PATIENCE)
    await load.more(5)
    await second.kill()
    load.struck()
    # The other one's session has to end before the group is shared out anew.
    assert await first.died(PATIENCE), "nobody took its partitions away"
    await world.start_again(first, second)


async def rolling_restart(world: World, load: Load) -> None:
    """SIGTERM to each process in turn: it finishes, leaves its group, ends with 0 and comes back."""
    for replica in world.cluster.replicas:
        load.struck()
        began = time.monotonic()
        code = await replica.stop(STOP_LIMIT)
        assert code == 0, f"{replica.name} ended with {code}: {replica.last_words()}"
        assert time.monotonic() - began < STOP_LIMIT
        await world.start_again(replica)


def freeze(seconds: float) -> Fault:
    """SIGSTOP of one of two routings, for less or more than its session, then CONT."""

    async def strike(world: World, load: Load) -> None:
        zombie = world.replicas("routing")[0]
        load.struck()
        zombie.freeze()
        await asyncio.sleep(seconds)
        await load.more(3)
        zombie.thaw()

    return Fault(f"SIGSTOP routing {seconds:.0f} s, CONT", strike, always=seconds >= BEYOND_SESSION)


async def two_sweepers(world: World, load: Load) -> None:
    """Both intakes die with events acknowledged and unmarked; both sweep the same at their start."""
    those = world.replicas("intake")
    for replica in those:
        await replica.stop()
        await replica.launch("relay.after_ack:2")
    died = await asyncio.gather(*(replica.died(PATIENCE) for replica in those))
    load.struck()
    assert all(died), "an intake published nothing"
    for replica in those:
        await replica.launch()
    await asyncio.gather(*(replica.until_ready(PATIENCE) for replica in those))


async def storm(world: World, load: Load) -> None:
    """One of two routings comes and goes, clean and killed by turns, for half a minute."""
    member = world.replicas("routing")[1]
    for number in range(8):
        load.struck()
        if number % 2:
            await member.kill()
        else:
            await member.stop(STOP_LIMIT)
        await member.launch()
        await asyncio.sleep(3)
    await member.until_ready(PATIENCE)


async def newer_release(world: World, load: Load) -> None:
    """One of two intakes tells more in each event than the other; every reader can read both."""
    newer = world.folder / "newer"
    newer.mkdir(exist_ok=True)
    (newer / "sitecustomize.py").write_text(NEWER, "utf-8")
    other, replica = world.replicas("intake")
    usual = replica.environment
    await replica.stop()
    load.struck()
    paths = [str(newer), *filter(None, [os.environ.get("PYTHONPATH")])]
    replica.environment = {**usual, "PYTHONPATH": ":".join(paths)}
    await world.start_again(replica)
    await load.more(5)
    # What is connected stays connected: without this, all might go on with the older one.
    await other.stop()
    await load.more(5)
    await world.start_again(other)
    await load.more(5)
    await replica.stop()
    replica.environment = usual
    await world.start_again(replica)
    mark = b'"from_a_later_release"'
    told = [kept for kept in await world.read() if mark in (kept.told.value or b"")]
    assert told, "the newer release told nothing"


# Runs before the service is imported: its events get one more field, as an additive change would.
NEWER: Final = """
from dataclasses import replace
from aduan.contracts import envelope
plain = envelope.encode
def encode(*given, **named):
    raw = plain(*given, **named)
    return replace(raw, value=raw.value[:-1] + b', "from_a_later_release": {"a": [1]}}')
envelope.encode = encode
"""


# ---- the broker


async def broker_killed(world: World, load: Load) -> None:
    """Kill -9 of the only broker; intake goes on acknowledging while it is away."""
    load.struck()
    world.kafka.kill()
    await load.more(20)
    await asyncio.to_thread(world.kafka.start)


async def broker_hung(world: World, load: Load) -> None:
    """SIGSTOP of the broker for longer than sweepers wait; intake goes on acknowledging."""
    load.struck()
    world.kafka.pause()
    await asyncio.sleep(BEYOND_ADOPTION)
    await load.more(10)
    world.kafka.resume()


def through_proxy(name: str, which: str, way: Way | float, seconds: float) -> Fault:
    """The way to the broker or the store is slow (seconds a chunk), hung, cut, or refuses."""

    async def strike(world: World, load: Load) -> None:
        proxy: Proxy = getattr(world, which)
        load.struck()
        if isinstance(way, float):
            proxy.delay = way
        else:
            proxy.turn(way)
        try:
            if which == "to_broker":
                await load.more(5)
            await asyncio.sleep(seconds)
        finally:
            proxy.delay = 0.0
            proxy.turn("pass")

    return Fault(name, strike, kind="proxied")


async def outbox_full(world: World, load: Load) -> None:
    """With the broker away, intake acknowledges up to its bound; then 503 says when to come again."""
    load.struck()
    before = len(world.ledger.acknowledged)
    world.kafka.pause()
    try:
        async with world.crowd():

            async def refused() -> bool:
                answer = await world.post_once(world.name("bound"))
                if answer.status_code == 201:
                    return False
                assert answer.status_code == 503, answer.text
                return int(answer.headers["retry-after"]) > 0

            await load.until(refused, 2 * PATIENCE, "the outbox was never full")
            found = [await world.readiness(one) for one in world.replicas("intake")]
        assert all(code == 503 and "outbox" in checks for code, checks in found), found
        assert all([await world.alive(one) for one in world.replicas("intake")])
        # Each complaint is one event; a few from before the fault may have been among the pending.
        taken = len(world.ledger.acknowledged) - before
        assert taken >= BOUND * 0.9, f"refused after {taken}"
    finally:
        world.kafka.resume()


def nodes_gone(count: int, *, hung: bool = False) -> Fault:
    """One or two of three brokers are killed or hung; what is written meanwhile waits."""

    async def strike(world: World, load: Load) -> None:
        gone = world.dice.sample(world.kafka.nodes, count)
        load.struck()
        for node in gone:
            if hung:
                node.pause()
            else:
                node.kill()
        await load.more(20)
        await asyncio.sleep(15)
        for node in gone:
            if hung:
                node.resume()
            else:
                node.launch()
        if not hung:
            await asyncio.gather(*(asyncio.to_thread(node.wait_until_ready) for node in gone))

    what = "hung" if hung else "killed"
    return Fault(f"{count} of 3 brokers {what}", strike, kind="three")


# ---- the database


async def store_killed(world: World, load: Load) -> None:
    """Kill -9 of mongod: 503 and never 2xx, every service says so, and comes back by itself."""
    load.struck()
    world.mongo.kill()
    await store_is_away(world)
    await asyncio.to_thread(world.mongo.start)


async def store_hung(world: World, load: Load) -> None:
    """mongod is alive and silent, connections stay open: 503 in bounded time."""
    load.struck()
    world.mongo.pause()
    try:
        await store_is_away(world)
    finally:
        world.mongo.resume()


async def store_is_away(world: World) -> None:
    """Assert what holds while it is: nothing is acknowledged, and readiness tells the truth."""
    await asyncio.sleep(1)  # what was answered before is read by now
    known = len(world.ledger.acknowledged)
    began = time.monotonic()
    answer = await world.post_once(world.name("away"))
    seconds = time.monotonic() - began
    assert answer.status_code == 503, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert seconds < 30, f"503 after {seconds:.0f} s"
    for replica in world.cluster.replicas:
        code, checks = await world.readiness(replica)
        assert code == 503, f"{replica.name}: {checks}"
        assert await world.alive(replica), f"{replica.name} asks to be restarted for its database"
    assert len(world.ledger.acknowledged) == known, "acknowledged without a store"
