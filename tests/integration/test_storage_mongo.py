"""What only the store on MongoDB can show: lost answers, killed servers, rights, indexes, size."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from aduan_servers.choice import MongoEndpoint
from aduan_servers.mongo import Mongo, as_user
from aduan_storage_engines import START, MongoEngine, mongo_engine, with_database
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from aduan.clock import ManualClock
from aduan.contracts.envelope import Raw
from aduan.errors import Busy
from aduan.storage import mongo_shape
from aduan.storage.mongo import (
    BadAddress,
    MongoConnection,
    NotAllowed,
    SchemaMissing,
    connect,
    fates_of,
    migrate,
    open_mongo,
    split_driver,
)
from aduan.storage.mongo_shape import Write
from aduan.storage.mongo_store import Fate, MongoStore, Refused
from aduan.storage.port import (
    Body,
    Change,
    Collection,
    Decide,
    Document,
    DocumentFull,
    Index,
    KeyTaken,
    Outcome,
    Store,
)

CASES = Collection(
    name="cases",
    indexes=(Index("state", ("tenant", "state", "due")),),
    columns=lambda body: {"state": body.get("state"), "due": body.get("due")},
    keys=lambda body: tuple(body.get("keys", ())),
)
SERVICES: Final = ("intake", "routing", "sla", "sync", "notify")
SERVER_COMMANDS: Final = ("find", "getMore", "insert", "update", "delete", "aggregate")


@pytest.fixture(params=["motor", "pymongo"])
def driver(request: pytest.FixtureRequest) -> str:
    """Each of the two drivers."""
    return str(request.param)


@pytest.fixture
async def engine(driver: str, mongo: MongoEndpoint) -> AsyncIterator[MongoEngine]:
    """A fresh database."""
    async with mongo_engine(driver, mongo, (CASES,)) as opened:
        yield opened


def an_id(number: int) -> str:
    """A case."""
    return f"019ad3f0-0000-7000-8000-{number:012d}"


def an_event(text: str = "x") -> Raw:
    """An event."""
    return Raw("t", b"k", text.encode(), ())


def put(body: Body, events: Sequence[Raw] = ()) -> Decide:
    """A decision that replaces the body and tells events."""
    return lambda _d, _n: Change("33.74", body, {}, events)


def adds(token: str, seen: list[int] | None = None) -> Decide:
    """A decision that is not idempotent: applied twice, the token is there twice."""

    def decide(document: Document | None, _now: datetime) -> Change:
        if seen is not None:
            seen.append(1)
        body = document.body if document is not None and document.body is not None else {}
        return Change("33.74", {"tokens": [*body.get("tokens", []), token]}, {}, [an_event(token)])

    return decide


# -- together, and each its own outcome


async def test_a_hundred_waiting_updates_take_one_round_trip_each_way(engine: MongoEngine) -> None:
    """New ones go out in one insert; known ones in one update; unknown ones are read in one find."""
    ids = [an_id(number) for number in range(100)]
    told: list[list[str]] = []

    async def all_at_once(**how: Any) -> None:
        engine.heard.commands.clear()
        await asyncio.gather(*(engine.store.update(CASES, id, adds("x"), **how) for id in ids))
        told.append([name for name, _ in engine.heard.commands if name in SERVER_COMMANDS])

    await all_at_once(fresh=True)
    await all_at_once()
    await engine.reopen()
    await all_at_once()

    assert told == [["insert"], ["update"], ["find", "update"]]


async def test_in_a_group_each_update_learns_its_own_outcome(engine: MongoEngine) -> None:
    """Won, overtaken, key taken and refused by its own decision, all in one group."""
    store = engine.store
    for number in range(30):
        await store.update(CASES, an_id(number), adds("first"))
    await store.update(CASES, an_id(99), put({"keys": ["taken"]}))
    engine.root[engine.database]["cases"].update_many(
        {"_id": {"$in": [an_id(number) for number in range(10)]}}, {"$inc": {"version": 1}}
    )
    runs: list[list[int]] = [[] for _ in range(30)]

    outcomes = await asyncio.gather(
        *(store.update(CASES, an_id(number), adds("second", runs[number])) for number in range(30)),
        store.update(CASES, an_id(98), put({"keys": ["taken"]})),
        return_exceptions=True,
    )

    assert [len(run) for run in runs] == [2] * 10 + [1] * 20
    assert isinstance(outcomes.pop(), KeyTaken)
    assert all(isinstance(outcome, Outcome) and outcome.after_seq == 1 for outcome in outcomes)
    for number in range(30):
        found = await store.get(CASES, an_id(number))
        assert found is not None and found.body == {"tokens": ["first", "second"]}


async def test_two_processes_on_one_document_lose_nothing(engine: MongoEngine) -> None:
    """Compare-and-set holds between stores too, whatever each remembers."""
    async with open_mongo(engine.url, (CASES,), engine.clock, driver=engine.name) as other:
        for turn in range(10):
            await asyncio.gather(
                *(
                    store.update(CASES, an_id(1), adds(f"{turn}-{place}-{number}"))
                    for place, store in enumerate((engine.store, other))
                    for number in range(3)
                )
            )

    found = await engine.store.get(CASES, an_id(1))
    assert found is not None and found.body is not None
    assert (len(found.body["tokens"]), len(set(found.body["tokens"]))) == (60, 60)
    assert (found.version, found.event_seq) == (60, 60)


async def test_a_document_made_anew_is_not_taken_for_the_one_that_was_read(
    engine: MongoEngine,
) -> None:
    """The same id at the same version, by another process: what is remembered of the old is void."""
    await engine.store.update(CASES, an_id(1), put({"keys": ["old"], "tokens": ["old"]}))
    async with open_mongo(engine.url, (CASES,), engine.clock, driver=engine.name) as other:
        await other.delete(CASES, an_id(1))
        await other.update(CASES, an_id(1), put({"keys": ["new"], "tokens": ["new"]}))

    outcome = await engine.store.update(CASES, an_id(1), adds("x"))

    assert outcome.document is not None and outcome.document.body == {"tokens": ["new", "x"]}
    assert await engine.store.get_by_key(CASES, "old") is None


async def test_what_cannot_be_sent_takes_no_neighbour_along(engine: MongoEngine) -> None:
    """A number that no document can hold fails its own update, and that alone."""
    outcomes = await asyncio.gather(
        engine.store.update(CASES, an_id(1), put({"n": 1})),
        engine.store.update(CASES, an_id(2), put({"state": "open", "due": 1 << 70})),
        engine.store.update(CASES, an_id(3), put({"n": 3})),
        return_exceptions=True,
    )

    assert [type(outcome) for outcome in outcomes] == [Outcome, OverflowError, Outcome]
    assert await engine.store.total(CASES) == 2


def a_write(version: int, id: str = "a") -> Write:
    """A write of which only the version matters."""
    return Write("cases", id, 1, version, 0, {})


def test_the_answer_to_a_group_says_what_became_of_each() -> None:
    """Refused ones are named; of the others only a count is known."""
    duplicate = {"index": 0, "code": 11000, "keyValue": {"keys": "k"}}
    same_id = {"index": 0, "code": 11000, "keyValue": {"_id": "a"}}
    own_key = {"index": 0, "code": 11000, "keyValue": {"keys": "id:a"}}
    full = {"index": 0, "code": 17419}
    disk = {"index": 0, "code": 14031}

    def fates(*versions: int, matched: int, **more: Any) -> list[Any]:
        found = fates_of([a_write(version) for version in versions], {"nMatched": matched, **more})
        return [type(one) if isinstance(one, Exception) else one for one in found]

    assert fates(0, 1, 2, matched=2) == [Fate.WON] * 3
    assert fates(0, 1, 2, matched=1) == [Fate.WON, Fate.UNKNOWN, Fate.UNKNOWN]
    assert fates(0, 1, 2, matched=0) == [Fate.WON, Fate.LOST, Fate.LOST]
    assert fates(0, 1, matched=1, writeErrors=[duplicate]) == [Refused("k"), Fate.WON]
    assert fates(1, 1, matched=1, writeErrors=[duplicate]) == [Refused("k"), Fate.WON]
    assert fates(0, matched=0, writeErrors=[same_id]) == [Fate.LOST]
    assert fates(0, matched=0, writeErrors=[own_key]) == [Fate.LOST]
    assert fates(1, matched=0, writeErrors=[full]) == [DocumentFull]
    assert fates(1, matched=0, writeErrors=[disk]) == [Busy]
    assert fates(0, 1, matched=1, writeConcernErrors=[{"code": 64}]) == [Fate.UNKNOWN] * 2


# -- answers that never come


class Lossy:
    """A connection whose first write goes wrong in one of three ways; the server is a real one."""

    def __init__(self, real: MongoConnection, how: str) -> None:
        self._real = real
        self._how = how
        self.late: list[Sequence[Write]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    async def write(self, name: str, writes: Sequence[Write]) -> Sequence[Any]:
        """Lose the answer, the question, or keep the question under way for a while."""
        how, self._how = self._how, ""
        if how == "answer lost":
            await self._real.write(name, writes)
        elif how == "question late":
            self.late.append(writes)
        elif not how:
            if self.late:  # it arrives just before the second try does
                await self._real.write(name, self.late.pop())
            return await self._real.write(name, writes)
        return [Fate.UNKNOWN] * len(writes)


@pytest.mark.parametrize("how", ["answer lost", "question lost", "question late"])
@pytest.mark.parametrize("there", [False, True])
async def test_an_update_without_an_answer_is_applied_once_and_says_so(
    engine: MongoEngine, how: str, there: bool
) -> None:
    """Whether it went out is asked of the document, which keeps the ids of its last writes."""
    ids = [an_id(number) for number in range(20)]
    if there:
        await asyncio.gather(*(engine.store.update(CASES, id, adds("old")) for id in ids))
    async with connect(engine.url, driver=engine.name, timeout=5.0) as real:
        store = MongoStore(Lossy(real, how), engine.clock, patience=10.0)
        outcomes = await asyncio.gather(*(store.update(CASES, id, adds("new")) for id in ids))

        tokens = ["old", "new"] if there else ["new"]
        for id, outcome in zip(ids, outcomes, strict=True):
            found = await store.get(CASES, id)
            assert found is not None and found.body == {"tokens": tokens}
            assert outcome.document == found
            assert (outcome.after_seq, found.event_seq) == (len(tokens) - 1, len(tokens))
            assert len(await store.events(CASES, id, 0)) == len(tokens)
        # what it remembers of them is right as well
        again = await asyncio.gather(*(store.update(CASES, id, adds("more")) for id in ids))
        assert {one.after_seq for one in again} == {len(tokens)}


async def test_where_too_much_came_after_a_lost_answer_nobody_guesses(engine: MongoEngine) -> None:
    """The document has forgotten that write: Busy, not a second try."""
    await engine.store.update(CASES, an_id(1), adds("old"))

    class Overtaken(Lossy):
        async def write(self, name: str, writes: Sequence[Write]) -> Sequence[Any]:
            fates = await super().write(name, writes)
            for number in range(mongo_shape.WRITES_KEPT):
                await engine.store.update(CASES, an_id(1), adds(str(number)))
            return fates

    async with connect(engine.url, driver=engine.name, timeout=5.0) as real:
        store = MongoStore(Overtaken(real, "answer lost"), engine.clock, patience=10.0)
        with pytest.raises(Busy, match="too far"):
            await store.update(CASES, an_id(1), adds("new"))

    found = await engine.store.get(CASES, an_id(1))
    assert found is not None and found.body is not None
    assert found.body["tokens"].count("new") == 1


# -- servers that die and hang


class Ledger:
    """What was acknowledged, and what was asked for."""

    def __init__(self) -> None:
        self.acknowledged: set[str] = set()
        self.asked = 0
        self.busy = 0

    async def keep_adding(self, store: Store, place: int, stop: asyncio.Event) -> None:
        """Add tokens to a few documents until told to stop."""
        number = 0
        while not stop.is_set():
            number += 1
            self.asked += 1
            token = str(self.asked)
            try:
                await store.update(CASES, an_id((place + number) % 40), adds(token))
            except Busy:
                self.busy += 1
                await asyncio.sleep(0.02)
            else:
                self.acknowledged.add(token)

    async def check(self, store: Store) -> None:
        """Nothing acknowledged is lost, nothing is there twice, events and state agree."""
        tokens: list[str] = []
        for number in range(40):
            found = await store.get(CASES, an_id(number))
            if found is None or found.body is None:
                continue
            told = [event.raw.value.decode() for event in await store.events(CASES, found.id, 0)]
            assert found.body["tokens"] == told
            assert found.version == found.event_seq == len(told)
            tokens += told
        print(
            f"asked {self.asked}, acknowledged {len(self.acknowledged)}, busy {self.busy}, "
            f"lost {len(self.acknowledged - set(tokens))}, doubled {len(tokens) - len(set(tokens))}"
        )
        assert self.acknowledged <= set(tokens)
        assert len(tokens) == len(set(tokens))


@contextlib.asynccontextmanager
async def under_load(store: Store, ledger: Ledger) -> AsyncIterator[None]:
    """Eight callers that never rest."""
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        for place in range(8):
            tasks.create_task(ledger.keep_adding(store, place, stop))
        try:
            yield
        finally:
            stop.set()


async def until(fact: Callable[[], bool], seconds: float = 60.0) -> None:
    """Return when it is so."""
    async with asyncio.timeout(seconds):
        while not fact():
            await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def on(server: Mongo, driver: str, timeout: float) -> AsyncIterator[MongoStore]:
    """A migrated store on a server of this test."""
    url = with_database(server.url, "aduan_faults")
    await migrate(url, (CASES,), driver=driver)
    async with contextlib.AsyncExitStack() as opened:
        store = None
        async with asyncio.timeout(60):
            while store is None:  # a short patience may be too short for a busy machine
                with contextlib.suppress(Busy):
                    store = await opened.enter_async_context(
                        open_mongo(
                            url, (CASES,), ManualClock(START), driver=driver, timeout=timeout
                        )
                    )
        yield store


@pytest.mark.slow
async def test_a_killed_server_loses_and_doubles_nothing(
    driver: str, own_mongo: Callable[[], Mongo]
) -> None:
    """Kill -9 under load, three times, with and without the driver's patience."""
    server = await asyncio.to_thread(own_mongo)
    ledger = Ledger()
    for timeout in (8.0, 1.0, 0.5):
        async with on(server, driver, timeout) as store, under_load(store, ledger):
            known = len(ledger.acknowledged)
            await until(lambda known=known: len(ledger.acknowledged) > known + 40)  # type: ignore[misc]
            server.kill()
            await asyncio.sleep(1.0)
            await asyncio.to_thread(server.start)
            known = len(ledger.acknowledged)
            await until(lambda known=known: len(ledger.acknowledged) > known + 40)  # type: ignore[misc]

    async with on(server, driver, 8.0) as store:
        await ledger.check(store)
    assert ledger.busy > 0


