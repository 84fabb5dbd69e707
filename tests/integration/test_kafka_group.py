"""Consumer groups on a real broker: one member and three, killed, frozen, and coming and going."""

import asyncio
import json
import os
import signal
import sys
import time
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Final

import pytest
from aduan_bus_engines import fresh_topics
from aduan_harness import eventually
from aduan_log_records import OTHER_TOPIC, TOPIC
from aduan_servers.choice import KafkaEndpoint

from aduan.clock import SystemClock
from aduan.contracts.envelope import Raw
from aduan.contracts.topics import PARTITIONS
from aduan.messaging.consumer import ConsumerLoop
from aduan.messaging.dead_letters import DEAD_LETTERS, DeadLetters
from aduan.messaging.kafka import Connection, KafkaBus
from aduan.messaging.kafka.consumer import SESSION_MS
from aduan.storage.sqlite import SqliteStore
from aduan_simulators.orphans import die_with_parent

TOPICS: Final = (TOPIC, OTHER_TOPIC)
CASES: Final = tuple(str(uuid.UUID(int=number + 1)) for number in range(40))


def an_event(case: str, number: int) -> Raw:
    """The nth event of a case; both topics by turns."""
    told = {
        "id": f"{case}-{number}", "type": "t", "subject": case, "time": "2026-12-01T00:00:00Z",
        "tenant": "33.74", "stream": "intake", "seq": str(number + 1),
    }  # fmt: skip
    headers = tuple((f"ce_{name}", value.encode()) for name, value in told.items())
    return Raw(TOPICS[number % 2], case.encode(), str(number).encode(), headers)


@dataclass
class Member:
    """A member in a process of its own."""

    file: Path
    process: asyncio.subprocess.Process
    partitions: list[int] = field(default_factory=list)

    async def listen(self) -> None:
        """Follow what it says about its partitions until it ends."""
        assert self.process.stdout is not None
        while line := await self.process.stdout.readline():
            self.partitions = json.loads(line)

    def applied(self) -> list[tuple[str, int]]:
        """Return (case, number) in the order in which this member applied them."""
        if not self.file.exists():
            return []
        rows = [json.loads(line) for line in self.file.read_text().splitlines()]
        return [(case, int(number)) for case, number, _ in rows]


class Group:
    """A group's members, and a publisher that goes on meanwhile."""

    def __init__(self, folder: Path, address: str) -> None:
        """No member yet."""
        self.folder = folder
        self.address = address
        self.name = f"g.{uuid.uuid4().hex[:8]}"
        self.members: list[Member] = []
        self._joined = 0
        self.published: dict[str, int] = defaultdict(int)
        self._stack = AsyncExitStack()
        self._listening: list[asyncio.Task[None]] = []
        self._stop = asyncio.Event()
        self.bus = KafkaBus(Connection.of(f"kafka://{address}"), SystemClock())

    async def join(self) -> Member:
        """Start one more member."""
        self._joined += 1
        file = self.folder / f"member-{self._joined}.jsonl"
        with (self.folder / "members.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "aduan_group_member", self.address, self.name,
                ",".join(TOPICS), str(file),
                stdout=asyncio.subprocess.PIPE, stderr=log, preexec_fn=die_with_parent,
                env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1] / "support")},
            )  # fmt: skip
        member = Member(file, process)
        self.members.append(member)
        self._listening.append(asyncio.create_task(member.listen()))
        return member

    async def publish_until_told(self) -> None:
        """Publish about 400 events a second, each case in its order."""
        while not self._stop.is_set():
            batch = []
            for case in CASES[:20] if sum(self.published.values()) % 40 == 0 else CASES[20:]:
                batch.append(an_event(case, self.published[case]))
                self.published[case] += 1
            assert all(await self.bus.publish(batch))
            await asyncio.sleep(0.05)

    async def under_load(self, seconds: float) -> None:
        """Let it run for a while."""
        publishing = asyncio.create_task(self.publish_until_told())
        await asyncio.sleep(seconds)
        self._stop.set()
        await publishing

    async def shared_out(self, *members: Member) -> None:
        """Wait until these members have all partitions, each one of them once."""

        async def shared() -> bool:
            shares = [one.partitions for one in members]
            return all(shares) and sorted(chain(*shares)) == [*range(PARTITIONS)]

        await eventually(shared, within=45)

    async def done(self) -> dict[str, list[int]]:
        """Wait until nothing is left to read; return each case's numbers as they were first applied."""

        async def read() -> bool:
            return await self.bus.lag(self.name, TOPICS) == 0

        await eventually(read, within=60, every=0.2)
        first: dict[str, set[int]] = defaultdict(set)
        for member in self.members:
            for case, number in member.applied():
                first[case].add(number)
        return {case: sorted(numbers) for case, numbers in first.items()}

    def applied(self) -> int:
        """Return how many applications there were, repeats too."""
        return sum(len(member.applied()) for member in self.members)

    async def close(self) -> None:
        """End every member."""
        for member in self.members:
            if member.process.returncode is None:
                member.process.kill()
        await asyncio.gather(*(member.process.wait() for member in self.members))
        await asyncio.gather(*self._listening)
        await self.bus.close()


