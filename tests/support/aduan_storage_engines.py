"""The stores that the storage port's suite runs on, each with what a test may ask beside the port."""

import sqlite3
import uuid
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from aduan_servers.choice import MongoEndpoint
from pymongo import MongoClient
from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)

from aduan.clock import ManualClock
from aduan.storage.mongo import migrate, open_mongo
from aduan.storage.port import Change, Collection, Store
from aduan.storage.sqlite import SqliteStore
from aduan.storage.sqlite_schema import due_query, query

START: Final = datetime(2026, 12, 1, tzinfo=UTC)
WRITES: Final = ("insert", "update", "delete")


@dataclass(frozen=True, slots=True)
class Plan:
    """What an engine says it will do: the index it reads, and whether it reads or sorts more."""

    index: str
    scans: bool
    sorts: bool
    fetches: bool


class StoreEngine(ABC):
    """An empty store of its own, open as `store`."""

    name: str
    durable: Any
    store: Store

    def __init__(self, collections: Sequence[Collection]) -> None:
        """Nothing is opened yet."""
        self.collections = collections
        self.clock = ManualClock(START)

    @abstractmethod
    async def reopen(self) -> None:
        """Close, and open again as the next process would."""

    @abstractmethod
    def interfere(self, collection: str) -> None:
        """Write every document behind the store's back, at once."""

    @property
    @abstractmethod
    def commits(self) -> int:
        """How many durable writes the engine was asked for since the opening."""

    @abstractmethod
    async def durability(self) -> Any:
        """Return how the engine says it makes a write durable; to be compared with `durable`."""

    @abstractmethod
    async def plan_of_find(self, collection: Collection, index: str) -> Plan:
        """Ask the engine how it finds by an equal first column and a range of the second."""

    @abstractmethod
    async def plan_of_count(self, collection: Collection, index: str) -> Plan:
        """Ask the engine how it counts by two equal columns."""

    @abstractmethod
    async def plan_of_due(self, collection: Collection, index: str) -> Plan:
        """Ask the engine how it finds out which partitions have something due."""


class SqliteEngine(StoreEngine):
    """The embedded engine: a file."""

    name = "sqlite"
    durable = 2  # FULL: a commit waits for the disk

    def __init__(self, path: Path, collections: Sequence[Collection]) -> None:
        """Open the file."""
        super().__init__(collections)
        self.path = path
        self.file_store = self._opened()

    def _opened(self) -> SqliteStore:
        self.store = opened = SqliteStore(self.path, self.collections, self.clock)
        return opened

    async def reopen(self) -> None:
        """See StoreEngine."""
        self.file_store.close()
        self.file_store = self._opened()

    def interfere(self, collection: str) -> None:
        """See StoreEngine."""
        with sqlite3.connect(self.path) as other:
            other.execute(f"UPDATE {collection} SET version = version + 1")

    @property
    def commits(self) -> int:
        """See StoreEngine."""
        return self.file_store.commits

    async def durability(self) -> Any:
        """See StoreEngine."""
        return await self.file_store.file.synchronous()

    async def plan_of_find(self, collection: Collection, index: str) -> Plan:
        """See StoreEngine."""
        parts = query(collection, index, equal=(1,), low=None, high="9")
        order = ", ".join(parts.order)
        sql = f"SELECT id FROM {collection.name} WHERE {parts.where} ORDER BY {order}"
        return self._plan(sql, parts.parameters, collection, index)

    async def plan_of_count(self, collection: Collection, index: str) -> Plan:
        """See StoreEngine."""
        parts = query(collection, index, equal=("33.74", "x"), low=None, high=None)
        sql = f"SELECT COUNT(*) FROM {collection.name} WHERE {parts.where}"
        return self._plan(sql, parts.parameters, collection, index)

    async def plan_of_due(self, collection: Collection, index: str) -> Plan:
        """See StoreEngine."""
        plan = self._plan(due_query(collection, index), ("[1, 2]", "9"), collection, index)
        # what is gone through row by row is the list that was given
        assert plan.scans
        return replace(plan, scans=False)

    def _plan(
        self, sql: str, parameters: tuple[Any, ...], collection: Collection, index: str
    ) -> Plan:
        rows = self.file_store.file.read(f"EXPLAIN QUERY PLAN {sql}", parameters)
        words = " ".join(row[3] for row in rows)
        named = f"{collection.name}_on_{index}" in words
        return Plan(
            index=index if named else words,
            scans="SCAN" in words,
            sorts="TEMP B-TREE" in words,
            fetches="COVERING" not in words,
        )


class Heard(CommandListener):
    """Remembers what a driver was told to send."""

    def __init__(self) -> None:
        """Nothing was heard yet."""
        self.commands: list[tuple[str, dict[str, Any]]] = []

    def started(self, event: CommandStartedEvent) -> None:
        """Remember a command."""
        self.commands.append((event.command_name, dict(event.command)))

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Answers are the store's."""

    def failed(self, event: CommandFailedEvent) -> None:
        """Refusals are the store's."""

    def count(self, *names: str) -> int:
        """Return how often commands of these names went out."""
        return sum(1 for name, _ in self.commands if name in names)


