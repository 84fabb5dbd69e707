"""Free ports that stay ours while the server behind them is dead."""

import fcntl
import os
import random
import socket
import tempfile
from pathlib import Path
from typing import Final

# Below what the kernel gives to outgoing connections: a client that reconnects to a dead server
# would else be given the server's own port now and then, and the server could not come back.
LOWEST: Final = 20_000
HIGHEST: Final = 32_000
HOST: Final = "127.0.0.1"


def reserve(count: int) -> tuple[int, ...]:
    """Return ports on which nothing listens, kept from other test runs until this process ends."""
    folder = Path(tempfile.gettempdir()) / f"aduan-ports-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found: list[int] = []
    for port in random.sample(range(LOWEST, HIGHEST), HIGHEST - LOWEST):
        if len(found) == count:
            break
        if _is_ours(folder / str(port)) and is_free(port):
            found.append(port)
    return tuple(found)


def _is_ours(path: Path) -> bool:
    """Take the lock of a port; the kernel drops it with this process."""
    lock = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)  # never closed, on purpose
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return False
    return True


def is_free(port: int) -> bool:
    """Whether a server could listen on the port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def answers(port: int) -> bool:
    """Whether somebody accepts connections on the port."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((HOST, port)) == 0
