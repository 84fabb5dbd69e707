"""Whatever waits at this moment goes together; no timer. Each caller gets its own result."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

GROUP_LIMIT: Final = 500


class Gather(Generic[T, R]):
    """Hands waiting items to `send` in groups.

    send: returns one result or exception per item, in order. Where it raises instead, every item of
    the group gets that exception.
    lanes: how many groups may be on their way at once.
    """

    def __init__(
        self,
        send: Callable[[Sequence[T]], Awaitable[Sequence[R | BaseException]]],
        *,
        lanes: int = 1,
    ) -> None:
        self._send = send
        self._lanes = lanes
        self._waiting: list[tuple[T, asyncio.Future[R]]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._running = 0
        self._starting = False

    async def submit(self, item: T) -> R:
        """Return this item's own result, or raise its own exception."""
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        # A task starts in the loop's next turn, so all that is submitted in this one travels along.
        if self._running < self._lanes and not self._starting:
            self._starting = True
            self._running += 1
            task = asyncio.create_task(self._run())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await future

    async def close(self) -> None:
        """Return when nothing is on its way any more."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _run(self) -> None:
        self._starting = False
        try:
            # No turn of the loop between looking for more and counting as gone: see `submit`.
            while self._waiting:
                await self._go()
        finally:
            self._running -= 1

    async def _go(self) -> None:
        group = [one for one in self._waiting[:GROUP_LIMIT] if not one[1].done()]
        del self._waiting[:GROUP_LIMIT]
        if not group:
            return
        try:
            results = await self._send([item for item, _ in group])
        except BaseException as error:
            _resolve(group, [error] * len(group))
            if not isinstance(error, Exception):
                raise
        else:
            _resolve(group, results)


def _resolve(
    group: Sequence[tuple[T, "asyncio.Future[R]"]], results: Sequence[R | BaseException]
) -> None:
    for (_, future), result in zip(group, results, strict=True):
        if future.done():  # its caller has gone
            continue
        if isinstance(result, asyncio.CancelledError):
            future.cancel()
        elif isinstance(result, BaseException):
            future.set_exception(result)
        else:
            future.set_result(result)
