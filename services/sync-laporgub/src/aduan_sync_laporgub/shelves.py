"""The two collections beside the cases: how far each list was read, and what was set aside."""

from datetime import datetime
from typing import Any, Final

from aduan.clock import iso
from aduan.storage.port import Body, Change, Collection, Columns, Document, Index, Store

CURSORS: Final = Collection(name="cursors")


def _parked_columns(body: Body) -> Columns:
    return {"parked_at": body["parked_at"]}


PARKED: Final = Collection(
    name="parked",
    indexes=(Index("parked", ("tenant", "parked_at")),),
    columns=_parked_columns,
)


class Shelves:
    """Cursors and parked items of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def cursor(self, tenant: str, name: str) -> int:
        """Return how far a list was read, 0 at the beginning."""
        document = await self._store.get(CURSORS, f"{tenant}:{name}")
        return int(document.body["at"]) if document is not None and document.body else 0

    async def move_cursor(self, tenant: str, name: str, at: int) -> None:
        """Remember how far a list was read; never goes back, so two pollers do no harm."""

        def decide(document: Document | None, _now: datetime) -> Change | None:
            if document is not None and document.body and document.body["at"] >= at:
                return None
            return Change(tenant=tenant, body={"at": at}, inbox={})

        await self._store.update(CURSORS, f"{tenant}:{name}", decide)

    async def park(self, tenant: str, id: str, item: dict[str, Any]) -> None:
        """Set an item aside for a human; setting it aside again keeps the first."""

        def decide(document: Document | None, now: datetime) -> Change | None:
            if document is not None:
                return None
            return Change(tenant=tenant, body={**item, "parked_at": iso(now)}, inbox={})

        await self._store.update(PARKED, id, decide)
