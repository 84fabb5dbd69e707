"""How records reach the units' topics: on Kafka through a producer of its own for each unit.

A producer is thrown away after any error, so units that shared one, or shared the relay's, would
have to wait for the one whose topic is gone or not granted.
"""

from collections.abc import Sequence
from contextlib import AsyncExitStack

from aduan.clock import Clock
from aduan.contracts.envelope import Raw
from aduan.engine import open_bus
from aduan.messaging.port import Bus
from aduan.settings import ServiceSettings, scheme_of
from aduan_routing.ports import UnitLog


class SharedLog:
    """The embedded log: one file, whose topics cannot fail one by one."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def publish(self, topic: str, records: Sequence[Raw]) -> Sequence[bool]:  # noqa: ARG002 - the records name it
        """See UnitLog."""
        return await self._bus.publish(records)

    async def close(self) -> None:
        """See UnitLog."""


class LogPerUnit:
    """A connection for each topic, opened when it is first needed."""

    def __init__(self, settings: ServiceSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._stack = AsyncExitStack()
        self._buses: dict[str, Bus] = {}

    async def publish(self, topic: str, records: Sequence[Raw]) -> Sequence[bool]:
        """See UnitLog."""
        if topic not in self._buses:
            opened = open_bus(self._settings.bus, self._clock, **self._settings.kafka())
            self._buses[topic] = await self._stack.enter_async_context(opened)
        return await self._buses[topic].publish(records)

    async def close(self) -> None:
        """See UnitLog."""
        await self._stack.aclose()


def unit_log(settings: ServiceSettings, bus: Bus, clock: Clock) -> UnitLog:
    """Return the log for units that fits the engine of `settings`."""
    return LogPerUnit(settings, clock) if scheme_of(settings.bus) == "kafka" else SharedLog(bus)
