"""What this service adds to its own status: counts from declared indexes, no scan."""

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from aduan.clock import Clock, iso, parse_iso
from aduan.contracts.topics import PARTITIONS
from aduan.contracts.values import counted
from aduan.storage.port import Store
from aduan_sync_laporgub.domain.case import DecisionKind
from aduan_sync_laporgub.domain.collection import CASES, due_at
from aduan_sync_laporgub.domain.systems import PARTNERS, SYSTEMS, MirrorSystem
from aduan_sync_laporgub.metrics import Metrics
from aduan_sync_laporgub.shelves import PARKED


async def facts_of(store: Store, tenants: Sequence[str]) -> Mapping[str, Any]:
    """Return mirror_decisions by kind, jobs (cases owing one), parked. Raises Busy.

    Trials and canaries are in none of them.
    """
    tenants = counted(tenants)
    kinds = get_args(DecisionKind)
    decisions = {
        kind: sum([await store.count(CASES, "decision", equal=(t, kind)) for t in tenants])
        for kind in kinds
    }
    jobs = sum(
        [
            await store.count(CASES, f"jobs_{system}", equal=(partition,))
            for system in PARTNERS
            for partition in range(PARTITIONS)
        ]
    )
    parked = await parked_in(store, tenants)
    return {"mirror_decisions": decisions, "jobs": jobs, "parked": parked}


async def parked_in(store: Store, tenants: Sequence[str]) -> int:
    """Count the inbound items that wait for a person. Raises Busy."""
    return sum([await store.count(PARKED, "parked", equal=(tenant,)) for tenant in tenants])


async def tell_levels(store: Store, tenants: Sequence[str], clock: Clock, metrics: Metrics) -> None:
    """Bring the gauges that the store knows up to date. Raises Busy."""
    metrics.parked.set(await parked_in(store, counted(tenants)))
    for system in SYSTEMS:
        metrics.due_late.set(await _late(store, system, clock), system=system)


async def _late(store: Store, system: MirrorSystem, clock: Clock) -> float:
    """Return by how many seconds the oldest call that is due to a partner is late, 0 for none."""
    now = clock.wall()
    index, high = f"due_{system}", iso(now)
    oldest = now
    for partition in await store.partitions_due(CASES, index, range(PARTITIONS), high=high):
        first = await store.find(CASES, index, equal=(partition,), high=high, limit=1)
        for document in first.documents:
            if document.body is not None and (due := due_at(document.body, system)) is not None:
                oldest = min(oldest, parse_iso(due))
    return (now - oldest).total_seconds()