@pytest.mark.by_hand
async def test_a_hung_server_is_busy_in_time_and_right_afterwards(
    driver: str, own_mongo: Callable[[], Mongo]
) -> None:
    """SIGSTOP under load: every call ends within its bound; what was under way counts once."""
    server = await asyncio.to_thread(own_mongo)
    ledger = Ledger()
    loop = asyncio.get_running_loop()
    async with on(server, driver, 1.0) as store:
        async with under_load(store, ledger):
            await until(lambda: len(ledger.acknowledged) > 40)
            server.pause()
            try:
                for call in (
                    store.update(CASES, an_id(1), adds("hung")),
                    store.get(CASES, an_id(1)),
                    store.count(CASES, "state"),
                    store.mark_published(CASES, [(an_id(1), 0, 1)]),
                ):
                    begun = loop.time()
                    with pytest.raises(Busy):
                        await asyncio.wait_for(call, 10.0)
                    assert loop.time() - begun < 4.0
            finally:
                server.resume()
            known = len(ledger.acknowledged)
            await until(lambda: len(ledger.acknowledged) > known + 40)
        await ledger.check(store)
    assert ledger.busy > 0


async def test_a_server_that_is_away_at_the_start_is_busy(driver: str) -> None:
    """Not a bug, not a missing migration."""
    with pytest.raises(Busy):
        async with open_mongo(
            "mongodb://127.0.0.1:9/aduan_x",
            (CASES,),
            ManualClock(START),
            driver=driver,
            timeout=0.3,
        ):
            pass