class MongoEngine(StoreEngine):
    """A fresh database of a real server, migrated by its root user, used by a user of its own."""

    durable = ("majority", True)

    def __init__(
        self, driver: str, endpoint: MongoEndpoint, collections: Sequence[Collection]
    ) -> None:
        """Nothing is opened yet."""
        super().__init__(collections)
        self.name = driver
        self.database = f"aduan_test_{uuid.uuid4().hex[:12]}"
        self.endpoint = endpoint
        self.deployer = with_database(endpoint.url, self.database)
        self.url = endpoint.user_for(self.database)
        self.root: MongoClient[dict[str, Any]] = MongoClient(endpoint.url)
        self.heard = Heard()
        self._open = AsyncExitStack()

    async def open(self) -> None:
        """Migrate, and open the store."""
        await migrate(self.deployer, self.collections, driver=self.name)
        await self._enter()

    async def _enter(self) -> None:
        self.heard.commands.clear()
        self.store = await self._open.enter_async_context(
            open_mongo(
                self.url, self.collections, self.clock, driver=self.name, listeners=[self.heard]
            )
        )

    async def reopen(self) -> None:
        """See StoreEngine."""
        await self._open.aclose()
        await self._enter()

    async def close(self) -> None:
        """Drop the database and its user."""
        await self._open.aclose()
        name = urlsplit(self.url).username
        self.root.drop_database(self.database)
        self.root.admin.command("dropUser", name)
        self.root.close()

    def interfere(self, collection: str) -> None:
        """See StoreEngine."""
        self.root[self.database][collection].update_many({}, {"$inc": {"version": 1}})

    @property
    def commits(self) -> int:
        """See StoreEngine."""
        return self.heard.count(*WRITES)

    async def durability(self) -> Any:
        """See StoreEngine: as the server's profiler saw it."""
        database = self.root[self.database]
        database.command("profile", 2)
        await self.store.update(
            self.collections[0], "durable", lambda _d, _n: Change("33.74", {}, {})
        )
        database.command("profile", 0)
        seen = [
            dict(entry["command"].get("writeConcern", entry.get("writeConcern", {})))
            for entry in database["system.profile"].find({"op": {"$in": list(WRITES)}})
        ] or [{}]
        assert all(concern == seen[0] for concern in seen)
        return seen[0].get("w"), seen[0].get("j")

    async def plan_of_find(self, collection: Collection, index: str) -> Plan:
        """See StoreEngine: the plan of the very command that the store sent."""
        await self.store.find(collection, index, equal=(1,), high="9")
        return self._plan("find")

    async def plan_of_count(self, collection: Collection, index: str) -> Plan:
        """See StoreEngine."""
        await self.store.count(collection, index, equal=("33.74", "x"))
        return self._plan("aggregate")

    async def plan_of_due(self, collection: Collection, index: str) -> Plan:
        """See StoreEngine."""
        await self.store.partitions_due(collection, index, (1, 2), high="9")
        return self._plan("aggregate")

    def _plan(self, name: str) -> Plan:
        sent = next(command for known, command in reversed(self.heard.commands) if known == name)
        kept = {key: value for key, value in sent.items() if key not in _NOT_EXPLAINED}
        answer = self.root[self.database].command("explain", kept, verbosity="queryPlanner")
        stages = list(_stages(answer))
        used = {stage["indexName"] for stage in stages if "indexName" in stage}
        kinds = {stage["stage"] for stage in stages if isinstance(stage.get("stage"), str)}
        return Plan(
            index=",".join(sorted(used)).removeprefix("on_"),
            scans="COLLSCAN" in kinds,
            sorts="SORT" in kinds,
            fetches="FETCH" in kinds,
        )


_NOT_EXPLAINED: Final = (
    "lsid", "$clusterTime", "$db", "$readPreference", "readConcern", "maxTimeMS", "txnNumber",
)  # fmt: skip


def _stages(answer: Any) -> Any:
    """Return every stage of the winning plan, wherever the server put it."""
    if isinstance(answer, dict):
        if "stage" in answer:
            yield answer
        for key, value in answer.items():
            if key != "rejectedPlans":
                yield from _stages(value)
    elif isinstance(answer, list):
        for value in answer:
            yield from _stages(value)


def with_database(url: str, database: str) -> str:
    """Return the same user's address for a database; he is kept in `admin`."""
    parts = urlsplit(url)
    options = urlencode({"authSource": "admin", **dict(parse_qsl(parts.query))})
    return urlunsplit(parts._replace(path=f"/{database}", query=options))


@asynccontextmanager
async def mongo_engine(
    driver: str, endpoint: MongoEndpoint, collections: Sequence[Collection]
) -> AsyncIterator[MongoEngine]:
    """Open a fresh database, and drop it afterwards."""
    engine = MongoEngine(driver, endpoint, collections)
    try:
        await engine.open()
        yield engine
    finally:
        await engine.close()
