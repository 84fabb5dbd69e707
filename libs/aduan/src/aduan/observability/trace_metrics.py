"""What becomes of the spans of a process."""

from typing import Final

from prometheus_client import CollectorRegistry

from aduan.observability.metrics import Tally

OUTCOMES: Final = ("exported", "failed", "dropped")


class TraceMetrics:
    """One object per process, whatever it runs. All series stand at zero where nothing exports."""

    def __init__(self, registry: CollectorRegistry) -> None:
        # exported: the collector has it; failed: it was not reached, or refused; dropped: too many
        # waited for it.
        self.spans = Tally(
            "aduan_trace_spans",
            "Spans, by what became of them.",
            registry,
            {"outcome": OUTCOMES},
            act="failed, dropped: the collector does not answer or is too slow; complaints do not "
            "wait for it. See operations.md, traces.",
        )
