"""Every series that the statistics export, where they run: in their worker, or in sla's process.

Each worker counts the cases of its own partitions, so the figures are partial: Grafana sums them,
`sum by (...)` over the workers. Series of all label values exist, at zero. An hour is told for all
cases together only; days and weeks for every unit, kind of matter and district as well.

labels: tenant; dimension = all, opd, category or kecamatan; value = a code of the tenant's reference
data, or none, other, oversight (domain/statistics/labels.py); period = hour, day or week, in WIB;
bucket = current (so far) or previous (complete).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from aduan.observability.metrics import Level, Series, Tally
from aduan_sla.domain.statistics.buckets import BUCKETS, PERIODS, Bucket, Period, live
from aduan_sla.domain.statistics.figures import FINE, NOW, STAGES, Cell, Figure, Sums
from aduan_sla.domain.statistics.labels import DIMENSIONS, Dimension, Labels

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
OUTCOMES: Final = ("counted", "repeated", "other_tenant", "dead_letter")
STATES: Final = ("counted", "test", "unopened")
_PLACE: Final = ("tenant", "dimension", "value")
_BUCKET: Final = (*_PLACE, "period", "bucket")
_Place = tuple[str, Dimension, str]


@dataclass(frozen=True, slots=True)
class _Flow:
    figure: Figure
    words: str
    act: str


FLOWS: Final[Mapping[str, _Flow]] = {
    "aduan_statistics_inflow": _Flow(
        "inflow",
        "Complaints received in the bucket.",
        "A rise of one unit or district is a cause in the field: tell the unit.",
    ),
    "aduan_statistics_first_responses": _Flow(
        "responses",
        "Cases whose first response (at work, answered or promised) fell into the bucket.",
        "None while there is a backlog: nobody works on these cases.",
    ),
    "aduan_statistics_first_response_seconds": _Flow(
        "response_seconds",
        "Seconds from receipt to first response, summed over those cases.",
        "Divide by aduan_statistics_first_responses; over a day: call the unit.",
    ),
    "aduan_statistics_completions": _Flow(
        "completions",
        "Cases whose standing answer was given in the bucket.",
        "Fewer than the inflow for weeks: the backlog grows.",
    ),
    "aduan_statistics_completion_seconds": _Flow(
        "completion_seconds",
        "Seconds from receipt to the standing answer, summed over those cases.",
        "Divide by aduan_statistics_completions.",
    ),
}
BACKLOG: Final = "aduan_statistics_backlog"
COMPLIANCE: Final = "aduan_statistics_compliance"
DECIDED: Final[Mapping[tuple[str, str], Figure]] = {
    ("handle", "in_time"): "handle_in_time",
    ("handle", "late"): "handle_late",
    ("complete", "in_time"): "complete_in_time",
    ("complete", "late"): "complete_late",
}
_BACKLOG_WORDS: Final = (
    "Open cases now: waiting for an answer, answered and not closed, or owed by a promise."
)
_COMPLIANCE_WORDS: Final = (
    "Deadlines decided in the bucket: kept, or missed (at the due date, answered since or not)."
)


class StatisticsMetrics:
    """The closed list. One object per process.

    known: by tenant. figures: the sums at this moment, asked at each scrape; None: not known now, and
    then no figure is shown. now: domain time.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        known: Mapping[str, Labels] | None = None,
        figures: Callable[[], Sums | None] = dict,
        now: Callable[[], datetime] = lambda: EPOCH,
    ) -> None:
        # Gauges: the figures themselves, see FLOWS, BACKLOG and COMPLIANCE.
        registry.register(_Figures(known or {}, figures, now))
        self.from_library = _declared(known or {})
        # Counter: events that were read, by what became of them.
        self.events = Tally(
            "aduan_statistics_events",
            "Events read by the statistics, by what became of them.",
            registry,
            {"outcome": OUTCOMES},
            act="dead_letter: see aduan.statistics.dlq; the figures lack what those events said.",
        )
        # Gauge: cases that are held here. unopened: their complaint was not heard of.
        self.cases = Level(
            "aduan_statistics_cases",
            "Cases that the statistics hold; unopened ones are not counted.",
            registry,
            {"state": STATES},
            over="sum",
            act="unopened for long: intake has to tell again (aduan re-emit --service intake).",
        )
        # Gauge: events of the topics that the whole group has not read yet.
        self.lag = Level(
            "aduan_statistics_lag",
            "Events that the statistics have not read yet.",
            registry,
            act="Growing: the worker is stuck or away; its readiness says why.",
        )
        # Gauge: 1 while an event waits because it cannot be kept.
        self.blocked = Level(
            "aduan_statistics_blocked",
            "1 while the statistics stand still because an event cannot be kept.",
            registry,
            act="The worker's disk, or the broker; it goes on by itself once that is mended.",
        )
        # Gauge: how long the last rebuilding of the figures took.
        self.recovery_seconds = Level(
            "aduan_statistics_recovery_seconds",
            "Seconds that the last rebuilding of the figures took.",
            registry,
            act="No limit: it grows with the number of cases.",
        )
        self.blocked.set(0)
        self.tell_states({})

    def tell_states(self, states: Mapping[str, int]) -> None:
        """Tell how many cases are held, by state."""
        for state in STATES:
            self.cases.set(states.get(state, 0), state=state)


