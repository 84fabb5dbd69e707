"""One server as a child process: started, asked until it answers, stopped by its pid."""

import os
import signal
import subprocess
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

from aduan_servers.problems import ServerFailed

T = TypeVar("T")

READY_SECONDS: Final = 90.0
STOP_SECONDS: Final = 20.0
BETWEEN_QUESTIONS: Final = 0.05
LAST_WORDS: Final = 3_000

# The child becomes the server, so its pid is the server's. The kernel ends it when the thread that
# started it ends, however this process dies; the parent is asked for again because it may have died
# before the request was made.
_BOUND: Final = (
    "import ctypes, os, sys\n"
    "ctypes.CDLL(None).prctl(1, 15)\n"
    "os.getppid() == int(sys.argv[1]) or sys.exit(1)\n"
    "os.execv(sys.argv[2], sys.argv[2:])\n"
)

# One thread, as old as this process: a server bound to a short-lived thread would die with it.
_starter: Final = ThreadPoolExecutor(1, "aduan-servers")


def aside(work: Callable[[], T]) -> T:
    """Run in a thread of its own and wait: there, an event loop can be run whatever runs here."""
    outcome: Future[T] = Future()

    def run() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:
            outcome.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return outcome.result()


class Server(ABC):
    """A server on a fixed port with its data in a folder; every method blocks until it is so.

    Inside an event loop call the slow ones with `asyncio.to_thread`.
    """

    def __init__(self, name: str, folder: Path, *, bound: bool = True) -> None:
        """Start nothing yet.

        bound: the server ends with this process, however that ends; else it stays.
        """
        self.name = name
        self.folder = folder
        self.log = folder / "log"
        self._bound = bound
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def _command(self) -> Sequence[str]:
        """Return the program (an absolute path) and its arguments."""

    @abstractmethod
    def _answers(self) -> bool:
        """Ask the server, by its protocol, whether it is ready for work; never raise."""

    @property
    def pid(self) -> int:
        """The process that runs, or ran last."""
        if self._process is None:
            raise ServerFailed(f"{self.name} was never started")
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process exists (a paused one does)."""
        return self._process is not None and self._process.poll() is None

    def launch(self) -> None:
        """Start the process without waiting for it."""
        if self.alive:
            raise ServerFailed(f"{self.name} runs already as {self.pid}")
        self.folder.mkdir(parents=True, exist_ok=True)
        self._process = _starter.submit(self._spawn).result()

    def _spawn(self) -> subprocess.Popen[bytes]:
        command = list(self._command())
        if self._bound and sys.platform == "linux":
            command = [sys.executable, "-I", "-S", "-c", _BOUND, str(os.getpid()), *command]
        with self.log.open("ab") as log:
            # a session of its own: Ctrl-C is for the tests, which then stop their servers
            return subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, cwd=self.folder, env=self._environment(),
            )  # fmt: skip

    def _environment(self) -> Mapping[str, str]:
        return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "TZ": "UTC"}

    def wait_until_ready(self, seconds: float = READY_SECONDS) -> None:
        """Return when the server answers; ServerFailed with its last words when it does not."""
        end = time.monotonic() + seconds
        while not self._answers():
            if not self.alive:
                code = self._process.returncode if self._process is not None else None
                raise ServerFailed(f"{self.name} ended with {code}: {self.last_words()}")
            if time.monotonic() > end:
                raise ServerFailed(
                    f"{self.name} did not answer within {seconds:.0f} s: {self.last_words()}"
                )
            time.sleep(BETWEEN_QUESTIONS)

    def start(self) -> None:
        """Start, and return when it answers."""
        self.launch()
        try:
            self.wait_until_ready()
        except BaseException:
            self.kill()
            raise

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """SIGTERM, and kill -9 if it will not end; nothing when it is not running."""
        self._end(signal.SIGTERM, seconds)

    def kill(self) -> None:
        """Kill -9, now; nothing when it is not running."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals, seconds: float = STOP_SECONDS) -> None:
        if self._process is None or not self.alive:
            return
        self._process.send_signal(how)
        self.resume()  # a paused process takes SIGTERM only when it goes on
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(STOP_SECONDS)

    def restart(self) -> None:
        """Start again on the same port and data; one that still runs is stopped first."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """SIGSTOP: connections stay open and nobody answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self.alive:
            self._process.send_signal(number)

    def last_words(self) -> str:
        """Return the end of the log, and where the whole of it is."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return f"{text[-LAST_WORDS:]}\n(the whole log: {self.log})"
