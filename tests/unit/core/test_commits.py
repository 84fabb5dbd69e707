"""How many durable commits a complaint costs: counted, because times depend on the machine."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aduan_harness import World, eventually
from aduan_intake_world import Intake, a_complaint, intake_in

from aduan.clock import ManualClock
from aduan.storage.sqlite import SqliteStore

PER_COMPLAINT = 3  # store, log, mark


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A log and room for intake's store."""
    made = World(tmp_path, ManualClock(datetime(2026, 12, 1, tzinfo=UTC)))
    yield made
    made.close()


@pytest.fixture
async def intake(world: World) -> AsyncIterator[Intake]:
    """A running intake whose log has counted the group's registration already."""

    async def registered() -> bool:
        return world.bus.commits == 1

    async with intake_in(world) as running:
        await eventually(registered)
        yield running


def commits(world: World, intake: Intake) -> int:
    """Commits of both files since they were opened."""
    store = intake.service.runtime.store
    assert isinstance(store, SqliteStore)
    return store.commits + world.bus.commits


async def test_one_complaint_costs_three_commits(world: World, intake: Intake) -> None:
    """The write, the log and the mark; nothing else waits for the disk."""
    posts = 10
    before = commits(world, intake)
    for number in range(posts):
        answer = await intake.post(a_complaint(external_id=f"e{number}"))
        assert answer.status_code == 201
        await world.settled()

    async def counted() -> bool:
        return commits(world, intake) - before >= PER_COMPLAINT * posts

    await eventually(counted)
    await world.settled()
    assert commits(world, intake) - before == PER_COMPLAINT * posts


@pytest.mark.parametrize("together", [8, 32, 128])
async def test_complaints_that_wait_together_share_their_commits(
    world: World, intake: Intake, together: int
) -> None:
    """At c connections about 3/c a complaint: one group for the writes, one for log and mark."""
    store = intake.service.runtime.store
    assert isinstance(store, SqliteStore)
    begun, gate = threading.Event(), threading.Event()

    def hold(_: sqlite3.Connection) -> bool:
        begun.set()
        return gate.wait(60)

    async def writer_is_held() -> bool:
        return begun.is_set()

    async def all_wait() -> bool:
        return store.file.waiting == 1 + together

    held = asyncio.create_task(store.file.write(hold))
    await eventually(writer_is_held)
    before = commits(world, intake)
    bodies = [a_complaint(external_id=f"e{number}") for number in range(together)]
    posts = [asyncio.create_task(intake.post(body)) for body in bodies]
    try:
        await eventually(all_wait, within=30)
    finally:
        gate.set()
    answers = await asyncio.gather(*posts)
    await held
    await world.settled()

    assert {answer.status_code for answer in answers} == {201}
    # One for what held the writer; the relay may find the group in two parts.
    assert PER_COMPLAINT <= commits(world, intake) - before <= 1 + 2 * PER_COMPLAINT


async def test_both_files_of_the_path_read_synchronous_full_back(
    world: World, intake: Intake
) -> None:
    """2 is FULL: what those commits acknowledge survives a power cut."""
    store = intake.service.runtime.store
    assert isinstance(store, SqliteStore)

    assert (await store.file.synchronous(), await world.bus.file.synchronous()) == (2, 2)
