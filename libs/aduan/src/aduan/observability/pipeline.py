"""What every service's pipeline tells on `/metrics`: is anything stuck, and how far behind is it?

Declarations alone; `aduan.levels` brings them up to date before a scrape. One object per process,
whatever it runs; the service is a label.
"""

from collections.abc import Sequence
from typing import Final

from prometheus_client import CollectorRegistry

from aduan.observability.metrics import Level, Tally

LETTERS: Final = ("poison", "bug", "held")
SERVICES: Final = ("intake", "routing", "sla", "sync-laporgub", "notify")


class PipelineMetrics:
    """Levels of outbox, inbox, letters and lag, and the state of relay and consumer, by service."""

    def __init__(self, registry: CollectorRegistry, services: Sequence[str] = SERVICES) -> None:
        """services: those that this process runs."""
        by_service = {"service": tuple(services)}
        # Level: events that are not yet marked as published.
        self.pending = Level(
            "aduan_pipeline_pending",
            "Events not yet published.",
            registry,
            by_service,
            act="The log does not take them: see aduan_pipeline_producer_up, then the brokers. "
            "Nothing is lost; intake answers 503 once ADUAN_INTAKE_MAX_PENDING is reached.",
        )
        self.pending_age = Level(
            "aduan_pipeline_pending_age_seconds",
            "Real seconds since the oldest unpublished event was written; 0 when there is none.",
            registry,
            by_service,
            act="As for aduan_pipeline_pending; over a minute with a healthy log, read the log lines "
            "of the part relay.",
        )
        # Level: events between the committed offset and the end of the log, of the whole group.
        self.lag = Level(
            "aduan_pipeline_lag",
            "Events that the service's group has not consumed yet.",
            registry,
            by_service,
            act="Rising: add replicas (up to the number of partitions) or find what makes them slow "
            "(aduan_store_seconds). Standing still: see aduan_pipeline_consumer_paused.",
        )
        self.lag_seconds = Level(
            "aduan_pipeline_lag_seconds",
            "How old, in seconds, what this replica works on may be: since when it has not known "
            "itself caught up, or the age of the event in its hands if that is more.",
            registry,
            by_service,
            act="Citizens see answers this much late. Below a second is usual; see aduan_pipeline_lag.",
        )
        # Level: events that wait in a document for one before them.
        self.held = Level(
            "aduan_pipeline_held",
            "Events that wait in a case for one before them.",
            registry,
            by_service,
            act="Short rises are usual. Lasting: an event before them is a dead letter, or its "
            "producer does not publish; `aduan case` says which.",
        )
        self.held_age = Level(
            "aduan_pipeline_held_age_seconds",
            "Real seconds for which the longest waiting case has held an event; 0 when none waits.",
            registry,
            by_service,
            act="As for aduan_pipeline_held.",
        )
        # Level: open dead letters. kind is poison, bug or held.
        self.letters = Level(
            "aduan_pipeline_dead_letters",
            "Open dead letters, by kind.",
            registry,
            {**by_service, "kind": LETTERS},
            act="Each stops one case: `aduan dlq` lists them, replay after the cause is mended. "
            "held is no failure: it waits for room.",
        )
        self.letter_age = Level(
            "aduan_pipeline_dead_letter_age_seconds",
            "Real seconds since the oldest open dead letter was written; 0 when there is none.",
            registry,
            by_service,
            act="A case has stood still for so long: replay or skip its letter.",
        )
        self.producer_up = Level(
            "aduan_pipeline_producer_up",
            "1 while the log acknowledges what is published, 0 since a publication failed.",
            registry,
            by_service,
            over="min",
            act="0 is the alarm: brokers away, or a right is missing (log line bus.refused).",
        )
        self.paused = Level(
            "aduan_pipeline_consumer_paused",
            "1 while the consumer takes nothing: not joined, too many letters, or the store away.",
            registry,
            by_service,
            act="Its readiness says which of the three: the cap of letters, the store, the group.",
        )
        self.ready = Level(
            "aduan_pipeline_ready",
            "1 while this replica can do its work, as its readiness says; 0 while it cannot.",
            registry,
            by_service,
            over="min",
            act="`/<service>/health/ready` of that replica names what is wrong.",
        )
        self.relay_failures = Tally(
            "aduan_pipeline_relay_failures",
            "Rounds in which the relay could not publish or mark.",
            registry,
            by_service,
            act="Store or log was away; what it had in hand stays pending and goes out later.",
        )
        self.published = Tally(
            "aduan_pipeline_published",
            "Events that the log acknowledged, repeats included.",
            registry,
            by_service,
            act="No limit: it is the rate of events out.",
        )
        self.applied = Tally(
            "aduan_pipeline_applied",
            "Events that were worked off: applied, kept for their turn, or lettered.",
            registry,
            by_service,
            act="No limit: it is the rate of events in.",
        )
        self.busy = Tally(
            "aduan_pipeline_busy",
            "Times that store or log made the consumer wait and try again.",
            registry,
            by_service,
            act="Store or log is away or contended: see aduan_store_busy_total and the brokers.",
        )
