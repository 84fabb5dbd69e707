"""Places where the fault tests end the process as a power cut would. Off by default.

ADUAN_FAIL_AT names the points, `name` or `name:N` (die at the Nth hit), comma-separated. The list is
closed: a test fails when a listed point is not in the code or never fired.
"""

import os
from typing import Final

POINTS: Final = (
    "intake.after_commit",
    "relay.before_publish",
    "relay.after_ack",
    "relay.after_mark",
    "log.after_append",
    "consumer.after_decide",
    "consumer.after_commit",
    "consumer.before_offset",
    "tick.after_decide",
    "tick.after_commit",
    "sync.after_remote",
    "notify.after_provider_ok",
)
# Reached only where a group has several members, so by the faults on a real broker.
OF_GROUPS: Final = ("consumer.in_revoke",)


def _armed() -> dict[str, int]:
    wanted: dict[str, int] = {}
    for item in filter(None, os.environ.get("ADUAN_FAIL_AT", "").split(",")):
        name, _, count = item.partition(":")
        if name not in POINTS + OF_GROUPS:
            raise SystemExit(f"ADUAN_FAIL_AT names an unknown failpoint: {name}")
        wanted[name] = int(count or 1)
    return wanted


_left: Final = _armed()


def hit(name: str) -> None:
    """End this process at once (exit 137, nothing flushed) if `name` is armed and its turn is up."""
    if not _left or name not in _left:
        return
    _left[name] -= 1
    if _left[name] == 0:
        os._exit(137)
