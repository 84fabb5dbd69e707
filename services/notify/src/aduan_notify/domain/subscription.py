"""Further addresses for the notices of an office, its head, the coordinator or the leadership."""

from typing import Final, Literal
from uuid import UUID, uuid5

from aduan.storage.port import Body, Collection, Columns, Index

SubscribedAudience = Literal["office", "office_head", "coordinator", "leadership"]
OF_A_UNIT: Final = frozenset(("office", "office_head"))
PER_LIST: Final = 20
_NAMESPACE: Final = UUID("0d6e5c55-7d0f-5c5c-8a3c-c4c6a3a9a1a4")


def list_of(audience: str, unit: str | None) -> str:
    """Return the name of the list that an address joins."""
    return f"{audience}:{unit or ''}"


def id_of(tenant: str, audience: str, unit: str | None, address: str) -> str:
    """Return the id: one address stands once on a list, however often it is asked for."""
    return str(uuid5(_NAMESPACE, f"{tenant}:{list_of(audience, unit)}:{address.lower()}"))


def _columns(body: Body) -> Columns:
    return {"list": list_of(body["audience"], body["unit"]), "created_at": body["created_at"]}


def _keys(body: Body) -> tuple[str, ...]:
    """The Idempotency-Key that made it, where one was sent."""
    return (body["idempotency"],) if body["idempotency"] else ()


SUBSCRIPTIONS: Final = Collection(
    name="subscriptions",
    indexes=(
        Index("list", ("tenant", "list", "created_at")),
        Index("all", ("tenant", "created_at")),
    ),
    columns=_columns,
    keys=_keys,
)
