"""What sla adds to its own status: counts from declared indexes, no scan."""

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from aduan.contracts.values import CANARY_TENANT, State, counted
from aduan.storage.port import Store
from aduan_sla.domain.case import CASES
from aduan_sla.domain.policy import RECEIVED


async def facts_of(store: Store, tenants: Sequence[str]) -> Mapping[str, Any]:
    """Return clock_sets (cases with clocks), warned, breached, unsure (cases), states. Raises Busy.

    warned, breached: cases in which it ever happened and, of breaches, was not corrected since.
    Canaries are in none of them.
    """
    tenants = counted(tenants)
    canaries = await store.count(CASES, "due", equal=(CANARY_TENANT,))
    found: dict[str, Any] = {"clock_sets": await store.total(CASES) - canaries}
    for name in ("warned", "breached", "unsure"):
        found[name] = sum([await store.count(CASES, name, equal=(t, 1)) for t in tenants])
    states: dict[str, int] = {}
    for state in (RECEIVED, *get_args(State)):
        number = sum([await store.count(CASES, "state_due", equal=(t, state)) for t in tenants])
        if number:
            states[state] = number
    return {**found, "states": states}
