"""`aduan stop`: ask an instance to end, and wait until it has."""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from aduan_standalone.cli import instance
from aduan_standalone.cli.instance import Running
from aduan_standalone.cli.refusal import FAILED, Refusal

PATIENCE_SECONDS: Final = 30.0


def chosen(data: Path | None, *, everything: bool) -> list[Running]:
    """Return the instances to stop: the one in a folder, else those that this interpreter started.

    everything: those of other checkouts of this user too. Files of dead processes are removed.
    """
    if data is not None:
        return [instance.running_in(data)]
    found = []
    for path, running in instance.announced():
        if not running.alive:
            path.unlink(missing_ok=True)
        elif everything or running.python == sys.executable:
            found.append(running)
    return found


def stop(running: Running, *, patience_seconds: float = PATIENCE_SECONDS) -> bool:
    """Send SIGTERM and wait for the end; False when it had ended before.

    Raises Refusal when the process number belongs to something else by now, or it does not end.
    """
    if not running.alive:
        return False
    if not _is_aduan(running.pid):
        raise Refusal(
            f"Process {running.pid} is no Aduan instance (any more); nothing was stopped.",
            code=FAILED,
        )
    os.kill(running.pid, signal.SIGTERM)
    # A process that ended but was not reaped has no command line any more: it counts as ended.
    if not _ended(lambda: running.alive and _is_aduan(running.pid), patience_seconds):
        raise Refusal(
            f"The instance in {running.data} did not end within {patience_seconds:.0f} s.",
            code=FAILED,
        )
    return True


def _is_aduan(pid: int) -> bool:
    """Whether a process looks like ours. Without /proc the announcement is trusted."""
    path = Path(f"/proc/{pid}/cmdline")
    if not Path("/proc/self").exists():
        return True
    try:
        return b"aduan" in path.read_bytes()
    except OSError:
        return False


def _ended(alive: Callable[[], bool], patience_seconds: float) -> bool:
    deadline = time.monotonic() + patience_seconds
    while alive():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
