"""Every series that routing exports; a test compares this list with the dashboards and the alerts."""

from prometheus_client import CollectorRegistry

from aduan.observability.metrics import Level, Tally
from aduan_routing.domain.lifecycle import COMMANDS

OUTCOMES = ("done", "already", "refused")
FETCHES = ("fetched", "gone", "away")
UNIT_RECORDS = ("sent", "refused")


class Metrics:
    """The closed list. One object per process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        # Counter: commands of officers, by action and what became of them.
        self.commands = Tally(
            "aduan_routing_commands",
            "Commands given.",
            registry,
            {"action": tuple(sorted(COMMANDS)), "outcome": OUTCOMES},
            act="refused rising: officers try what the state of the case does not allow.",
        )
        # Counter: tries to fetch confidential content, by result.
        self.fetches = Tally(
            "aduan_routing_content_fetches",
            "Content fetched.",
            registry,
            {"result": FETCHES},
            act="away rising: intake does not answer routing, so coordinators cannot read "
            "confidential complaints.",
        )
        # Counter: records for units' own systems; refused: rounds in which a unit's topic took less
        # than all, which pauses that unit.
        self.unit_records = Tally(
            "aduan_routing_unit_records",
            "Records for connected units.",
            registry,
            {"result": UNIT_RECORDS},
            act="refused: a unit's topic is missing or closed to us; that unit waits, no other does.",
        )
        # Gauge: cases with a partner's change that a coordinator has to look at.
        self.conflicts = Level(
            "aduan_routing_mirror_conflicts",
            "Cases with a partner's change that does not fit.",
            registry,
            act="A coordinator looks at them on the desk, one by one.",
        )
