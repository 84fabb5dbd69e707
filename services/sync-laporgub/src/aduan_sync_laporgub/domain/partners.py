"""Which partners are connected, and which one a tenant's own cases are mirrored to."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from aduan_sync_laporgub.domain.systems import MirrorSystem
from aduan_sync_laporgub.domain.words import Words


@dataclass(frozen=True, slots=True)
class Partners:
    """words: of the connected partners only. targets: tenant -> where its cases are mirrored."""

    words: Mapping[MirrorSystem, Words] = field(default_factory=dict)
    targets: Mapping[str, MirrorSystem] = field(default_factory=dict)

    def at(self, tenant: str, system: MirrorSystem | None) -> Words | None:
        """Return the vocabulary of a partner if it is connected and knows this tenant."""
        words = self.words.get(system) if system is not None else None
        return words if words is not None and tenant in words.tenants else None

    def target(self, tenant: str) -> MirrorSystem | None:
        """Return the connected partner for a tenant's own cases, by its jurisdiction data."""
        system = self.targets.get(tenant)
        return system if self.at(tenant, system) is not None else None
