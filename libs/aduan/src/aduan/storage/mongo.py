"""MongoDB by its drivers: the only module that imports Motor or PyMongo (ADR 4).

Every call has a time limit of its own, and whatever goes wrong outside comes out as Busy.
"""

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final, Literal, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from bson import MaxKey, MinKey
from bson.errors import BSONError
from pymongo import InsertOne, UpdateOne
from pymongo.errors import (
    BulkWriteError,
    ConfigurationError,
    DocumentTooLarge,
    InvalidName,
    OperationFailure,
    PyMongoError,
)
from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import ReadPreference
from pymongo.write_concern import WriteConcern

from aduan.clock import Clock
from aduan.errors import AduanError, Busy
from aduan.storage.gather import GROUP_LIMIT
from aduan.storage.mongo_migration import MIGRATION_SECONDS, bring_up, lacking_in
from aduan.storage.mongo_shape import Bounds, IndexSpec, Write
from aduan.storage.mongo_store import Fate, MongoStore, Refused
from aduan.storage.port import Collection, DocumentFull

T = TypeVar("T")
Driver = Literal["motor", "pymongo"]

DEFAULT_DRIVER: Final[Driver] = "motor"
TIMEOUT_SECONDS: Final = 5.0
# Longer than the driver's own limit, which says more; this one holds even if the driver does not.
_GRACE: Final = 1.0
# A migration may take long; finding the server may not.
_FINDING: Final = 10.0
# An update is at most a read, a write without an answer, and the question what became of it.
_PATIENCE: Final = 2.5

_DUPLICATE: Final = 11000
_TOO_LARGE: Final = (10334, 17419, 17420)
_NOT_ALLOWED: Final = (13, 18)
_NO_NAMESPACE: Final = 26


class BadAddress(AduanError):
    """The address of a MongoDB cannot be used. The text never holds the address: it has a password."""


class SchemaMissing(AduanError):
    """The database lacks collections or indexes of this release."""


class NotAllowed(Busy):
    """The database refuses this user. Nothing is lost by waiting until somebody grants the right."""


