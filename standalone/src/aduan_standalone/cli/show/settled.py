"""When a demo is settled: nothing is on its way, and nothing has happened for a while."""

import json
from collections.abc import Mapping
from typing import Any, Final

QUIET_SECONDS: Final = 3.0
BUSY_KEYS: Final = ("pending", "held", "in_flight", "lag", "jobs")


class Quiet:
    """Watches the reports of `aduan status` and tells how long nothing has changed."""

    def __init__(self) -> None:
        self._last = ""
        self._since = 0.0

    def look(self, report: Mapping[str, Any], monotonic: float) -> bool:
        """Return whether relays and jobs are empty and no event has come for QUIET_SECONDS.

        report: as `status.combine` gives it; every event changes one of its counts.
        """
        now = json.dumps(report, sort_keys=True)
        if now != self._last or any(report[key] for key in BUSY_KEYS):
            self._last, self._since = now, monotonic
        return monotonic - self._since >= QUIET_SECONDS