# -- rights, indexes, addresses


async def test_each_services_user_is_refused_on_the_other_four_databases(
    mongo: MongoEndpoint, driver: str
) -> None:
    """By the server itself: code 13, for reading and for writing."""
    suffix = uuid4().hex[:8]
    databases = [f"aduan_{service}_{suffix}" for service in SERVICES]
    urls = {name: mongo.user_for(name) for name in databases}
    refused = []
    root: MongoClient[dict[str, Any]] = MongoClient(mongo.url)
    try:
        for own, url in urls.items():
            await migrate(with_database(mongo.url, own), (CASES,), driver=driver)
            async with open_mongo(url, (CASES,), ManualClock(START), driver=driver) as store:
                await store.update(CASES, an_id(1), put({"n": 1}))
            client: MongoClient[dict[str, Any]] = MongoClient(url)
            for other in [name for name in databases if name != own]:
                cases = client[other]["cases"]
                for touch in (
                    cases.find_one,
                    partial(cases.insert_one, {"_id": "x"}),
                    partial(cases.delete_many, {}),
                ):
                    with pytest.raises(OperationFailure) as failure:
                        touch()
                    refused.append(failure.value.code)
            client.close()
        assert refused == [13] * 60
    finally:
        for name, url in urls.items():
            root.drop_database(name)
            root.admin.command("dropUser", urlsplit(url).username)
        root.close()


