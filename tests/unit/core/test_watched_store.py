"""A watched store does what the store does, and every operation leaves its time."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from aduan.clock import ManualClock
from aduan.engine import open_store
from aduan.errors import Busy
from aduan.observability.process import StoreMetrics
from aduan.storage.port import Change, Collection, Document, Index, Store
from aduan.storage.watched import watched

CASES = Collection(
    name="cases",
    indexes=(Index("state", ("tenant", "state")),),
    columns=lambda body: {"state": body["state"]},
)


@pytest.fixture
def registry() -> CollectorRegistry:
    """An empty registry."""
    return CollectorRegistry()


@pytest.fixture
async def store(tmp_path: Path, registry: CollectorRegistry) -> AsyncIterator[Store]:
    """A watched store as a host opens it."""
    metrics = StoreMetrics(registry, ("sla",))
    clock = ManualClock(datetime(2026, 12, 1, tzinfo=UTC))
    async with open_store(
        f"sqlite:///{tmp_path}/s.db", (CASES,), clock,
        watched=lambda store: watched(store, "sla", metrics),
    ) as opened:  # fmt: skip
        yield opened


def a_case(_: Document | None, __: datetime) -> Change:
    """A decision."""
    return Change("33.74", {"state": "triage"}, {})


async def test_each_operation_is_counted_under_its_name(
    store: Store, registry: CollectorRegistry
) -> None:
    """Two kinds of reading by id are one to an operator; what was asked is answered."""
    await store.update(CASES, "a", a_case)
    assert await store.get(CASES, "a") == await store.get_by_key(CASES, "id:a")
    assert 1 == await store.count(CASES, "state", equal=("33.74", "triage"))
    found = await store.find(CASES, "state", equal=("33.74",))

    def counted(operation: str) -> float | None:
        labels = {"service": "sla", "operation": operation}
        return registry.get_sample_value("aduan_store_seconds_count", labels)

    assert ["a"] == [document.id for document in found.documents]
    assert [1, 2, 1, 1, 0] == [
        counted(name) for name in ("update", "get", "count", "find", "remove")
    ]


async def test_a_refusal_is_timed_counted_and_passed_on(
    store: Store, registry: CollectorRegistry
) -> None:
    """Busy is for the caller to wait on; a bug of a decision is nobody's Busy."""

    def busy(_: Document | None, __: datetime) -> Change:
        raise Busy("away")

    def bug(_: Document | None, __: datetime) -> Change:
        raise ValueError("a bug")

    with pytest.raises(Busy):
        await store.update(CASES, "a", busy)
    with pytest.raises(ValueError, match="a bug"):
        await store.update(CASES, "a", bug)

    assert 1 == registry.get_sample_value("aduan_store_busy_total", {"service": "sla"})
    labels = {"service": "sla", "operation": "update"}
    assert 2 == registry.get_sample_value("aduan_store_seconds_count", labels)
