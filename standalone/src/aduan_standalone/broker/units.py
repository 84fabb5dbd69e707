"""What a connected unit needs of a cluster: its topic, its user, and rights on nothing else. Pure."""

from dataclasses import dataclass
from typing import Final

from aduan.contracts.opd import UNIT_KEPT_DAYS, unit_group, unit_topic
from aduan_standalone.broker.shapes import Access, Topic
from aduan_standalone.broker.wanted import COPIES, settings

UNIT_USER: Final = "opd-{tenant}-{code}"


@dataclass(frozen=True, slots=True)
class UnitNeeds:
    """One unit's things. unit_access, routing_access: lines of the access lists."""

    user: str
    topic: Topic
    group: str
    unit_access: tuple[Access, ...]
    routing_access: tuple[Access, ...]


def needs_of(
    tenant: str, code: str, *, routing: str, brokers: int, replication: int | None = None
) -> UnitNeeds:
    """Return what a unit needs. routing: the principal that writes its topic."""
    copies = replication if replication is not None else min(COPIES, brokers)
    name, group = unit_topic(tenant, code), unit_group(tenant, code)
    user = UNIT_USER.format(tenant=tenant, code=code)
    who = f"User:{user}"
    return UnitNeeds(
        user=user,
        topic=Topic(name, 1, copies, settings(copies, days=UNIT_KEPT_DAYS)),
        group=group,
        unit_access=(
            Access(who, "READ", "topic", name),
            Access(who, "DESCRIBE", "topic", name),
            Access(who, "READ", "group", group),
        ),
        routing_access=(
            Access(routing, "WRITE", "topic", name),
            Access(routing, "DESCRIBE", "topic", name),
        ),
    )
