"""What the store is asked for an event that is delivered: counted, since times say little."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aduan_harness import World

from aduan.cases import Handler
from aduan.clock import ManualClock
from aduan.contracts.envelope import Emit, Incoming, Reaction
from aduan.contracts.examples import CASE_ID, EXAMPLES
from aduan.contracts.values import View
from aduan.service import Runtime, ServiceSpec
from aduan.storage.port import Body, Collection
from aduan.storage.sqlite import SqliteStore

CASES = Collection("cases")


class Seen(View):
    """Nothing but the envelope is used."""


def _opened(body: Body | None, event: Incoming[Seen], _now: object) -> Reaction:
    return Reaction({"seen": event.seq})


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Nobody in it yet."""
    made = World(tmp_path, ManualClock(datetime(2026, 12, 1, 2, tzinfo=UTC)))
    yield made
    made.close()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often which question was asked of any store."""
    found: Counter[str] = Counter()
    for name in ("_read", "get"):
        before = getattr(SqliteStore, name)

        def counted(
            self: Any, *words: Any, _name: str = name, _before: Any = before, **more: Any
        ) -> Any:
            found[f"{_name} {words[0].name}"] += 1
            return _before(self, *words, **more)

        monkeypatch.setattr(SqliteStore, name, counted)
    return found


def _pair(world: World) -> tuple[Runtime, Runtime]:
    handlers = {"complaint.created": Handler(Seen, _opened)}
    intake = world.runtime(ServiceSpec("intake", (CASES,), {}, opener=None))
    return intake, world.runtime(ServiceSpec("routing", (CASES,), handlers))


async def _tell(intake: Runtime, id: str) -> None:
    created = Emit("complaint.created", EXAMPLES["complaint.created"]["smallest"])
    await intake.cases.command(id, lambda _b, _n: Reaction({"n": 1}, (created,)), tenant="33.74")


async def test_a_new_case_is_written_without_a_look(world: World, asked: Counter[str]) -> None:
    """Its first event says that there is nothing to read; should there be, the write finds it."""
    intake, routing = _pair(world)
    await _tell(intake, CASE_ID)
    (stored,) = await intake.store.events(CASES, CASE_ID, 0)
    asked.clear()

    await routing.cases.deliver(CASE_ID, [stored.raw])
    assert asked["_read cases"] == 0

    await routing.cases.deliver(CASE_ID, [stored.raw])
    document = await routing.store.get(CASES, CASE_ID)
    assert document is not None and document.version == 1