class MongoConnection:
    """One database through one driver. See aduan.storage.mongo_store.Connection."""

    def __init__(self, database: Any, timeout: float) -> None:
        """database: with the concerns that `_database` gives it."""
        self._database = database
        self._timeout = timeout

    @property
    def ends(self) -> tuple[Any, Any]:
        """See Connection."""
        return MinKey(), MaxKey()

    async def many(
        self,
        name: str,
        filter: Mapping[str, Any],
        fields: Sequence[str],
        *,
        hint: str,
        low: Bounds | None = None,
        high: Bounds | None = None,
        descending: bool = False,
        limit: int = 0,
    ) -> list[dict[str, Any]]:
        """See Connection."""

        async def ask() -> list[dict[str, Any]]:
            cursor = self._database[name].find(
                # all in one answer: the server's own first batch ends at 101 documents
                filter,
                list(fields),
                limit=limit,
                batch_size=limit or GROUP_LIMIT,
            )
            cursor = cursor.hint(hint)
            if low is not None and high is not None:
                way = -1 if descending else 1
                cursor = cursor.min(low).max(high).sort([(field, way) for field, _ in low])
            found: list[dict[str, Any]] = await cursor.to_list(None)
            return found

        return await self._bounded(ask)

    async def slice(
        self, name: str, id: str, after_seq: int, limit: int
    ) -> Sequence[Mapping[str, Any]]:
        """See Connection."""
        later = {"$gt": ["$$event.seq", after_seq]}
        events = {"$filter": {"input": "$events", "as": "event", "cond": later, "limit": limit}}

        async def ask() -> Sequence[Mapping[str, Any]]:
            found = await self._database[name].find_one({"_id": id}, {"events": events})
            return found["events"] if found is not None else []

        return await self._bounded(ask)

    async def count(self, name: str, filter: Mapping[str, Any], *, hint: str) -> int:
        """See Connection."""
        return await self.sum(name, filter, 1, hint=hint)

    async def sum(
        self, name: str, filter: Mapping[str, Any], of: int | str | Mapping[str, Any], *, hint: str
    ) -> int:
        """See Connection."""
        rows = await self._grouped(name, filter, {"_id": 1, "sum": {"$sum": of}}, hint)
        return int(rows[0]["sum"]) if rows else 0

    async def different(
        self, name: str, filter: Mapping[str, Any], field: str, *, hint: str
    ) -> Sequence[Any]:
        """See Connection."""
        return [row["_id"] for row in await self._grouped(name, filter, {"_id": f"${field}"}, hint)]

    async def _grouped(
        self, name: str, filter: Mapping[str, Any], group: Mapping[str, Any], hint: str
    ) -> list[dict[str, Any]]:
        async def ask() -> list[dict[str, Any]]:
            steps = [{"$match": filter}, {"$group": group}]
            cursor = self._database[name].aggregate(steps, hint=hint)
            if inspect.isawaitable(cursor):  # PyMongo's; Motor hands the cursor out at once
                cursor = await cursor
            rows: list[dict[str, Any]] = await cursor.to_list(None)
            return rows

        return await self._bounded(ask)

    async def write(
        self, name: str, writes: Sequence[Write]
    ) -> Sequence[Fate | Refused | Exception]:
        """See Connection."""
        try:
            return await self._bulk(name, writes)
        except (BSONError, UnicodeError, OverflowError, DocumentFull) as error:
            # One of them cannot be sent. Their own ids keep any that went out from going twice.
            if len(writes) == 1:
                return [error]
        return [fate for write in writes for fate in await self.write(name, [write])]

    async def _bulk(
        self, name: str, writes: Sequence[Write]
    ) -> Sequence[Fate | Refused | Exception]:
        operations = [
            UpdateOne({"_id": write.id, "version": write.version, "w": write.last}, write.data)
            if write.version
            else InsertOne(dict(write.data))
            for write in writes
        ]

        async def ask() -> Mapping[str, Any]:
            try:
                done = await self._database[name].bulk_write(operations, ordered=False)
            except BulkWriteError as error:
                return error.details
            answer: Mapping[str, Any] = done.bulk_api_result
            return answer

        try:
            answer = await self._bounded(ask)
        except (NotAllowed, DocumentFull):
            raise
        except Busy:
            return [Fate.UNKNOWN] * len(writes)
        return fates_of(writes, answer)

    async def change(
        self, name: str, updates: Sequence[tuple[Mapping[str, Any], list[dict[str, Any]]]]
    ) -> None:
        """See Connection."""
        operations = [UpdateOne(filter, update) for filter, update in updates]
        await self._bounded(lambda: self._database[name].bulk_write(operations, ordered=True))

    async def remove(self, name: str, id: str) -> None:
        """See Connection."""
        await self._bounded(lambda: self._database[name].delete_one({"_id": id}))

    async def command(self, name: str) -> Mapping[str, Any]:
        """Ask the database one of its questions that change nothing: hello, buildInfo, dbStats."""
        found: Mapping[str, Any] = await self._bounded(lambda: self._database.command(name))
        return found

    async def names(self) -> set[str]:
        """Return the names of the collections that are there."""
        return set(await self._bounded(self._database.list_collection_names))

    async def indexes(self, name: str) -> dict[str, IndexSpec]:
        """Return the indexes of a collection as the server knows them, by name."""

        async def ask() -> list[Mapping[str, Any]]:
            cursor = self._database[name].list_indexes()
            if inspect.isawaitable(cursor):
                cursor = await cursor
            found: list[Mapping[str, Any]] = await cursor.to_list(None)
            return found

        return {
            one["name"]: IndexSpec(
                one["name"],
                tuple(one["key"]),
                one.get("partialFilterExpression"),
                bool(one.get("unique")),
            )
            for one in await self._bounded(ask)
        }

    async def make_collection(self, name: str) -> None:
        """Make an empty collection."""
        await self._bounded(lambda: self._database.create_collection(name))

    async def make_index(self, name: str, spec: IndexSpec) -> None:
        """Make an index; return when it is complete."""
        options: dict[str, Any] = {"unique": True} if spec.unique else {}
        options |= {"partialFilterExpression": spec.only} if spec.only is not None else {}
        keys = [(key, 1) for key in spec.keys]
        collection = self._database[name]
        await self._bounded(lambda: collection.create_index(keys, name=spec.name, **options))

    async def drop_index(self, name: str, index: str) -> None:
        """Drop an index."""
        await self._bounded(lambda: self._database[name].drop_index(index))

    async def _bounded(self, ask: Callable[[], Awaitable[T]]) -> T:
        try:
            async with asyncio.timeout(self._timeout + _GRACE):
                return await ask()
        except TimeoutError as error:
            raise Busy("the document database does not answer") from error
        except OperationFailure as error:
            if error.code in _NOT_ALLOWED:
                raise _not_allowed(error.code) from error
            if error.code in _TOO_LARGE:
                raise DocumentFull("a document is larger than the engine can hold") from error
            raise Busy(f"the document database refuses: code {error.code}") from error
        except (ConfigurationError, InvalidName):
            raise
        except PyMongoError as error:
            if isinstance(error, DocumentTooLarge):
                raise DocumentFull("a document is larger than the engine can hold") from error
            if "AuthenticationFailed" in str(error):  # once refused, it looks for a kinder server
                raise _not_allowed(18) from error
            raise Busy(f"the document database is away: {type(error).__name__}") from error


