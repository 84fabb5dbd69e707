"""A service that is told to stop ends, whatever its parts do on their way out."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from aduan.clock import Clock, ManualClock, SystemClock
from aduan.contracts.envelope import Raw
from aduan.errors import Busy
from aduan.messaging.consumer import ConsumerLoop, Starved
from aduan.messaging.port import Assigned, Record, TopicPartition
from aduan.service import Service


async def _idle() -> None:
    await asyncio.Event().wait()


def _runtime() -> Any:
    return SimpleNamespace(
        clock=SystemClock(),
        spec=SimpleNamespace(name="routing"),
        relay=SimpleNamespace(run=_idle),
        consumer=SimpleNamespace(run=_idle),
        sweep_letters=_idle,
        expiry=None,
    )


class Stumbling:
    """A part whose child raises as it is first cancelled: its group tells that, not the stop."""

    def __init__(self) -> None:
        self.starts = 0

    async def run(self) -> None:
        """Run until cancelled."""
        self.starts += 1
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._child())

    async def _child(self) -> None:
        try:
            await _idle()
        finally:
            if self.starts == 1:
                raise LookupError("a bug on the way out")


async def test_a_part_that_fails_as_it_is_stopped_is_not_started_again() -> None:
    """Else the stop is lost, and the process has to be killed."""
    part = Stumbling()
    service = Service(_runtime(), app=None, workers={"part": part.run})  # type: ignore[arg-type]  # no HTTP here

    async def run_and_stop() -> None:
        async with service.running():
            await asyncio.sleep(0.05)

    stopping = asyncio.create_task(run_and_stop())
    _, late = await asyncio.wait({stopping}, timeout=5)

    assert (set(), 1) == (late, part.starts)


async def test_a_part_whose_group_failed_is_started_again() -> None:
    """In Python 3.11 a failed TaskGroup leaves its task counted as cancelled, which it is not."""
    starts: list[int] = []

    async def fail_once() -> None:
        starts.append(1)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_broken() if len(starts) == 1 else _idle())

    async def _broken() -> None:
        await asyncio.sleep(0)
        raise LookupError("a bug")

    service = Service(_runtime(), app=None, workers={"part": fail_once})  # type: ignore[arg-type]  # no HTTP here
    async with service.running(), asyncio.timeout(10):
        while len(starts) < 2:
            await asyncio.sleep(0.01)


async def test_a_part_that_meets_a_cancellation_of_something_inside_is_started_again() -> None:
    """Nobody asked it to stop; taken for a stop, it would rest for good, and nobody would hear."""
    starts: list[int] = []

    async def meets_one() -> None:
        starts.append(1)
        if len(starts) == 1:
            inner = asyncio.create_task(_idle())
            inner.cancel()
            await inner
        await _idle()

    service = Service(_runtime(), app=None, workers={"part": meets_one})  # type: ignore[arg-type]  # no HTTP here
    async with service.running(), asyncio.timeout(10):
        while len(starts) < 2:
            await asyncio.sleep(0.01)


AT = TopicPartition("complaint.created", 0)


class AwayLog:
    """A log that gave one record and has been away since."""

    def __init__(self) -> None:
        self.polls = 0
        self.commits = 0

    @asynccontextmanager
    async def consumer(
        self, _group: str, _topics: Sequence[str], *, on_assigned: Assigned, **_: Any
    ) -> AsyncIterator["AwayLog"]:
        """See Bus."""
        await on_assigned({AT: 0})
        yield self

    async def poll(self, **_: Any) -> Sequence[Record]:
        """See Consumer."""
        self.polls += 1
        await asyncio.sleep(0.01)
        return [Record(AT, 0, Raw(AT.topic, b"", b"", ()))] if self.polls == 1 else []

    async def commit(self, _: Mapping[TopicPartition, int]) -> None:
        """See Consumer."""
        self.commits += 1
        raise Busy("away")

    async def end_offsets(self) -> Mapping[TopicPartition, int]:
        """See Consumer."""
        raise Busy("away")


def _loop(log: AwayLog, clock: Clock) -> ConsumerLoop:
    async def nothing(*_: Any) -> int:
        return 0

    letters: Any = SimpleNamespace(cap=100, failures=nothing, put_unreadable=nothing)
    return ConsumerLoop(
        bus=log,  # type: ignore[arg-type]  # it needs no more of it
        group="g",
        topics=[AT.topic],
        deliver=nothing,  # type: ignore[arg-type]  # never reached
        letters=letters,
        clock=clock,
    )


class EmptyHanded(AwayLog):
    """A log that answers every question, has a record, and never gives it."""

    async def poll(self, **_: Any) -> Sequence[Record]:
        """See Consumer."""
        self.polls += 1
        await asyncio.sleep(0.01)
        if self.refuses:
            raise Busy("not allowed to read")
        return []

    refuses = False

    async def end_offsets(self) -> Mapping[TopicPartition, int]:
        """See Consumer."""
        return {AT: 1}


@pytest.mark.parametrize("refuses", [False, True])
async def test_a_member_that_is_given_nothing_of_what_there_is_ends_to_be_made_anew(
    refuses: bool,
) -> None:
    """Alive, answered and idle for ever would look like peace. Who is refused waits instead."""
    clock = ManualClock(datetime(2026, 12, 1, tzinfo=UTC))
    log = EmptyHanded()
    log.refuses = refuses
    running = asyncio.create_task(_loop(log, clock).run())
    for _ in range(100):
        await asyncio.wait({running}, timeout=0.05)
        clock.advance(timedelta(seconds=1))
    ended = running.done()
    running.cancel()
    outcome = (await asyncio.gather(running, return_exceptions=True))[0]

    assert ended is not refuses
    assert refuses or (isinstance(outcome, ExceptionGroup) and outcome.subgroup(Starved))


async def test_a_loop_that_cannot_commit_any_more_ends_by_the_stop() -> None:
    """The log is away: that must not take the place of what ends the loop."""
    log = AwayLog()
    running = asyncio.create_task(_loop(log, SystemClock()).run())
    async with asyncio.timeout(10):
        while log.commits == 0:
            await asyncio.sleep(0.01)
    running.cancel()

    with pytest.raises(asyncio.CancelledError):
        await running
