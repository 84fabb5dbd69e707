"""Every series that sync-laporgub exports; a test compares this list with dashboards and alerts."""

from typing import Final

from prometheus_client import CollectorRegistry

from aduan.observability.metrics import Level, Tally
from aduan_sync_laporgub.breaker import Breaker
from aduan_sync_laporgub.domain.systems import SYSTEMS

KINDS: Final = ("submit", "push", "pull")
OUTCOMES: Final = ("done", "found", "down", "unsure", "refused", "held", "waiting")
NEWS: Final = ("status", "answer", "reroute_requested", "reopened")
INBOUND: Final = ("handed_in", "came_back", "parked")
BREAKER: Final = ("closed", "half_open", "open")


class Metrics:
    """The closed list. One object per process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        by_system = {"system": SYSTEMS}
        # Counter: calls for a stored job. found: it was there already; held: had become
        # confidential; waiting: for confidential content from intake.
        self.calls = Tally(
            "aduan_sync_calls",
            "Calls to a partner for a stored job.",
            registry,
            {**by_system, "kind": KINDS, "outcome": OUTCOMES},
            act="down, unsure: the partner does not answer; jobs stay and are tried again. refused: "
            "it rejects a report; the case shows why.",
        )
        # Counter: news taken over from a partner, by the kind of mirror.changed.
        self.news = Tally(
            "aduan_sync_news",
            "News from a partner.",
            registry,
            {**by_system, "kind": NEWS},
            act="None for days although cases are linked: the feed is stuck.",
        )
        # Counter: status words that the partner's file does not list. Any is an alert.
        self.unknown_words = Tally(
            "aduan_sync_unknown_words",
            "Unlisted status words.",
            registry,
            by_system,
            act="The partner uses a new status word: add it to the partner's file.",
        )
        # Counter: rows of the inbound list. parked ones wait for a human: any is an alert.
        self.inbound = Tally(
            "aduan_sync_inbound",
            "Reports that a partner sent.",
            registry,
            {**by_system, "outcome": INBOUND},
            act="parked: a report that the partner sent could not be handed in; a person looks.",
        )
        # Counter: tickets of one case beyond the first, found when looking before a submission.
        self.surplus_tickets = Tally(
            "aduan_sync_surplus_tickets",
            "Cases that a partner has twice.",
            registry,
            by_system,
            act="Ask the partner to join them; the first ticket is the one that is followed.",
        )
        # Gauge: 1 for the state that a partner's breaker is in.
        self.breaker = Level(
            "aduan_sync_breaker",
            "State of a partner's breaker.",
            registry,
            {**by_system, "state": BREAKER},
            act="Not closed (`min by` of closed is 0): it failed five times in a row. open: nobody "
            "calls it for 15 seconds; half_open: the next call is a try.",
        )
        # Gauge: how long the oldest job or look at a partner has been due.
        self.due_late = Level(
            "aduan_sync_due_late_seconds",
            "Real seconds by which the oldest due call to a partner is late; 0 when none is.",
            registry,
            by_system,
            act="The breaker is open, or the worker is stuck: cases are not mirrored meanwhile.",
        )
        # Gauge: inbound items that were set aside for a person.
        self.parked = Level(
            "aduan_sync_parked",
            "Reports of a partner that were set aside.",
            registry,
            act="Each is a citizen's report that nobody works on: hand it in by hand.",
        )

    def show_breaker(self, system: str, breaker: Breaker) -> None:
        """Tell the present state of a breaker."""
        now = breaker.state
        for state in BREAKER:
            self.breaker.set(float(state == now), system=system, state=state)