@pytest.fixture
async def group(tmp_path: Path, kafka: KafkaEndpoint) -> AsyncIterator[Group]:
    """A group on empty topics."""
    await fresh_topics(TOPICS, bootstrap_servers=kafka.address)
    opened = Group(tmp_path, kafka.address)
    yield opened
    await opened.close()


def nothing_lost(group: Group, first: dict[str, list[int]]) -> None:
    """Each case's events were applied, all of them."""
    for case, count in group.published.items():
        assert first[case] == list(range(count)), f"of {count} of one case {len(first[case])} came"


async def test_three_members_share_the_cases_and_one_alone_has_them_all(group: Group) -> None:
    """Each partition number belongs to one member, whatever the topic: a case meets in one place."""
    one = await group.join()
    await group.shared_out(one)
    two, three = await asyncio.gather(group.join(), group.join())
    await group.shared_out(one, two, three)
    await group.under_load(2.0)
    first = await group.done()

    nothing_lost(group, first)
    homes = [{case for case, _ in member.applied()} for member in (one, two, three)]
    assert all(homes) and sum(len(home) for home in homes) == len(CASES)
    assert {len(member.partitions) for member in (one, two, three)} == {PARTITIONS // 3}

    for member in (two, three):
        member.process.send_signal(signal.SIGTERM)
        assert await member.process.wait() == 0
    await group.shared_out(one)


async def test_a_killed_member_is_replaced_and_nothing_is_lost(group: Group) -> None:
    """kill -9 under load: its partitions move after the session, what it had not committed comes again."""
    members = [await group.join() for _ in range(3)]
    await group.shared_out(*members)
    publishing = asyncio.create_task(group.under_load(6.0))
    await asyncio.sleep(2.0)
    members[1].process.kill()
    began = time.monotonic()
    await group.shared_out(members[0], members[2])
    took = time.monotonic() - began
    await publishing
    first = await group.done()

    nothing_lost(group, first)
    print(f"\ntaken over after {took:.1f} s, {group.applied() - total(group)} repeats")
    assert took < SESSION_MS / 1000 + 15


async def test_a_frozen_member_wakes_up_to_a_group_without_it(group: Group) -> None:
    """SIGSTOP for twice the session, CONT: its late commits are refused, and nothing is lost."""
    members = [await group.join() for _ in range(3)]
    await group.shared_out(*members)
    publishing = asyncio.create_task(group.under_load(2.5 * SESSION_MS / 1000))
    await asyncio.sleep(1.0)
    members[0].process.send_signal(signal.SIGSTOP)
    await asyncio.sleep(2 * SESSION_MS / 1000)
    members[0].process.send_signal(signal.SIGCONT)
    await publishing
    first = await group.done()

    nothing_lost(group, first)
    await group.shared_out(*members)
    print(f"\n{group.applied() - total(group)} repeats of {total(group)}")


async def test_members_that_come_and_go_lose_nothing(group: Group, tmp_path: Path) -> None:
    """At least twenty rebalances under load; a clean leave repeats nothing that it had committed."""
    steady = await group.join()
    await group.shared_out(steady)
    publishing = asyncio.create_task(group.publish_until_told())
    rebalances = 0
    clock = SystemClock()
    visitors = [KafkaBus(Connection.of(f"kafka://{group.address}"), clock) for _ in range(2)]
    visits: list[tuple[str, int]] = []

    async def note(case: str, events: Sequence[Raw]) -> None:
        visits.extend((case, int(raw.value)) for raw in events)

    async def visit(bus: KafkaBus, seconds: float, letters: DeadLetters) -> None:
        nonlocal rebalances
        loop = ConsumerLoop(
            bus=bus, group=group.name, topics=TOPICS, deliver=note, letters=letters, clock=clock
        )
        being_there = asyncio.create_task(loop.run())

        async def in_the_group() -> bool:
            return bool(loop.partitions())

        await eventually(in_the_group, within=30)
        rebalances += 1
        await asyncio.sleep(seconds)
        being_there.cancel()
        await asyncio.wait({being_there})
        assert being_there.cancelled()
        rebalances += 1

    store = SqliteStore(tmp_path / "letters.db", (DEAD_LETTERS,), clock)
    letters = DeadLetters(store, clock, "g")
    for _ in range(5):
        await asyncio.gather(visit(visitors[0], 0.5, letters), visit(visitors[1], 1.5, letters))
    group._stop.set()
    await publishing
    await asyncio.gather(*(bus.close() for bus in visitors))
    store.close()
    first = await group.done()
    for case, number in visits:
        first[case] = sorted({*first.get(case, []), number})

    nothing_lost(group, first)
    assert rebalances >= 20
    repeats = group.applied() + len(visits) - total(group)
    print(f"\n{rebalances} joins and leaves, {total(group)} events, {repeats} repeats")


def total(group: Group) -> int:
    """Return how many events were published."""
    return sum(group.published.values())
