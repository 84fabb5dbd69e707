"""Every series that sla exports; a test compares this list with the dashboards and the alerts."""

from prometheus_client import CollectorRegistry

from aduan.observability.metrics import Level, Tally

KINDS = ("warn", "breach", "escalation", "elapsed")
REASONS = ("not_caught_up", "not_quiet", "no_rules")


class Metrics:
    """The closed list. One object per process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        # Counter: notices told, by kind.
        self.told = Tally("aduan_sla_told", "Notices told.", registry, {"kind": KINDS})
        # Counter: notices that fired before we could be sure that no stop was on its way.
        self.provisional = Tally("aduan_sla_provisional", "Provisional notices told.", registry)
        # Gauge: cases that were due in the last round and could not be told, by reason.
        self.waiting = Level(
            "aduan_sla_due_waiting", "Due cases not told yet.", registry, {"reason": REASONS}
        )
        # Gauge: cases with a deadline in a year without cuti bersama data. Above zero is an alert.
        self.unsure = Level("aduan_sla_unsure", "Cases with an unsure deadline.", registry)
        # Counter: cases reckoned anew because policies or calendar had changed.
        self.revisited = Tally("aduan_sla_revisited", "Cases reckoned with new data.", registry)