async def test_a_refused_user_is_a_named_alarm_and_loses_nothing(
    engine: MongoEngine, mongo: MongoEndpoint
) -> None:
    """Busy, so nothing becomes a dead letter; it says where to look and shows no password."""
    stranger = mongo.user_for("aduan_elsewhere")
    parts = urlsplit(stranger)
    assert parts.username is not None and parts.password is not None
    wrong = as_user(mongo.url, parts.username, "no-password", engine.database)
    foreign = as_user(mongo.url, parts.username, parts.password, engine.database)
    try:
        for url, code in ((wrong, 18), (foreign, 13)):
            async with connect(url, driver=engine.name, timeout=2.0) as connection:
                store = MongoStore(connection, engine.clock, patience=5.0)
                for call in (
                    store.update(CASES, an_id(1), put({}), fresh=True),
                    store.get(CASES, an_id(1)),
                    store.total(CASES),
                ):
                    with pytest.raises(NotAllowed, match=f"code {code}.*credentials") as refused:
                        await call
                    assert "password" not in str(refused.value)
        assert issubclass(NotAllowed, Busy)
    finally:
        engine.root.admin.command("dropUser", parts.username)


async def test_a_store_that_was_never_migrated_names_the_cure_and_makes_nothing(
    mongo: MongoEndpoint, driver: str
) -> None:
    """One sentence; no collection and no index appears by a request."""
    database = f"aduan_test_{uuid4().hex[:12]}"
    url = with_database(mongo.url, database)
    root: MongoClient[dict[str, Any]] = MongoClient(mongo.url)
    try:
        with pytest.raises(SchemaMissing, match="run `aduan migrate`"):
            async with open_mongo(url, (CASES,), ManualClock(START), driver=driver):
                pass
        assert root[database].list_collection_names() == []
        await migrate(url, (CASES,), driver=driver)
        root[database]["cases"].drop_index("on_state")
        with pytest.raises(SchemaMissing, match=r"lacks cases\.on_state: run"):
            async with open_mongo(url, (CASES,), ManualClock(START), driver=driver):
                pass
    finally:
        root.drop_database(database)
        root.close()


