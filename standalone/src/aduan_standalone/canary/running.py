"""Canaries one after another, for ever: one in every period, whatever became of the one before."""

import asyncio
from typing import Final

from aduan.clock import Clock
from aduan_standalone.canary.flight import Flight, Result
from aduan_standalone.canary.metrics import Metrics
from aduan_standalone.canary.steps import slot_of

EVERY_SECONDS: Final = 60.0
WITHIN_SECONDS: Final = 60.0


class Canaries:
    """Posts one canary in a period and counts how it went. `run` ends only by cancellation or a bug."""

    def __init__(
        self, flight: Flight, clock: Clock, metrics: Metrics, *, every_seconds: float
    ) -> None:
        """every_seconds: real. Several processes with the same period post the same complaints."""
        self._flight = flight
        self._clock = clock
        self._metrics = metrics
        self._every = every_seconds

    async def run(self) -> None:
        """Fly for ever; a slow canary does not hold the next one."""
        async with asyncio.TaskGroup() as flying:
            while True:
                flying.create_task(self.once())
                wall = self._clock.wall()
                passed = (wall - slot_of(wall, self._every)).total_seconds()
                await asyncio.sleep(self._every - passed)

    async def once(self) -> Result:
        """Fly the canary of this period and count it."""
        result = await self._flight.fly(slot_of(self._clock.wall(), self._every))
        self.count(result)
        return result

    def count(self, result: Result) -> None:
        """Count a canary that is over."""
        now = self._clock.wall().timestamp()
        for step, passed in result.items():
            self._metrics.steps.add(step=step, outcome=passed.outcome)
            if passed.seconds is not None:
                self._metrics.seconds.observe(passed.seconds, step=step)
                self._metrics.last_success.set(now, step=step)
        self._metrics.up.set(float(all(one.outcome == "ok" for one in result.values())))
