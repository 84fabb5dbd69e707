"""What `aduan migrate` does in a database: collections, indexes, and documents of older releases."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Final, Protocol

from aduan.clock import SystemClock
from aduan.storage.gather import GROUP_LIMIT
from aduan.storage.mongo_shape import IndexSpec, index_specs
from aduan.storage.mongo_store import Connection, MongoStore
from aduan.storage.port import Change, Collection, Document

MIGRATION_SECONDS: Final = 3600.0


class Maker(Connection, Protocol):
    """A connection with the deployer's rights."""

    async def names(self) -> set[str]:
        """Return the names of the collections that are there."""
        ...

    async def indexes(self, name: str) -> dict[str, IndexSpec]:
        """Return the indexes of a collection as the server knows them, by name."""
        ...

    async def make_collection(self, name: str) -> None:
        """Make an empty collection."""
        ...

    async def make_index(self, name: str, spec: IndexSpec) -> None:
        """Make an index; return when it is complete."""
        ...

    async def drop_index(self, name: str, index: str) -> None:
        """Drop an index."""
        ...


async def lacking_in(connection: Maker, collections: Sequence[Collection]) -> list[str]:
    """Return which indexes are missing or declared otherwise."""
    lacking = []
    for collection in collections:
        there = await connection.indexes(collection.name)
        lacking += [
            f"{collection.name}.{spec.name}"
            for spec in index_specs(collection)
            if there.get(spec.name) != spec
        ]
    return lacking


async def bring_up(
    connection: Maker, collections: Sequence[Collection], *, thorough: bool
) -> list[str]:
    """See aduan.storage.mongo.migrate."""
    done = []
    names = await connection.names()
    for collection in collections:
        name, wanted = collection.name, index_specs(collection)
        if name not in names:
            await connection.make_collection(name)
            done.append(f"made the collection {name}")
        there = await connection.indexes(name)
        kept = {spec.name for spec in wanted if there.get(spec.name) == spec}
        known = {spec.name for spec in wanted}
        for old in there:
            if old not in kept and (old in known or old.startswith("on_")):
                await connection.drop_index(name, old)
                done.append(f"dropped the index {name}.{old}, which is declared otherwise now")
        for spec in wanted:
            if spec.name in kept:
                entered = await _enter(connection, collection, spec) if thorough else 0
                if entered:
                    done.append(f"put {entered} documents into the index {name}.{spec.name}")
                continue
            # Last of all the index: while it is missing, nobody opens the store, and the next
            # migration begins here again.
            entered = await _enter(connection, collection, spec)
            await connection.make_index(name, spec)
            into = f", with {entered} documents that were there" if entered else ""
            done.append(f"made the index {name}.{spec.name} on {', '.join(spec.keys)}{into}")
    return done


async def _enter(connection: Maker, collection: Collection, spec: IndexSpec) -> int:
    """Write every document anew that belongs into an index and does not have its mark."""
    declared = next((one for one in collection.indexes if f"on_{one.name}" == spec.name), None)
    if declared is None:
        return 0

    def as_it_is(document: Document | None, _now: datetime) -> Change | None:
        if document is None or document.body is None:
            return None
        own = collection.columns(document.body)
        filled = {column for column, value in own.items() if value is not None}
        if not filled.issuperset({*declared.columns} - {"tenant", "partition"}):
            return None
        return Change(document.tenant, document.body, document.inbox)

    store = MongoStore(connection, SystemClock(), patience=MIGRATION_SECONDS)
    unmarked = {"live": 1, f"on.{declared.name}": {"$exists": False}}
    entered, low = 0, ""
    while True:
        rows = await connection.many(
            collection.name,
            unmarked,
            ["_id"],
            hint="_id_",
            low=[("_id", low)],
            high=[("_id", connection.ends[1])],
            limit=GROUP_LIMIT,
        )
        if not rows:
            return entered
        outcomes = await asyncio.gather(
            *(store.update(collection, row["_id"], as_it_is) for row in rows)
        )
        entered += sum(outcome.changed for outcome in outcomes)
        low = f"{rows[-1]['_id']}\0"
