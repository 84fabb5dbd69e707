"""How many documents there are by the value of a column: one index, no scan of documents."""

from typing import Final

from aduan.errors import AduanError
from aduan.storage.port import Collection, Store

AT_MOST: Final = 1_000

Value = str | int


class TooManyGroups(AduanError):
    """A column that was thought to have few values has many: counting them would be a scan."""


async def counted_by(
    store: Store, collection: Collection, index: str, equal: tuple[Value, ...] = ()
) -> dict[Value, int]:
    """Return value -> count of the index's next column after those that are equal.

    Asks twice for each value that occurs: for the next one, then how many. For columns with a
    closed list of values. Raises Busy, UndeclaredIndex, TooManyGroups.
    """
    found: dict[Value, int] = {}
    low: Value | None = None
    while True:
        page = await store.find(collection, index, equal=equal, low=low, limit=1)
        if page.after is None:
            return found
        value = page.after[0]
        if len(found) >= AT_MOST:
            raise TooManyGroups(f"{collection.name}.{index}")
        found[value] = await store.count(collection, index, equal=(*equal, value))
        low = value + 1 if isinstance(value, int) else f"{value}\0"
