"""Whatever waits at this moment goes together; no timer. Each caller gets its own result."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

GROUP_LIMIT: Final = 500


class Gather(Generic[T, R]):
    """Hands waiting items to `send` in groups, one group at a time: the next grows meanwhile.

    send: returns one result or exception per item, in order. Where it raises instead, every item of
    the group gets that exception.
    """

    def __init__(
        self, send: Callable[[Sequence[T]], Awaitable[Sequence[R | BaseException]]]
    ) -> None:
        self._send = send
        self._waiting: list[tuple[T, asyncio.Future[R]]] = []
        self._running = False
        self._task: asyncio.Task[None] | None = None

    async def submit(self, item: T) -> R:
        """Return this item's own result, or raise its own exception."""
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if not self._running:
            self._running = True
            # A task starts in the loop's next turn, so all that is submitted in this one goes along.
            self._task = asyncio.create_task(self._run())
        return await future

    async def close(self) -> None:
        """Return when nothing is on its way any more."""
        while self._task is not None and not self._task.done():
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        try:
            # No turn of the loop between looking for more and being gone: see `submit`.
            while self._waiting:
                await self._go()
        finally:
            self._running = False

    async def _go(self) -> None:
        group = [one for one in self._waiting[:GROUP_LIMIT] if not one[1].done()]
        del self._waiting[:GROUP_LIMIT]
        if not group:
            return
        try:
            _resolve(group, await self._send([item for item, _ in group]))
        except BaseException as error:
            _resolve(group, [error] * len(group))
            if not isinstance(error, Exception):
                raise


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
