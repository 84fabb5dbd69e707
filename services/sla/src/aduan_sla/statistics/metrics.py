"""Every series that the statistics export, where they run: in their worker, or in sla's process.

Each worker counts the cases of its own partitions, so the figures are partial: Grafana sums them,
`sum by (...)` over the workers. Series of all label values exist, at zero. An hour is told for all
cases together only; days and weeks for every unit, kind of matter and district as well.

labels: tenant; dimension = all, opd, category or kecamatan; value = a code of the tenant's reference
data, or none, other, oversight (domain/statistics/labels.py); period = hour, day or week, in WIB;
bucket = current (so far) or previous (complete).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from aduan.observability.metrics import Level, Tally
from aduan_sla.domain.statistics.buckets import Bucket, Period, live
from aduan_sla.domain.statistics.figures import FINE, NOW, STAGES, Cell, Figure, Sums
from aduan_sla.domain.statistics.labels import DIMENSIONS, Dimension, Labels

OUTCOMES: Final = ("counted", "repeated", "other_tenant", "dead_letter")
STATES: Final = ("counted", "test", "unopened")
_PLACE: Final = ("tenant", "dimension", "value")
_BUCKET: Final = (*_PLACE, "period", "bucket")
_Place = tuple[str, Dimension, str]

# Gauge name -> (figure, help).
FLOWS: Final[Mapping[str, tuple[Figure, str]]] = {
    "aduan_statistics_inflow": ("inflow", "Complaints received in the bucket."),
    "aduan_statistics_first_responses": (
        "responses",
        "Cases whose first response (at work, answered, or promised) fell into the bucket.",
    ),
    "aduan_statistics_first_response_seconds": (
        "response_seconds",
        "Seconds from receipt to first response, summed over those cases.",
    ),
    "aduan_statistics_completions": (
        "completions",
        "Cases whose standing answer was given in the bucket.",
    ),
    "aduan_statistics_completion_seconds": (
        "completion_seconds",
        "Seconds from receipt to the standing answer, summed over those cases.",
    ),
}
# (clock, outcome) -> figure, of aduan_statistics_compliance.
COMPLIANCE: Final[Mapping[tuple[str, str], Figure]] = {
    ("handle", "in_time"): "handle_in_time",
    ("handle", "late"): "handle_late",
    ("complete", "in_time"): "complete_in_time",
    ("complete", "late"): "complete_late",
}


class StatisticsMetrics:
    """The closed list. One object per process.

    known: by tenant. figures: the sums at this moment, asked at each scrape. now: domain time.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        known: Mapping[str, Labels],
        figures: Callable[[], Sums],
        now: Callable[[], datetime],
    ) -> None:
        # Gauges: see FLOWS and COMPLIANCE; partial, sum by.
        registry.register(_Figures(known, figures, now))
        # Counter: events that were read, by what became of them; partial, sum by.
        self.events = Tally(
            "aduan_statistics_events", "Events read.", registry, {"outcome": OUTCOMES}
        )
        # Gauge: cases that are held here; unopened: their complaint was not heard of. Sum by.
        self.cases = Level("aduan_statistics_cases", "Cases held.", registry, {"state": STATES})
        # Gauge: events of the topics that are not read yet, of the whole group. Max by.
        self.lag = Level("aduan_statistics_lag", "Events not yet read.", registry)
        # Gauge: 1 while an event waits because it cannot be kept. Above zero is an alert. Max by.
        self.blocked = Level("aduan_statistics_blocked", "An event cannot be kept.", registry)
        # Gauge: seconds that the last rebuilding of the figures took. Max by.
        self.recovery_seconds = Level(
            "aduan_statistics_recovery_seconds", "Duration of the last rebuilding.", registry
        )
        self.lag.set(0)
        self.blocked.set(0)
        self.recovery_seconds.set(0)
        for state in STATES:
            self.cases.set(0, state=state)


class _Figures(Collector):
    def __init__(
        self,
        known: Mapping[str, Labels],
        figures: Callable[[], Sums],
        now: Callable[[], datetime],
    ) -> None:
        self._known = known
        self._figures = figures
        self._now = now

    def describe(self) -> Iterable[GaugeMetricFamily]:
        return _families().values()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        sums, now = self._figures(), self._now()
        families = _families()
        for tenant, labels in self._known.items():
            for dimension in DIMENSIONS:
                places: list[_Place] = [
                    (tenant, dimension, value) for value in labels.values(dimension)
                ]
                for place in places:
                    _stocks(families, place, sums)
                for period in FINE[dimension]:
                    for bucket, start in live(now, period).items():
                        for place in places:
                            _flows(families, place, (period, bucket, start), sums)
        yield from families.values()


def _families() -> dict[str, GaugeMetricFamily]:
    found = {
        name: GaugeMetricFamily(name, words, labels=_BUCKET) for name, (_, words) in FLOWS.items()
    }
    found["aduan_statistics_backlog"] = GaugeMetricFamily(
        "aduan_statistics_backlog",
        "Open cases now: waiting for an answer, answered and not closed, or owed by a promise.",
        labels=(*_PLACE, "stage"),
    )
    found["aduan_statistics_compliance"] = GaugeMetricFamily(
        "aduan_statistics_compliance",
        "Deadlines decided in the bucket: kept, or missed (at the due date, answered since or not).",
        labels=(*_BUCKET, "clock", "outcome"),
    )
    return found


def _stocks(families: Mapping[str, GaugeMetricFamily], place: _Place, sums: Sums) -> None:
    for stage in STAGES:
        amount = sums.get(Cell(stage, *place, NOW, 0), 0)
        families["aduan_statistics_backlog"].add_metric((*place, stage), amount)


def _flows(
    families: Mapping[str, GaugeMetricFamily],
    place: _Place,
    when: tuple[Period, Bucket, int],
    sums: Sums,
) -> None:
    period, bucket, start = when
    where = (*place, period, bucket)
    for name, (figure, _) in FLOWS.items():
        families[name].add_metric(where, sums.get(Cell(figure, *place, period, start), 0))
    for (clock, outcome), figure in COMPLIANCE.items():
        amount = sums.get(Cell(figure, *place, period, start), 0)
        families["aduan_statistics_compliance"].add_metric((*where, clock, outcome), amount)
