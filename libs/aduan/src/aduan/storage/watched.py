"""A store whose every operation is timed, whichever engine it is: the one place that does so."""

import time
from collections.abc import Awaitable, Callable
from typing import Any, cast

from aduan.errors import Busy
from aduan.observability.process import OPERATIONS, StoreMetrics
from aduan.storage.port import Store

Operation = Callable[..., Awaitable[Any]]


class _Watched:
    """Everything of the store itself, with the port's operations timed."""

    def __init__(self, store: Store, service: str, metrics: StoreMetrics) -> None:
        self._store = store
        busy = metrics.busy.child(service=service)
        for operation, methods in OPERATIONS.items():
            tell = metrics.seconds.child(service=service, operation=operation)
            for method in methods:
                setattr(self, method, _timed(getattr(store, method), tell, busy))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def watched(store: Store, service: str, metrics: StoreMetrics) -> Store:
    """Return the store as `service` is to use it."""
    return cast("Store", _Watched(store, service, metrics))


def _timed(
    operation: Operation, tell: Callable[[float], None], busy: Callable[[], None]
) -> Operation:
    # On the path of every request and event: no look-up, no label, one object less than a context.
    async def timed(*arguments: Any, **named: Any) -> Any:
        began = time.perf_counter()
        try:
            return await operation(*arguments, **named)
        except Busy:
            busy()
            raise
        finally:
            tell(time.perf_counter() - began)

    return timed
