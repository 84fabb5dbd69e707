"""The closed list of notify's own series."""

from collections.abc import Sequence
from typing import Final

from prometheus_client import CollectorRegistry

from aduan.observability.metrics import Level, Tally, Timing
from aduan_notify.domain.ledger import REASONS

AWAY: Final = ("mail", "contacts")


class Metrics:
    """Every series notify exports beside those that all services have."""

    def __init__(self, registry: CollectorRegistry, tenants: Sequence[str] = ()) -> None:
        """tenants: those whose cases count."""
        # Counter: letters decided by a worker, or put back. reason is one of domain.ledger.REASONS.
        self.deliveries = Tally(
            "aduan_notify_deliveries",
            "Letters delivered, failed, skipped or put back, by reason.",
            registry,
            {"reason": sorted({reason for reasons in REASONS.values() for reason in reasons})},
            act="refused, gave_up, bad_address: people are not told; the outbox shows whom. "
            "deferred: the provider asks us to wait.",
        )
        # Counter: tries made although an earlier one may have reached the provider.
        self.possible_repeats = Tally(
            "aduan_notify_possible_repeats",
            "Letters handed over again after an unknown outcome.",
            registry,
            act="Somebody may have got a letter twice: processes die, or the provider does not answer.",
        )
        # Counter: how often something that letters depend on could not be reached.
        self.away = Tally(
            "aduan_notify_away",
            "Times that the mail provider or intake's contacts did not answer.",
            registry,
            {"what": AWAY},
            act="mail: the provider is away, letters wait and go out later. contacts: intake is.",
        )
        # Gauge: letters that the last look found due.
        self.due = Level(
            "aduan_notify_due",
            "Cases with a letter due at the last look.",
            registry,
            over="sum",
            act="Rising: the provider is slower than letters come.",
        )
        # Gauge: letters that are not decided yet, as the ledger has them.
        self.pending = Level(
            "aduan_notify_pending",
            "Cases with letters that are neither delivered nor given up.",
            registry,
            {"tenant": tuple(tenants)},
            act="Over half an hour above zero: people wait for word; see aduan_notify_away_total.",
        )
        # Histogram: real seconds from handing a letter over to the provider's answer.
        self.provider = Timing(
            "aduan_notify_provider_seconds",
            "Time until the mail provider answered.",
            registry,
            (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
            act="Ask the provider; more letters at once (ADUAN_NOTIFY_CONCURRENCY) help.",
        )
