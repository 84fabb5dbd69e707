"""Children that do not outlive a killed parent."""

import ctypes
import signal
from typing import Final

_PR_SET_PDEATHSIG: Final = 1


def die_with_parent() -> None:
    """Ask the kernel to end this child when its parent is killed (Linux; elsewhere nothing).

    For `preexec_fn`: runs in the child before it becomes another program.
    """
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    except AttributeError:
        return
