"""A uvicorn server that leaves ending the process to its host.

uvicorn's own `serve` raises a captured SIGTERM again when it is done, which ends the process before
the host has stopped its workers and closed its files.
"""

import asyncio
import contextlib
import gc
import signal
from collections.abc import Coroutine, Iterator
from typing import Any, Final, TypeVar

import uvicorn
import uvloop

T = TypeVar("T")

# Young objects until the next search for garbage. At Python's 700 the events under way are searched
# again and again while they live: without any search a decision of routing took 8 % less.
YOUNG: Final = 20_000


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run `main` on uvloop, the faster event loop, and return its result."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


def keep_what_is_there() -> None:
    """Take what the start made out of the search for garbage: it stays for good."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, *gc.get_threshold()[1:])
    gc.enable()


class Server(uvicorn.Server):
    """See the module. Call `stop_on_signals` inside the running loop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture nothing: see `stop_on_signals`."""
        yield

    def stop_on_signals(self) -> None:
        """Let SIGTERM and SIGINT ask this server to stop; `serve` then returns."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)

    def _stop(self) -> None:
        self.should_exit = True