def _not_allowed(code: int | None) -> NotAllowed:
    return NotAllowed(f"the document database refuses this user (code {code}): credentials?")


def fates_of(
    writes: Sequence[Write], answer: Mapping[str, Any]
) -> list[Fate | Refused | Exception]:
    """Say what became of each write of a group by the server's answer to an unordered bulk.

    It names the refused ones by their place, and only counts the updates that found their version.
    """
    fates: list[Fate | Refused | Exception] = [Fate.WON] * len(writes)
    if answer.get("writeConcernErrors"):
        return [Fate.UNKNOWN] * len(writes)
    for error in answer.get("writeErrors", ()):
        fates[error["index"]] = _refusal(writes[error["index"]], error)
    open_updates = [
        at for at, write in enumerate(writes) if write.version and fates[at] is Fate.WON
    ]
    if answer["nMatched"] != len(open_updates):
        one_group = Fate.LOST if answer["nMatched"] == 0 else Fate.UNKNOWN
        for at in open_updates:
            fates[at] = one_group
    return fates


def _refusal(write: Write, error: Mapping[str, Any]) -> Fate | Refused | Busy:
    code = error.get("code")
    if code == _DUPLICATE:
        taken = error.get("keyValue", {}).get("keys")
        if taken is None or taken == f"id:{write.id}":
            return Fate.LOST
        return Refused(taken)
    if code in _TOO_LARGE:
        return DocumentFull("a document is larger than the engine can hold")
    return Busy(f"the document database refuses a write: code {code}")


def split_driver(url: str) -> tuple[str, Driver | None]:
    """Take the option `driver=motor|pymongo` out of an address. Raises BadAddress."""
    parts = urlsplit(url)
    options = parse_qsl(parts.query, keep_blank_values=True)
    named = [value for name, value in options if name == "driver"]
    rest = urlencode([option for option in options if option[0] != "driver"])
    if not named:
        return url, None
    return urlunsplit(parts._replace(query=rest)), driver_named(named[-1])


def driver_named(name: str) -> Driver:
    """Return the driver of this name. Raises BadAddress."""
    if name == "motor":
        return "motor"
    if name == "pymongo":
        return "pymongo"
    raise BadAddress("the driver for MongoDB is motor or pymongo")


@asynccontextmanager
async def connect(
    url: str, *, driver: str | None = None, timeout: float, listeners: Sequence[Any] = ()
) -> AsyncIterator[MongoConnection]:
    """Open `mongodb://…/DATABASE`. Raises BadAddress. Nothing is asked yet."""
    address, named = split_driver(url)
    chosen = named or driver_named(driver or DEFAULT_DRIVER)
    options: dict[str, Any] = {
        "appname": "aduan",
        "timeoutMS": int(timeout * 1000),
        "serverSelectionTimeoutMS": int(min(timeout, _FINDING) * 1000),
        "connectTimeoutMS": int(min(timeout, _FINDING) * 1000),
        "retryWrites": True,
        "retryReads": True,
        "event_listeners": list(listeners),
    }
    try:
        if chosen == "motor":
            from motor.motor_asyncio import AsyncIOMotorClient

            client: Any = AsyncIOMotorClient(address, **options)
        else:
            from pymongo import AsyncMongoClient

            client = AsyncMongoClient(address, **options)
        database = client.get_default_database(
            # Whatever the address says: an acknowledgement means durable.
            read_concern=ReadConcern("majority"),
            write_concern=WriteConcern("majority", j=True),
            read_preference=ReadPreference.PRIMARY,
        )
    except (PyMongoError, ValueError):
        raise BadAddress("ADUAN_STORE is no mongodb://HOST/DATABASE address") from None
    try:
        yield MongoConnection(database, timeout)
    finally:
        closing = client.close()
        if inspect.isawaitable(closing):
            await closing


