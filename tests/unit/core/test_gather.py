"""What waits at this moment goes together, and nobody is forgotten."""

import asyncio
from collections.abc import Sequence

import pytest

from aduan.storage.gather import Gather


class Sent:
    """Remembers the groups, answers each item with its double, and can be held."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, items: Sequence[int]) -> list[int | BaseException]:
        self.groups.append(list(items))
        await self.gate.wait()
        return [LookupError() if item == 13 else item * 2 for item in items]


async def test_what_is_submitted_in_one_turn_travels_in_one_group() -> None:
    """No timer: the first group is what was there."""
    sent = Sent()
    gather = Gather[int, int](sent)

    results = await asyncio.gather(*(gather.submit(number) for number in range(10)))

    assert (results, len(sent.groups)) == ([number * 2 for number in range(10)], 1)


async def test_what_comes_while_a_group_is_on_its_way_waits_for_the_next() -> None:
    """One at a time, so that the next takes along whatever came meanwhile."""
    sent = Sent()
    sent.gate.clear()
    gather = Gather[int, int](sent)
    waiting = [asyncio.create_task(gather.submit(1))]
    while not sent.groups:
        await asyncio.sleep(0)
    waiting += [asyncio.create_task(gather.submit(number)) for number in (2, 3)]
    await asyncio.sleep(0)
    sent.gate.set()

    assert await asyncio.gather(*waiting) == [2, 4, 6]
    assert sent.groups == [[1], [2, 3]]


@pytest.mark.parametrize("turns", range(8))
async def test_an_item_that_comes_as_the_last_group_ends_is_not_forgotten(turns: int) -> None:
    """Whatever turn of the loop it comes in."""
    gather = Gather[int, int](Sent())
    first = asyncio.create_task(gather.submit(1))
    for _ in range(turns):
        await asyncio.sleep(0)

    async with asyncio.timeout(5):
        assert await gather.submit(2) == 4
        assert await first == 2


async def test_each_learns_its_own_outcome() -> None:
    """The one that is refused fails alone."""
    gather = Gather[int, int](Sent())

    results = await asyncio.gather(*map(gather.submit, (1, 13, 2)), return_exceptions=True)

    assert [results[0], type(results[1]), results[2]] == [2, LookupError, 4]


async def test_a_caller_who_went_away_is_not_sent_and_harms_nobody() -> None:
    """A time-out upstairs cancels one caller; its company goes on."""
    sent = Sent()
    gather = Gather[int, int](sent)
    gone = asyncio.create_task(gather.submit(1))
    stays = asyncio.create_task(gather.submit(2))
    await asyncio.sleep(0)
    gone.cancel()

    assert await stays == 4
    assert (gone.cancelled(), sent.groups) == (True, [[2]])


async def test_a_failing_send_fails_its_whole_group_and_nothing_later() -> None:
    """Nobody hangs on a bug."""

    async def broken(items: Sequence[int]) -> list[int | BaseException]:
        if 13 in items:
            raise LookupError
        return list(items)

    gather = Gather[int, int](broken)
    results = await asyncio.gather(*map(gather.submit, (1, 13)), return_exceptions=True)

    assert [type(result) for result in results] == [LookupError, LookupError]
    assert await gather.submit(3) == 3
    await gather.close()