async def test_no_request_makes_an_index(engine: MongoEngine) -> None:
    """Every method of the port once; the server's list of indexes stays as the deployer made it."""
    cases = engine.root[engine.database]["cases"]
    before = list(cases.list_indexes())
    store, id = engine.store, an_id(1)

    await store.update(CASES, id, put({"state": "open", "due": "d", "keys": ["k"]}, [an_event()]))
    await store.get_by_key(CASES, "k")
    await store.find(CASES, "state", equal=("33.74",))
    await store.count(CASES, "state")
    await store.total(CASES)
    await store.unpublished(CASES)
    await store.events(CASES, id, 0)
    await store.mark_published(CASES, [(id, 0, 1)])
    await store.held(CASES)
    await store.held_count(CASES)
    await store.pending_count(CASES)
    await store.expire(CASES, id)
    await store.delete(CASES, id)

    assert list(cases.list_indexes()) == before
    assert engine.root[engine.database].list_collection_names() == ["cases"]
    assert engine.heard.count("createIndexes", "create", "dropIndexes") == 0


async def test_a_service_needs_no_right_to_make_indexes(
    engine: MongoEngine, mongo: MongoEndpoint
) -> None:
    """A user who may only read and write documents opens and uses what the deployer migrated."""
    database = engine.root[engine.database]
    actions = ["find", "insert", "update", "remove", "listIndexes"]
    resource = {"db": engine.database, "collection": ""}
    database.command(
        "createRole", "documents", privileges=[{"resource": resource, "actions": actions}], roles=[]
    )
    name = f"only-{engine.database}"
    role = {"role": "documents", "db": engine.database}
    engine.root.admin.command("createUser", name, pwd="secret", roles=[role])
    url = as_user(mongo.url, name, "secret", engine.database)
    try:
        async with open_mongo(url, (CASES,), engine.clock, driver=engine.name) as store:
            await store.update(CASES, an_id(1), adds("x"))
            assert await store.total(CASES) == 1
        later = Collection(name="cases", indexes=(Index("tenant", ("tenant",)),))
        with pytest.raises(NotAllowed):
            await migrate(url, (later,), driver=engine.name)
    finally:
        engine.root.admin.command("dropUser", name)
        database.command("dropRole", "documents")