@asynccontextmanager
async def open_mongo(
    url: str,
    collections: Sequence[Collection],
    clock: Clock,
    *,
    driver: str | None = None,
    timeout: float = TIMEOUT_SECONDS,
    listeners: Sequence[Any] = (),
) -> AsyncIterator[MongoStore]:
    """Open the store of one service, `mongodb://…/DATABASE`, as `migrate` has made it.

    driver: motor or pymongo, unless the address has an option `driver=`; else the default of ADR 4.
    timeout: seconds for one question to the server; no call takes longer than three times that.
    listeners: command listeners of the driver, for those who count.
    Raises SchemaMissing, BadAddress, Busy.
    """
    async with connect(url, driver=driver, timeout=timeout, listeners=listeners) as connection:
        lacking = await lacking_in(connection, collections)
        if lacking:
            raise SchemaMissing(
                f"the database lacks {', '.join(lacking[:3])}"
                f"{' and more' if len(lacking) > 3 else ''}: run `aduan migrate` with the"
                " deployer's credentials"
            )
        store = MongoStore(connection, clock, patience=timeout * _PATIENCE)
        try:
            yield store
        finally:
            await store.close()


async def migrate(
    url: str,
    collections: Sequence[Collection],
    *,
    driver: str | None = None,
    thorough: bool = False,
) -> list[str]:
    """Make what `open_mongo` needs; return a line for each thing done, none where all is there.

    Indexes of other makers are left alone; ours that are no longer declared are dropped. Documents
    that were written before an index was declared are put into it. Repeat it whole if it dies.
    thorough: look through the documents of every index, not only of new ones; after the last process
    of an older release has ended, which wrote without knowing the new ones.
    Raises BadAddress, Busy.
    """
    async with connect(url, driver=driver, timeout=MIGRATION_SECONDS) as connection:
        return await bring_up(connection, collections, thorough=thorough)


@dataclass(frozen=True, slots=True)
class Look:
    """What a database says of itself.

    lacking: collections and indexes that `migrate` would make, by name. ahead: by how many seconds
    the server's clock is ahead of ours. free: bytes left where its data are; None where this user
    may not ask. replica_set: None for a server that stands alone, which cannot promise anything.
    """

    version: str
    replica_set: str | None
    ahead: float
    lacking: tuple[str, ...]
    free: int | None
    size: int | None


async def look(
    url: str,
    collections: Sequence[Collection],
    clock: Clock,
    *,
    driver: str | None = None,
    timeout: float = TIMEOUT_SECONDS,
) -> Look:
    """Ask the database of one service, `mongodb://…/DATABASE`, what it is, and change nothing.

    Raises BadAddress, Busy.
    """
    async with connect(url, driver=driver, timeout=timeout) as connection:
        await connection.command("ping")  # the connection's own making is in no later answer's time
        before = clock.wall()
        hello = await connection.command("hello")
        middle = before + (clock.wall() - before) / 2
        theirs = hello["localTime"]
        ahead = (theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC)) - middle
        build = await connection.command("buildInfo")
        lacking = await lacking_in(connection, collections)
        try:
            stats = await connection.command("dbStats")
        except NotAllowed:
            stats = {}
        free = stats["fsTotalSize"] - stats["fsUsedSize"] if "fsTotalSize" in stats else None
        return Look(
            version=str(build["version"]),
            replica_set=hello.get("setName"),
            ahead=ahead.total_seconds(),
            lacking=tuple(lacking),
            free=int(free) if free is not None else None,
            size=int(stats["storageSize"]) if "storageSize" in stats else None,
        )
