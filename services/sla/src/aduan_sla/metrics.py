"""Every series that sla exports; a test compares this list with the dashboards and the alerts."""

from collections.abc import Iterable, Mapping
from typing import Final

from prometheus_client import CollectorRegistry

from aduan.observability.metrics import Level, Tally
from aduan_sla.domain.policy import CLOCK_NAMES
from aduan_sla.domain.statistics.labels import OTHER, OVERSIGHT

KINDS = ("warn", "breach", "escalation", "elapsed")
REASONS = ("not_caught_up", "not_quiet", "no_rules")
STATES: Final = ("running", "paused", "late")


class Metrics:
    """The closed list. One object per process."""

    def __init__(
        self, registry: CollectorRegistry, offices: Mapping[str, Iterable[str]] | None = None
    ) -> None:
        """offices: tenant -> codes of its offices, from its reference data."""
        self.offices = {
            tenant: frozenset((*codes, OTHER, OVERSIGHT))
            for tenant, codes in (offices or {}).items()
        }
        by_tenant = {"tenant": sorted(self.offices)}
        by_office = {**by_tenant, "opd": sorted(frozenset().union(*self.offices.values()))}
        # Counter: notices told, by kind.
        self.told = Tally(
            "aduan_sla_told",
            "Notices told.",
            registry,
            {"kind": KINDS},
            act="breach, escalation: deadlines are missed; aduan_sla_clocks says which.",
        )
        # Counter: notices that fired before we could be sure that no stop was on its way.
        self.provisional = Tally(
            "aduan_sla_provisional",
            "Provisional notices told.",
            registry,
            act="sla could not catch up for a quarter of an hour; late facts may undo these.",
        )
        # Gauge: cases that were due in the last round and could not be told, by reason.
        self.waiting = Level(
            "aduan_sla_due_waiting",
            "Due cases not told yet.",
            registry,
            {"reason": REASONS},
            over="sum",
            act="not_caught_up: see aduan_pipeline_lag. not_quiet: a dead letter or a held event of "
            "the case. no_rules: policies or calendar lack a tenant or a year.",
        )
        # Gauge: how late the last round came to what was due.
        self.due_late = Level(
            "aduan_sla_due_late_seconds",
            "Domain seconds by which the oldest due case of the last round was late; 0 for none.",
            registry,
            act="Notices come so much too late: see aduan_sla_due_waiting.",
        )
        # Gauge: cases with a deadline in a year without cuti bersama data. Above zero is an alert.
        self.unsure = Level(
            "aduan_sla_unsure",
            "Cases with an unsure deadline.",
            registry,
            act="A year has no cuti bersama data: renew the package holidays or add overrides.",
        )
        # Counter: cases reckoned anew because policies or calendar had changed.
        self.revisited = Tally(
            "aduan_sla_revisited",
            "Cases reckoned with new data.",
            registry,
            act="Usual after a change of policies or calendar, and only then.",
        )
        # Gauge: open clocks. late: past the due date, and told so.
        self.clocks = Level(
            "aduan_sla_clocks",
            "Open clocks of cases; late: the deadline was missed and the work is not done yet.",
            registry,
            {**by_tenant, "clock": CLOCK_NAMES, "state": STATES},
            act="late: verify and forward are the coordinator's, the others the units'; /v1/clocks "
            "lists them by due date.",
        )
        # Gauge: open cases that nobody has verified (belum terverifikasi).
        self.unverified = Level(
            "aduan_sla_unverified",
            "Open cases that are not verified yet.",
            registry,
            by_tenant,
            act="Citizens wait for the coordinator: verify them on the desk.",
        )
        # Gauge: office hours of working days since the oldest of them was received.
        self.unverified_hours = Level(
            "aduan_sla_unverified_oldest_working_hours",
            "Working hours since the oldest unverified case was received; 0 when there is none.",
            registry,
            by_tenant,
            act="Over one working day: somebody is forgotten; the desk shows the oldest first.",
        )
        # Gauge: promises of units (selesai bersyarat) that are not kept yet.
        self.debts = Level(
            "aduan_sla_debts",
            "Cases that a unit closed with a promise which it has not kept yet.",
            registry,
            by_office,
            act="Known work of the next budget; the quarterly review reads it.",
        )
        # Gauge: those whose promised date is over.
        self.debts_overdue = Level(
            "aduan_sla_debts_overdue",
            "Such cases whose promised date is over.",
            registry,
            by_office,
            act="The unit promised a date and let it pass: call it.",
        )

    def office(self, tenant: str, code: str) -> str:
        """Return the label of an office: its code, or `other` where reference data lacks it."""
        return code if code in self.offices.get(tenant, ()) else OTHER
