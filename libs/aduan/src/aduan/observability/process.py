"""What a process tells of itself: build, event loop, store, memory, and whether its levels are old.

Built by the host of one service or of all of them, never by a service.
"""

import asyncio
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

from aduan.observability.metrics import Kind, Level, Series, Tally, Timing
from aduan.observability.pipeline import SERVICES, PipelineMetrics
from aduan.observability.trace_metrics import TraceMetrics

HOSTS: Final = (*SERVICES, "standalone", "statistics", "canary")
SOURCES: Final = ("store", "log", "own")
LOOK_SECONDS: Final = 0.5

# An operation as an operator knows it -> the methods of the port that it stands for.
OPERATIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "update": ("update",),
    "mark_published": ("mark_published",),
    "get": ("get", "get_by_key"),
    "find": ("find", "partitions_due", "unpublished", "held", "ids"),
    "count": ("count", "total", "held_count", "pending_count"),
    "events": ("events",),
    "remove": ("expire", "delete"),
}
_LOOP_BUCKETS: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
_STORE_BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5, 10.0)


def _series(name: str, words: str, act: str, **labels: tuple[str, ...]) -> Series:
    kind: Kind = "counter" if name.endswith("_total") else "gauge"
    return Series(name, kind, words, labels, "sum" if kind == "counter" else "each", act)


_MEMORY: Final = "Compare with the container's limit; steady growth over days is a leak to report."
_GENERATIONS: Final = ("0", "1", "2")
FROM_LIBRARY: Final = (
    _series("process_cpu_seconds_total", "Processor seconds used.", "Near one core: add replicas."),
    _series("process_max_fds", "File descriptors that it may open.", "No limit: it is the limit."),
    _series(
        "process_open_fds",
        "File descriptors that are open.",
        "Near process_max_fds nothing new can be opened: raise the limit, look for a leak.",
    ),
    _series("process_resident_memory_bytes", "Memory in use.", _MEMORY),
    _series("process_virtual_memory_bytes", "Memory that it asked for.", "No limit of its own."),
    _series(
        "process_start_time_seconds",
        "When it started, Unix seconds.",
        "Young again and again: it is restarted; its last log lines say why.",
    ),
    _series(
        "python_gc_collections_total",
        "Searches for garbage, by generation.",
        "No limit: generation 2 costs the most.",
        generation=_GENERATIONS,
    ),
    _series(
        "python_gc_objects_collected_total",
        "Objects that such a search freed.",
        "No limit.",
        generation=_GENERATIONS,
    ),
    _series(
        "python_gc_objects_uncollectable_total",
        "Objects that such a search could not free.",
        "Above zero is a bug of a library: report it.",
        generation=_GENERATIONS,
    ),
    _series(
        "python_info",
        "1, with the interpreter in labels.",
        "No limit.",
        implementation=(),
        major=(),
        minor=(),
        patchlevel=(),
        version=(),
    ),
)


class StoreMetrics:
    """How long the store takes, as the one who asked sees it, and how often it was away."""

    def __init__(self, registry: CollectorRegistry, services: Sequence[str] = SERVICES) -> None:
        by_service = {"service": tuple(services)}
        self.seconds = Timing(
            "aduan_store_seconds",
            "Time of one operation of the store, waiting and decisions included.",
            registry,
            _STORE_BUCKETS,
            {**by_service, "operation": tuple(OPERATIONS)},
            act="update: the disk or the majority is slow to confirm. find, count: the database "
            "lacks memory for its indexes.",
        )
        self.busy = Tally(
            "aduan_store_busy",
            "Operations that the store refused: away, full, read-only or contended.",
            registry,
            by_service,
            act="Look at the database and its disk; requests are answered 503, consumers wait.",
        )


class ProcessMetrics:
    """The rest: what runs here, how the event loop fares, what the interpreter and the kernel say."""

    def __init__(
        self, registry: CollectorRegistry, host: str, services: Sequence[str], *, version: str
    ) -> None:
        """host: one of HOSTS. services: those that this process runs. version: of the release."""
        # When each series began is known to the database that scrapes; here it is a sixth of the
        # answer. The switch is the library's, and the process is ours.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        labels = {"version": version, "python": platform.python_version()}
        self.build = Level(
            "aduan_build_info",
            "1, with the release in labels.",
            registry,
            {"service": (host,), **{name: (value,) for name, value in labels.items()}},
            over="each",
            act="No limit: more than one version means a rolling update under way.",
        )
        self.build.set(1, service=host, **labels)
        self.loop_lag = Timing(
            "aduan_loop_lag_seconds",
            "How much later than asked the event loop came back to a task that slept.",
            registry,
            _LOOP_BUCKETS,
            {"service": (host,)},
            act="Over 50 ms often: the processor is short, or something blocks the loop.",
        )
        self.stale = Level(
            "aduan_metrics_stale",
            "1 while levels of this service could not be read anew: they show an earlier moment.",
            registry,
            {"service": tuple(services), "source": SOURCES},
            act="The source (store, log) does not answer; levels from it tell nothing now.",
        )
        self.from_library = FROM_LIBRARY
        self._late = self.loop_lag.child(service=host)
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)

    async def watch_loop(self, tell: Callable[[float], None] | None = None) -> None:
        """Measure the loop until cancelled. tell: instead of the series, for tests."""
        record = tell or self._late
        while True:
            began = time.perf_counter()
            await asyncio.sleep(LOOK_SECONDS)
            record(max(0.0, time.perf_counter() - began - LOOK_SECONDS))


class HostMetrics:
    """All that a process exports beside the metrics of its services."""

    def __init__(
        self,
        registry: CollectorRegistry,
        host: str,
        services: Sequence[str],
        *,
        version: str,
    ) -> None:
        """See ProcessMetrics."""
        self.pipeline = PipelineMetrics(registry, services)
        self.store = StoreMetrics(registry, services)
        self.process = ProcessMetrics(registry, host, services, version=version)
        self.traces = TraceMetrics(registry)
