"""What ends connections to a broker that hangs, and how long a producer rests after failures."""

import asyncio

import pytest

from aduan.messaging.kafka import connection
from aduan.messaging.kafka.connection import end_by_hand
from aduan.messaging.kafka.producer import LONGEST_PAUSE, pause_after


class Hanging:
    """A client whose connection takes nothing any more."""

    async def close(self) -> None:
        """Wait until all is sent, for ever."""
        await asyncio.Event().wait()


async def test_a_client_that_never_closes_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a stop waits for SIGKILL. What ran for it is cancelled."""
    monkeypatch.setattr(connection, "CLOSE_SECONDS", 0.05)
    running = asyncio.create_task(asyncio.sleep(3600))
    async with asyncio.timeout(2):
        await end_by_hand(Hanging(), running, None)

    assert running.cancelled()


def test_a_producer_rests_longer_each_time_and_never_fails_of_counting() -> None:
    """An outage of hours is thousands of failures."""
    pauses = [pause_after(failures) for failures in (1, 2, 5, 1_024, 1_000_000)]

    assert pauses == [0.2, 0.4, 3.2, LONGEST_PAUSE, LONGEST_PAUSE]