def _declared(known: Mapping[str, Labels]) -> tuple[Series, ...]:
    values = {value for one in known.values() for name in DIMENSIONS for value in one.values(name)}
    place: dict[str, tuple[str, ...]] = {
        "tenant": tuple(sorted(known)),
        "dimension": DIMENSIONS,
        "value": tuple(sorted(values)),
    }
    when: dict[str, tuple[str, ...]] = {"period": PERIODS, "bucket": BUCKETS}
    found = [
        Series(name, "gauge", flow.words, place | when, "sum", flow.act)
        for name, flow in FLOWS.items()
    ]
    decided: dict[str, tuple[str, ...]] = {
        "clock": tuple(dict.fromkeys(clock for clock, _ in DECIDED)),
        "outcome": tuple(dict.fromkeys(outcome for _, outcome in DECIDED)),
    }
    return (
        *found,
        Series(
            BACKLOG,
            "gauge",
            _BACKLOG_WORDS,
            place | {"stage": STAGES},
            "sum",
            "waiting grows: the unit takes on less than it gets.",
        ),
        Series(
            COMPLIANCE,
            "gauge",
            _COMPLIANCE_WORDS,
            place | when | decided,
            "sum",
            "Compare in_time with all: a unit below the agreed share needs the next meeting.",
        ),
    )


class _Figures(Collector):
    def __init__(
        self,
        known: Mapping[str, Labels],
        figures: Callable[[], Sums | None],
        now: Callable[[], datetime],
    ) -> None:
        self._known = known
        self._figures = figures
        self._now = now

    def describe(self) -> Iterable[GaugeMetricFamily]:
        return _families().values()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        sums, families = self._figures(), _families()
        if sums is not None:
            self._fill(families, sums, self._now())
        yield from families.values()

    def _fill(self, families: Mapping[str, GaugeMetricFamily], sums: Sums, now: datetime) -> None:
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


def _families() -> dict[str, GaugeMetricFamily]:
    found = {
        name: GaugeMetricFamily(name, flow.words, labels=_BUCKET) for name, flow in FLOWS.items()
    }
    found[BACKLOG] = GaugeMetricFamily(BACKLOG, _BACKLOG_WORDS, labels=(*_PLACE, "stage"))
    found[COMPLIANCE] = GaugeMetricFamily(
        COMPLIANCE, _COMPLIANCE_WORDS, labels=(*_BUCKET, "clock", "outcome")
    )
    return found


def _stocks(families: Mapping[str, GaugeMetricFamily], place: _Place, sums: Sums) -> None:
    for stage in STAGES:
        amount = sums.get(Cell(stage, *place, NOW, 0), 0)
        families[BACKLOG].add_metric((*place, stage), amount)


def _flows(
    families: Mapping[str, GaugeMetricFamily],
    place: _Place,
    when: tuple[Period, Bucket, int],
    sums: Sums,
) -> None:
    period, bucket, start = when
    where = (*place, period, bucket)
    for name, flow in FLOWS.items():
        families[name].add_metric(where, sums.get(Cell(flow.figure, *place, period, start), 0))
    for (clock, outcome), figure in DECIDED.items():
        amount = sums.get(Cell(figure, *place, period, start), 0)
        families[COMPLIANCE].add_metric((*where, clock, outcome), amount)