async def test_migration_says_what_it_did_and_does_it_once(
    mongo: MongoEndpoint, driver: str
) -> None:
    """A second run does nothing; another declaration replaces; what others made stays."""
    database = f"aduan_test_{uuid4().hex[:12]}"
    url = with_database(mongo.url, database)
    root: MongoClient[dict[str, Any]] = MongoClient(mongo.url)
    changed = Collection(name="cases", indexes=(Index("state", ("tenant", "state")),))
    none = Collection(name="cases")
    try:
        first = await migrate(url, (CASES,), driver=driver)
        root[database]["cases"].create_index("somebody", name="elses")
        second = await migrate(url, (CASES,), driver=driver)
        third = await migrate(url, (changed,), driver=driver)
        fourth = await migrate(url, (none,), driver=driver)

        assert [line.split(" on ")[0] for line in first] == [
            "made the collection cases",
            "made the index cases.keys",
            "made the index cases.live",
            "made the index cases.pending",
            "made the index cases.waiting",
            "made the index cases.on_state",
        ]
        assert second == []
        assert [line.split()[0] for line in third] == ["dropped", "made"]
        assert [line.split(",")[0] for line in fourth] == ["dropped the index cases.on_state"]
        left = {index["name"] for index in root[database]["cases"].list_indexes()}
        assert left == {"_id_", "keys", "live", "pending", "waiting", "elses"}
    finally:
        root.drop_database(database)
        root.close()


async def test_documents_that_were_there_enter_an_index_that_is_declared_later(
    engine: MongoEngine,
) -> None:
    """Or a find would silently leave out whatever was written before the release."""
    store = engine.store
    for number in range(7):
        await store.update(CASES, an_id(number), put({"office": number if number > 2 else None}))
    await store.update(CASES, an_id(8), lambda _d, _n: Change("33.74", None, {}))
    later = Collection(
        name="cases",
        indexes=(*CASES.indexes, Index("office", ("tenant", "office"))),
        columns=lambda body: {**CASES.columns(body), "office": body.get("office")},
        keys=CASES.keys,
    )

    said = await migrate(engine.deployer, (later,), driver=engine.name)

    assert [line.split(" on ")[0] for line in said] == ["made the index cases.on_office"]
    assert said[0].endswith("with 4 documents that were there")
    async with open_mongo(engine.url, (later,), engine.clock, driver=engine.name) as other:
        page = await other.find(later, "office", equal=("33.74",))
        assert [document.id for document in page.documents] == [an_id(n) for n in range(3, 7)]
        assert await other.count(later, "office", equal=("33.74",)) == 4
        # a process of the older release, which ends a little later
        await store.update(CASES, an_id(3), put({"office": 3}))
        assert await other.count(later, "office", equal=("33.74",)) == 3
        assert await migrate(engine.deployer, (later,), driver=engine.name) == []
        again = await migrate(engine.deployer, (later,), driver=engine.name, thorough=True)
        assert again == ["put 1 documents into the index cases.on_office"]
        assert await other.count(later, "office", equal=("33.74",)) == 4


def test_the_address_may_name_the_driver() -> None:
    """`driver=` is ours and goes no further; the rest stays as it was."""
    assert split_driver("mongodb://h/d?driver=motor&w=1") == ("mongodb://h/d?w=1", "motor")
    assert split_driver("mongodb://h/d?driver=pymongo") == ("mongodb://h/d", "pymongo")
    assert split_driver("mongodb://u:p%40@h/d?a=b") == ("mongodb://u:p%40@h/d?a=b", None)
    with pytest.raises(BadAddress):
        split_driver("mongodb://h/d?driver=pigeon")


