"""The one switch of traces in a process: how many begin recorded, and where spans go."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aduan.observability import trace
from aduan.observability.trace_metrics import TraceMetrics


@asynccontextmanager
async def tracing(
    *, ratio: float, endpoint: str | None, metrics: TraceMetrics
) -> AsyncIterator[None]:
    """Record and export traces of this process until the block is left. For its host, once.

    ratio: the share of new traces that is recorded. endpoint: the collector's base address for
    OTLP/HTTP; without one nothing is exported, and the decision still travels with the trace.
    """
    trace.sample(ratio)
    try:
        if endpoint is None:
            yield
            return
        # The SDK is heavy; a process that exports nothing never loads it.
        from aduan.observability.otlp import exporting

        async with exporting(endpoint, metrics):
            yield
    finally:
        trace.sample(0.0)
