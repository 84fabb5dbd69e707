"""What this service adds to its own status: counts from declared indexes, no scan."""

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from aduan.contracts.topics import PARTITIONS
from aduan.contracts.values import counted
from aduan.storage.port import Store
from aduan_sync_laporgub.domain.case import DecisionKind
from aduan_sync_laporgub.domain.collection import CASES
from aduan_sync_laporgub.domain.systems import PARTNERS, SYSTEMS
from aduan_sync_laporgub.entrypoints.lateness import Lateness
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


async def tell_levels(
    store: Store, tenants: Sequence[str], lateness: Lateness, metrics: Metrics
) -> None:
    """Bring the gauges that the store knows up to date. Raises Busy."""
    metrics.parked.set(await parked_in(store, counted(tenants)))
    for system in SYSTEMS:
        metrics.due_late.set(await lateness.of(system), system=system)
