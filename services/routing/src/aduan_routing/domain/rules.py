"""What the lifecycle needs of a tenant: its reference data, its classifier, its windows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from aduan.contracts.values import PartnerSystem
from aduan_routing.classify import Classifier, Reference
from aduan_routing.domain.units import NOBODY, Connected
from aduan_routing.domain.words import Vault

PARTNER_NAMES: Mapping[PartnerSystem, str] = {
    "laporgub": "LaporGub",
    "sp4n": "SP4N-LAPOR!",
}


@dataclass(frozen=True, slots=True)
class Windows:
    """How long a reporter may object to a closing, and from which rating on he is content.

    A lower rating counts as an objection. Source: the tenant's own choice, as data.
    """

    objection: timedelta
    content_from: int


@dataclass(frozen=True, slots=True)
class Rules:
    """One tenant's rules. vault: seals the words of its confidential cases.

    connected: gives the units with a system of their own, as known at this moment.
    """

    reference: Reference
    classifier: Classifier
    windows: Windows
    vault: Vault
    connected: Callable[[], Connected] = lambda: NOBODY

    def unit(self, code: str | None) -> str:
        """Return an office's name as a citizen knows it."""
        office = self.reference.offices.get(code or "")
        return office.name if office is not None else "perangkat daerah yang berwenang"

    def physical(self, category: str | None) -> bool:
        """Whether an answer about this category needs evidence."""
        found = self.reference.categories.get(category or "")
        return found is not None and found.physical


RuleBook = Mapping[str, Rules]
"""Rules by tenant."""
