"""Where a case may have a twin: the partners of the contract, and the built-in echo of the canary."""

from typing import Final, Literal

from aduan.contracts.values import PartnerSystem

MirrorSystem = PartnerSystem | Literal["echo"]
ECHO: Final = "echo"
"""Nobody outside: it answers from memory that it has none of. The contract does not know its name,
so an event about a twin there names no system."""
PARTNERS: Final[tuple[PartnerSystem, ...]] = ("laporgub", "sp4n")
SYSTEMS: Final[tuple[MirrorSystem, ...]] = (*PARTNERS, ECHO)


def told_as(system: MirrorSystem | None) -> PartnerSystem | None:
    """Return the name of a system as an event carries it; None for the echo."""
    return None if system == ECHO else system
