"""What every service's pipeline tells on `/metrics`: is anything stuck, and how far behind is it?

The numbers are those of `/<service>/ops/status`; whoever serves `/metrics` asks for a status first.
One object per process, whatever it runs; the service is a label.
"""

from collections.abc import Mapping
from typing import Any, Final

from prometheus_client import CollectorRegistry

from aduan.observability.metrics import Level

LETTERS: Final = ("poison", "bug", "held")
SERVICES: Final = ("intake", "routing", "sla", "sync-laporgub", "notify")


class PipelineMetrics:
    """Levels of outbox, inbox, letters and lag, by service."""

    def __init__(self, registry: CollectorRegistry) -> None:
        by_service = {"service": SERVICES}
        # Level: events that are not yet marked as published.
        self.pending = Level(
            "aduan_pipeline_pending", "Events not yet published.", registry, by_service
        )
        # Level: events between the committed offset and the end of the log.
        self.lag = Level("aduan_pipeline_lag", "Events not yet consumed.", registry, by_service)
        # Level: events that wait in a document for one before them.
        self.held = Level(
            "aduan_pipeline_held", "Events that came too early.", registry, by_service
        )
        # Level: open dead letters. kind is poison, bug or held.
        self.letters = Level(
            "aduan_pipeline_dead_letters",
            "Open dead letters, by kind.",
            registry,
            {"service": SERVICES, "kind": LETTERS},
        )

    def tell(self, service: str, status: Mapping[str, Any]) -> None:
        """Take over one service's status, as `/<service>/ops/status` gives it."""
        self.pending.set(status["pending"], service=service)
        self.lag.set(status["lag"], service=service)
        self.held.set(status["held"], service=service)
        for kind in LETTERS:
            self.letters.set(status["dead_letters"].get(kind, 0), service=service, kind=kind)
