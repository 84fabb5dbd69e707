"""A service that is told to stop ends, whatever its parts do on their way out."""

import asyncio
from types import SimpleNamespace
from typing import Any

from aduan.clock import SystemClock
from aduan.service import Service


async def _idle() -> None:
    await asyncio.Event().wait()


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
    runtime: Any = SimpleNamespace(
        clock=SystemClock(),
        spec=SimpleNamespace(name="routing"),
        relay=SimpleNamespace(run=_idle),
        consumer=SimpleNamespace(run=_idle),
        sweep_letters=_idle,
    )
    part = Stumbling()
    service = Service(runtime, app=None, workers={"part": part.run})  # type: ignore[arg-type]  # no HTTP here

    async def run_and_stop() -> None:
        async with service.running():
            await asyncio.sleep(0.05)

    stopping = asyncio.create_task(run_and_stop())
    _, late = await asyncio.wait({stopping}, timeout=5)

    assert (set(), 1) == (late, part.starts)
