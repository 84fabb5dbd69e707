"""What routing adds to its own status: counts from declared indexes, no scan."""

from collections.abc import Mapping, Sequence
from typing import Any

from aduan.contracts.values import counted
from aduan.storage.port import Store
from aduan_routing.domain.case import CASES
from aduan_routing.domain.lifecycle import ALL
from aduan_routing.metrics import Metrics


async def facts_of(store: Store, tenants: Sequence[str], metrics: Metrics) -> Mapping[str, Any]:
    """Return cases, states (now), ever (cases that were once in it), conflicts. Raises Busy.

    Test complaints and canaries are in none of them.
    """
    tenants = counted(tenants)

    async def count(index: str, *rest: str | int) -> int:
        return sum([await store.count(CASES, index, equal=(code, *rest)) for code in tenants])

    states = {state: await count("state", state) for state in ALL}
    ever = {state: await count(f"ever_{state}", 1) for state in ALL}
    return {
        "cases": await count("due"),
        "states": {state: number for state, number in states.items() if number},
        "ever": {state: number for state, number in ever.items() if number},
        "conflicts": await tell_conflicts(store, tenants, metrics),
    }


async def tell_conflicts(store: Store, tenants: Sequence[str], metrics: Metrics) -> int:
    """Bring the gauge of open conflicts up to date, and return how many there are. Raises Busy.

    Those of canaries are not counted.
    """
    counts = [await store.count(CASES, "conflict", equal=(code, 1)) for code in counted(tenants)]
    metrics.conflicts.set(sum(counts))
    return sum(counts)
