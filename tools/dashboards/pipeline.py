"""Does every event arrive, and how late?"""

from typing import Final

from tools.dashboards.board import ANY_IS_BAD, Board, Row, lines, number
from tools.dashboards.choices import SERVICE

_STUCK: Final = Row(
    "Is anything stuck?",
    (
        number(
            "Dead letters open",
            'sum(max by (service, kind) (aduan_pipeline_dead_letters{kind=~"poison|bug", '
            'service=~"$service"}))',
            says="Events that could not be applied; their cases stand still. `aduan dlq list` shows "
            "them. Runbook DeadLettersOpen.",
            steps=ANY_IS_BAD,
        ),
        number(
            "Longest held event",
            'max(aduan_pipeline_held_age_seconds{service=~"$service"})',
            says="How long an event has waited for one before it. Seconds are normal. For an hour: "
            "its predecessor is in a letter or was never published. Runbook EventsHeldLong.",
            unit="s",
            steps=((None, "green"), (600, "orange"), (3600, "red")),
            decimals=None,
        ),
        number(
            "Oldest event not published",
            'max(aduan_pipeline_pending_age_seconds{service=~"$service"})',
            says="How long the oldest event waits in its document for the log. Above five minutes the "
            "log is away or refuses us. Runbook EventsNotPublished.",
            unit="s",
            steps=((None, "green"), (60, "orange"), (300, "red")),
            decimals=None,
        ),
        number(
            "Furthest behind",
            'max(aduan_pipeline_lag_seconds{service=~"$service"})',
            says="Age of the oldest record that a service has not worked off. Above ten minutes: "
            "runbook EventsNotConsumed.",
            unit="s",
            steps=((None, "green"), (120, "orange"), (600, "red")),
            decimals=None,
        ),
        number(
            "Producers down",
            'count(aduan_pipeline_producer_up{service=~"$service"} == 0) or vector(0)',
            says="Processes that cannot write to the log at present. Runbook ProducerDown.",
            steps=ANY_IS_BAD,
        ),
        number(
            "Consumers paused",
            'count(aduan_pipeline_consumer_paused{service=~"$service"} == 1) or vector(0)',
            says="Processes that take nothing from the log: their store is away, or too many letters "
            "are open. Runbook ConsumerPaused.",
            steps=ANY_IS_BAD,
        ),
    ),
)

_OVER_TIME: Final = Row(
    "Over time",
    (
        lines(
            "Waiting for the log (outbox), events",
            {"{{service}}": 'max by (service) (aduan_pipeline_pending{service=~"$service"})'},
            says="Events written and not yet published. A peak that falls again is a burst. A line "
            "that only grows: the log is away; intake refuses new complaints once its outbox is full.",
        ),
        lines(
            "Waiting for the log, age",
            {
                "{{service}}": "max by (service) "
                '(aduan_pipeline_pending_age_seconds{service=~"$service"})'
            },
            says="Age of the oldest event not yet published. Seconds are normal.",
            unit="s",
        ),
        lines(
            "Lag, events",
            {"{{service}}": 'max by (service) (aduan_pipeline_lag{service=~"$service"})'},
            says="Records between what a service has committed and the end of the log, over all its "
            "members. Growing for long: more replicas, or a slow store; board Services.",
        ),
        lines(
            "Lag, age",
            {"{{service}}": 'max by (service) (aduan_pipeline_lag_seconds{service=~"$service"})'},
            says="Age of the oldest record that a service has not worked off. This is what a citizen "
            "notices.",
            unit="s",
        ),
        lines(
            "Events per second",
            {
                "{{service}} tells": "sum by (service) "
                '(rate(aduan_pipeline_published_total{service=~"$service"}[$__rate_interval]))',
                "{{service}} hears": "sum by (service) "
                '(rate(aduan_pipeline_applied_total{service=~"$service"}[$__rate_interval]))',
            },
            says="What goes into the log, and what is worked off. Nothing heard while others tell: "
            "see consumers paused.",
            unit="cps",
        ),
        lines(
            "Held events",
            {"{{service}}": 'max by (service) (aduan_pipeline_held{service=~"$service"})'},
            says="Events that wait in a case for one before them. Short rises come with repeats and "
            "rebalances.",
        ),
        lines(
            "Failed attempts to publish, per minute",
            {
                "{{service}}": "sum by (service) "
                '(rate(aduan_pipeline_relay_failures_total{service=~"$service"}[$__rate_interval])) '
                "* 60"
            },
            says="Writes to the log that were not acknowledged; the events come again from their "
            "documents. Now and then is a broker's restart. For long: runbook PublishingFails.",
        ),
        lines(
            "Open letters",
            {
                "{{kind}}": "sum by (kind) (max by (service, kind) "
                '(aduan_pipeline_dead_letters{service=~"$service"}))'
            },
            says="poison: cannot work with this version; bug: an unexpected error; held: waits for "
            "its predecessor and goes on by itself. `aduan dlq list` says where, `aduan dlq show ID` "
            "why.",
        ),
    ),
)

PIPELINE: Final = Board(
    slug="pipeline",
    title="Pipeline",
    question="Does every event arrive, and how late?",
    since="6h",
    rows=(_STUCK, _OVER_TIME),
    variables=(SERVICE,),
)
