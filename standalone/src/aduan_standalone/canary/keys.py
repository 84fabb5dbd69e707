"""The two keys of the canary: it posts as a portal and reads as nobody in particular.

They are of the reserved tenant, so neither shows anything of a city's cases. A deployer gives the
texts to the canary and the records, which hold hashes, to the services as their static keys.
"""

from dataclasses import dataclass
from typing import Final

from aduan.contracts.values import CANARY_TENANT
from aduan.web.keys import KeyRecord, Scope, make_key

PORTAL: Final = "canary"
READS: Final[tuple[Scope, ...]] = ("cases:read", "clocks:read", "mirrors:read", "deliveries:read")


@dataclass(frozen=True, slots=True)
class CanaryKeys:
    """The texts, and which service must know which record."""

    portal: str
    reader: str
    records: dict[str, tuple[KeyRecord, ...]]


def new_keys() -> CanaryKeys:
    """Return a new pair. Each service gets only what it is asked with."""
    portal, portal_record = make_key(
        tenant=CANARY_TENANT, scopes=("complaints:write",), portal=PORTAL
    )
    reader, reader_record = make_key(tenant=CANARY_TENANT, scopes=READS)
    asked = ("routing", "sla", "sync-laporgub", "notify")
    return CanaryKeys(
        portal=portal,
        reader=reader,
        records={"intake": (portal_record,), **dict.fromkeys(asked, (reader_record,))},
    )
