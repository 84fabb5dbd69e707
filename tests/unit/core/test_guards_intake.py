"""Idempotency rests on a unique key: looking first and then inserting is not enough."""

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

TOGETHER = 5


@pytest.fixture
async def intake(tmp_path: Path) -> AsyncIterator[Intake]:
    """A running intake."""
    world = World(tmp_path, ManualClock(datetime(2026, 12, 1, tzinfo=UTC)))
    async with intake_in(world) as running:
        yield running
    world.close()


async def test_posts_that_are_all_in_flight_before_one_is_stored_make_one(intake: Intake) -> None:
    """None of them can see another one yet, and still only one is kept and all are told of it."""
    store = intake.service.runtime.store
    assert isinstance(store, SqliteStore)
    begun, gate = threading.Event(), threading.Event()

    def hold(_: sqlite3.Connection) -> bool:
        begun.set()
        return gate.wait(60)

    async def writer_is_held() -> bool:
        return begun.is_set()

    async def all_in_flight() -> bool:
        return store.file.waiting == 1 + TOGETHER

    held = asyncio.create_task(store.file.write(hold))
    await eventually(writer_is_held)
    posts = [asyncio.create_task(intake.post(a_complaint())) for _ in range(TOGETHER)]
    try:
        await eventually(all_in_flight)
    finally:
        gate.set()
    answers = await asyncio.gather(*posts)

    assert await held
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["ticket"] for answer in answers}) == 1
    assert await intake.documents() == 1
