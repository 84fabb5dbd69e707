"""Every series of every process of Aduan, as its classes declare it.

What is written about metrics follows from here: docs/metrics.md, and the checks of dashboards and
alerts. Nothing runs and nothing is opened.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from prometheus_client import CollectorRegistry

import aduan_intake.metrics
import aduan_notify.metrics
import aduan_routing.metrics
import aduan_sla.metrics
import aduan_standalone.canary.metrics
import aduan_sync_laporgub.metrics
from aduan.observability.metrics import Series, declared
from aduan.observability.pipeline import SERVICES, PipelineMetrics
from aduan.observability.process import HOSTS, ProcessMetrics, StoreMetrics
from aduan.observability.trace_metrics import TraceMetrics
from aduan.web.edge import HttpMetrics
from aduan_sla.statistics.metrics import StatisticsMetrics

# Values that an installation's reference data, its release or its code give; closed all the same.
DATA: Final[Mapping[str, str]] = {
    "tenant": "Kemendagri codes of the installation's governments",
    "opd": "codes of the tenant's offices (offices.csv), else `other`",
    "route": "templates of the service's paths, else `unmatched`",
    "value": "codes of the dimension in the tenant's reference data, else `none`, `other`, `oversight`",
    "version": "of Aduan, or of Python in `python_info`",
    "python": "of the interpreter",
    "implementation": "of Python",
    "major": "of Python",
    "minor": "of Python",
    "patchlevel": "of Python",
}


WITH_SERVICES: Final = (*SERVICES, "standalone")
STATISTICS: Final = ("statistics", "standalone")
CANARY: Final = ("canary", "standalone with --canary")


@dataclass(frozen=True, slots=True)
class Part:
    """Some series that belong together. processes: whose `/metrics` has them."""

    title: str
    processes: tuple[str, ...]
    series: tuple[Series, ...]


def parts() -> tuple[Part, ...]:
    """Return every series once, by where it is declared."""
    own: tuple[tuple[str, Callable[[CollectorRegistry], object]], ...] = (
        ("intake", aduan_intake.metrics.Metrics),
        ("routing", aduan_routing.metrics.Metrics),
        ("sla", aduan_sla.metrics.Metrics),
        ("sync-laporgub", aduan_sync_laporgub.metrics.Metrics),
        ("notify", aduan_notify.metrics.Metrics),
    )
    return (
        _part("Requests", HOSTS, HttpMetrics),
        _part("Pipeline", WITH_SERVICES, PipelineMetrics),
        _part("Store", WITH_SERVICES, StoreMetrics),
        Part(
            "Process",
            HOSTS,
            _plain(declared(ProcessMetrics(CollectorRegistry(), HOSTS[0], SERVICES, version="0"))),
        ),
        _part("Traces", WITH_SERVICES, TraceMetrics),
        *(_part(name, (name, "standalone"), kind) for name, kind in own),
        _part("statistics", STATISTICS, StatisticsMetrics),
        _part("canary", CANARY, aduan_standalone.canary.metrics.Metrics),
    )


def every_series() -> tuple[Series, ...]:
    """Return every series of every process, each once, by name."""
    found = (one for part in parts() for one in part.series)
    return tuple(sorted(found, key=lambda one: one.name))


def series_of(process: str) -> tuple[Series, ...]:
    """Return what one process exports. process: as in HOSTS."""
    found = (one for part in parts() if process in part.processes for one in part.series)
    return tuple(sorted(found, key=lambda one: one.name))


def _part(
    title: str, processes: Sequence[str], kind: Callable[[CollectorRegistry], object]
) -> Part:
    return Part(title, tuple(processes), _plain(declared(kind(CollectorRegistry()))))


def _plain(series: Sequence[Series]) -> tuple[Series, ...]:
    """Leave the values out that differ between installations, and name every service."""
    return tuple(replace(one, labels=_labels(one.labels)) for one in series)


def _labels(labels: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    found = {name: () if name in DATA else values for name, values in labels.items()}
    return found | ({"service": HOSTS} if labels.get("service") == HOSTS[:1] else {})
