"""What intake's commands need, in its own words."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from aduan.cases import Cases
from aduan.clock import Clock
from aduan.storage.port import Store
from aduan_intake.adapters.reference import Tenant
from aduan_intake.metrics import Metrics
from aduan_intake.portals import Portals
from aduan_intake.vault import Vault


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything that a command of intake works with; built once in bootstrap.

    decoding: how many pictures are decoded at a time; each takes up to 160 MB of memory.
    """

    cases: Cases
    store: Store
    clock: Clock
    vault: Vault
    tenants: Mapping[str, Tenant]
    portals: Portals
    metrics: Metrics
    decoding: asyncio.Semaphore
