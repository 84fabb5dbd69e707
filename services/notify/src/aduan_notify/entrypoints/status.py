"""How many decisions there are, by kind: read from indexes alone, so a look stays cheap."""

from collections.abc import Mapping, Sequence
from typing import Any

from aduan.contracts.values import counted
from aduan.storage.port import Store
from aduan_notify.domain.case import CASES, DECIDED


async def facts_of(store: Store, tenants: Sequence[str]) -> Mapping[str, Any]:
    """Return notification_decisions by kind, possible_repeat and jobs, over all tenants.

    Test complaints and canaries are in none of them. Raises Busy.
    """
    decisions = dict.fromkeys(DECIDED, 0)
    repeats = 0
    for tenant in counted(tenants):
        for kind in DECIDED:
            decisions[kind] += await _sum(store, f"{kind}_n", tenant)
        repeats += await _sum(store, "repeats_n", tenant)
    return {
        "notification_decisions": decisions,
        "possible_repeat": repeats,
        "jobs": decisions["pending"],
    }


async def _sum(store: Store, index: str, tenant: str) -> int:
    """Add up a small number column: how many cases have one, two, three ... of it."""
    top = await store.find(CASES, index, equal=(tenant,), limit=1, descending=True)
    if not top.documents or top.documents[0].body is None:
        return 0
    most = CASES.columns(top.documents[0].body)[index]
    assert isinstance(most, int)
    total = 0
    for number in range(1, most + 1):
        total += number * await store.count(CASES, index, equal=(tenant, number))
    return total