@pytest.mark.parametrize("url", ["mongodb://u:secret@h:x/d", "mongodb://u:secret@h/", "mongodb://"])
async def test_a_bad_address_is_refused_without_showing_it(driver: str, url: str) -> None:
    """It holds a password."""
    with pytest.raises(BadAddress) as refused:
        async with open_mongo(url, (CASES,), ManualClock(START), driver=driver):
            pass
    assert "secret" not in str(refused.value)


async def test_no_address_can_weaken_durability(engine: MongoEngine) -> None:
    """An option in the address that would acknowledge before the disk has no effect."""
    weak = f"{engine.url}&w=0&journal=false&readConcernLevel=local&readPreference=secondary"
    async with open_mongo(
        weak, (CASES,), engine.clock, driver=engine.name, listeners=[engine.heard]
    ) as store:
        engine.heard.commands.clear()
        await store.update(CASES, an_id(1), adds("x"))
        await store.mark_published(CASES, [(an_id(1), 0, 1)])
        await store.expire(CASES, an_id(1))
        await store.delete(CASES, an_id(1))

    sent = [command for name, command in engine.heard.commands if name != "endSessions"]
    writes = [command for command in sent if "writeConcern" in command]
    assert len(writes) == 4
    assert all(one["writeConcern"] == {"w": "majority", "j": True} for one in writes)
    reads = [command["readConcern"] for command in sent if "readConcern" in command]
    assert reads and all(concern["level"] == "majority" for concern in reads)


# -- size


async def test_a_document_that_would_be_too_large_is_refused_whole(engine: MongoEngine) -> None:
    """Before the engine does; what was there stays, and its company goes on."""
    store, id = engine.store, an_id(1)
    await store.update(CASES, id, put({"text": "x" * (9 << 20)}, [an_event("y" * (5 << 20))]))

    outcomes = await asyncio.gather(
        store.update(CASES, id, put({"text": "x" * (9 << 20)}, [an_event("z" * (2 << 20))])),
        store.update(CASES, an_id(2), put({"text": "x" * (16 << 20)})),
        store.update(CASES, an_id(3), put({"n": 3})),
        return_exceptions=True,
    )

    assert [type(outcome) for outcome in outcomes] == [DocumentFull, DocumentFull, Outcome]
    found = await store.get(CASES, id)
    assert found is not None and (found.version, found.event_seq) == (1, 1)
    assert await store.get(CASES, an_id(2)) is None
    # less body makes room again
    await store.update(CASES, id, put({}, [an_event("z" * (2 << 20))]))


async def test_the_engines_own_limit_comes_out_the_same(
    engine: MongoEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Should our sum ever be wrong: refused alone, in the same words."""
    monkeypatch.setattr(mongo_shape, "DOCUMENT_LIMIT", 1 << 30)
    store, id = engine.store, an_id(1)
    await store.update(CASES, id, put({}, [an_event("y" * (9 << 20))]))

    outcomes = await asyncio.gather(
        store.update(CASES, id, put({}, [an_event("z" * (9 << 20))])),
        store.update(CASES, an_id(2), put({"text": "x" * (17 << 20)})),
        store.update(CASES, an_id(3), put({"n": 3})),
        return_exceptions=True,
    )

    assert [type(outcome) for outcome in outcomes] == [DocumentFull, DocumentFull, Outcome]


async def test_an_update_never_loads_the_events(engine: MongoEngine) -> None:
    """Only `events` asks for them; a long history costs an update nothing on the wire."""
    store, id = engine.store, an_id(1)
    await store.update(CASES, id, adds("x"))
    await engine.reopen()
    store = engine.store
    await store.update(CASES, id, adds("y"))
    await store.get(CASES, id)
    await store.get_by_key(CASES, f"id:{id}")
    await store.find(CASES, "state")
    await store.unpublished(CASES)

    shown: list[Mapping[str, Any]] = [
        command["projection"] for name, command in engine.heard.commands if name == "find"
    ]
    assert len(shown) == 5
    assert all(projection and "events" not in projection for projection in shown)
    assert all(set(projection.values()) == {1} for projection in shown)
