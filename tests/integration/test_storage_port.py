"""The storage port's contract: one suite for every engine, with the same number of tests."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from aduan_storage_engines import SqliteEngine, StoreEngine, mongo_engine

from aduan.contracts.envelope import Raw
from aduan.errors import Busy
from aduan.messaging.partition import partition_of
from aduan.storage.groups import counted_by
from aduan.storage.port import (
    Body,
    Change,
    Collection,
    Decide,
    Document,
    Held,
    Index,
    KeyTaken,
    Pending,
    Store,
    StreamInbox,
    UndeclaredIndex,
)

CASES = Collection(
    name="cases",
    indexes=(
        Index("state", ("tenant", "state", "due")),
        Index("due", ("partition", "due")),
    ),
    columns=lambda body: {"state": body.get("state"), "due": body.get("due")},
    keys=lambda body: tuple(body.get("keys", ())),
)
A, B = "019ad3f0-0000-7000-8000-00000000000a", "019ad3f0-0000-7000-8000-00000000000b"


@pytest.fixture(params=["sqlite", "motor", "pymongo"])
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[StoreEngine]:
    """An empty store on each engine; the last two are the drivers of one."""
    if request.param == "sqlite":
        embedded = SqliteEngine(tmp_path / "store.db", (CASES,))
        yield embedded
        embedded.file_store.close()
        return
    async with mongo_engine(request.param, request.getfixturevalue("mongo"), (CASES,)) as served:
        yield served


@pytest.fixture
def store(engine: StoreEngine) -> Store:
    """The store, opened."""
    return engine.store


def an_event(seq: int, text: str = "") -> Raw:
    """An event with awkward bytes in it."""
    return Raw("t", A.encode(), f"v{seq}{text}".encode(), (("h", b"\x00\xff"), ("h", b"2")))


def put(body: Body | None, events: Sequence[Raw] = (), tenant: str = "33.74") -> Decide:
    """A decision that replaces the body and tells events."""

    def decide(document: Document | None, _: datetime) -> Change:
        inbox = document.inbox if document is not None else {}
        return Change(tenant, body, inbox, events)

    return decide


async def test_what_was_written_is_read_back_whole(store: Store) -> None:
    """Body, inbox with its waiting bytes, tenant, version and numbers survive."""
    inbox = {"intake": StreamInbox(3, {5: an_event(5)}), "sla": StreamInbox(1, {})}
    await store.update(CASES, A, lambda _d, _n: Change("33.74", {"state": "x"}, inbox))

    found = await store.get(CASES, A)

    assert found == Document(A, "33.74", 1, {"state": "x"}, inbox, 0, 0)


async def test_of_fifty_concurrent_increments_none_is_lost(store: Store) -> None:
    """A conflicting decision runs again on what the other one wrote."""
    runs = 0

    def add(document: Document | None, _: datetime) -> Change:
        nonlocal runs
        runs += 1
        body = document.body if document is not None and document.body is not None else {}
        return Change("33.74", {"n": body.get("n", 0) + 1}, {})

    for _ in range(10):
        await asyncio.gather(*(store.update(CASES, A, add) for _ in range(5)))
    found = await store.get(CASES, A)

    assert found is not None and found.body == {"n": 50}
    assert (found.version, runs > 50) == (50, True)


async def test_a_document_that_changes_for_ever_ends_in_busy(
    store: Store, engine: StoreEngine
) -> None:
    """After twenty conflicts the update gives up instead of hanging."""
    await store.update(CASES, A, put({"n": 0}))
    runs = 0

    def contend(document: Document | None, _: datetime) -> Change:
        nonlocal runs
        runs += 1
        # Somebody else writes between our read and our write, every time.
        engine.interfere("cases")
        assert document is not None
        return Change("33.74", {"n": runs}, {})

    with pytest.raises(Busy):
        await store.update(CASES, A, contend)

    found = await store.get(CASES, A)
    assert found is not None and (runs, found.body) == (20, {"n": 0})


async def test_a_taken_key_is_an_answer_that_names_its_holder(store: Store) -> None:
    """The second document gets KeyTaken and nothing of it is stored."""
    await store.update(CASES, A, put({"keys": ["ticket:1"]}))

    with pytest.raises(KeyTaken) as taken:
        await store.update(CASES, B, put({"keys": ["free", "ticket:1"]}, [an_event(1)]))

    assert (taken.value.key, taken.value.holder) == ("ticket:1", A)
    assert await store.get(CASES, B) is None
    assert await store.get_by_key(CASES, "free") is None
    assert await store.events(CASES, B, 0) == []


async def test_fifty_concurrent_inserts_with_one_key_have_one_winner(store: Store) -> None:
    """Idempotency rests on the key, not on looking first."""
    ids = [f"019ad3f0-0000-7000-8000-{number:012d}" for number in range(50)]
    results = await asyncio.gather(
        *(store.update(CASES, id, put({"keys": ["only"]})) for id in ids), return_exceptions=True
    )

    lost = [result for result in results if isinstance(result, KeyTaken)]
    winner = await store.get_by_key(CASES, "only")
    assert winner is not None and len(lost) == 49
    assert {result.holder for result in lost} == {winner.id}
    assert await store.total(CASES) == 1


async def test_a_key_that_a_document_gives_up_is_free_again(store: Store) -> None:
    """Keys follow the body."""
    await store.update(CASES, A, put({"keys": ["k"]}))
    await store.update(CASES, A, put({"keys": []}))
    await store.update(CASES, B, put({"keys": ["k"]}))

    found = await store.get_by_key(CASES, "k")
    assert found is not None and found.id == B


async def test_the_own_id_is_a_key(store: Store) -> None:
    """`id:<id>` finds every document."""
    await store.update(CASES, A, put({}))

    found = await store.get_by_key(CASES, f"id:{A}")
    assert found is not None and found.id == A


async def test_a_fresh_update_finds_a_document_that_is_there_all_the_same(
    store: Store,
) -> None:
    """The spared look is an economy, never a promise that was not checked."""
    await store.update(CASES, A, put({"n": 1}))

    def add(document: Document | None, _: datetime) -> Change:
        known = document.body["n"] if document is not None and document.body is not None else 0
        return Change("33.74", {"n": known + 1}, {})

    await store.update(CASES, A, add, fresh=True)
    await store.update(CASES, B, add, fresh=True)
    found = [await store.get(CASES, id) for id in (A, B)]

    assert [one.body for one in found if one is not None] == [{"n": 2}, {"n": 1}]


async def test_a_decision_of_none_writes_nothing(store: Store, engine: StoreEngine) -> None:
    """No version, no commit."""
    before = engine.commits
    outcome = await store.update(CASES, A, lambda _d, _n: None)

    assert (outcome.changed, await store.get(CASES, A), engine.commits) == (False, None, before)


async def test_what_a_decision_raises_comes_out_and_changes_nothing(store: Store) -> None:
    """A refusal leaves the document as it was."""

    def refuse(_d: Document | None, _n: datetime) -> Change:
        raise LookupError

    await store.update(CASES, A, put({"n": 1}))
    with pytest.raises(LookupError):
        await store.update(CASES, A, refuse)

    found = await store.get(CASES, A)
    assert found is not None and found.version == 1


async def test_found_in_index_order_by_prefix_and_range(store: Store) -> None:
    """Equal columns first, then a half-open range, in order, page by page, both ways."""
    ids = [f"019ad3f0-0000-7000-8000-{number:012d}" for number in range(7)]
    for number, id in enumerate(ids):
        await store.update(CASES, id, put({"state": "open", "due": f"2026-12-0{number + 1}"}))
    await store.update(CASES, A, put({"state": "shut", "due": "2026-12-03"}))

    page = await store.find(
        CASES, "state", equal=("33.74", "open"), low="2026-12-02", high="2026-12-06", limit=3
    )
    rest = await store.find(
        CASES,
        "state",
        equal=("33.74", "open"),
        low="2026-12-02",
        high="2026-12-06",
        after=page.after,
        limit=3,
    )
    back = await store.find(CASES, "state", equal=("33.74", "open"), limit=2, descending=True)

    assert [document.id for document in page.documents] == ids[1:4]
    assert ([document.id for document in rest.documents], rest.after) == ([ids[4]], None)
    assert [document.id for document in back.documents] == [ids[6], ids[5]]
    assert await store.count(CASES, "state", equal=("33.74", "open"), high="2026-12-03") == 2


async def test_a_document_with_none_in_a_column_is_not_in_the_index(store: Store) -> None:
    """Sparse by design: what has no due date costs a tick nothing."""
    await store.update(CASES, A, put({"state": "open"}))

    page = await store.find(CASES, "state", equal=("33.74", "open"))
    assert list(page.documents) == []


async def test_another_tenant_is_not_found(store: Store) -> None:
    """The tenant is a column of every document."""
    await store.update(CASES, A, put({"state": "open", "due": "x"}, tenant="35.73"))

    assert await store.count(CASES, "state", equal=("33.74", "open")) == 0
    assert await store.count(CASES, "state", equal=("35.73", "open")) == 1


async def test_a_placeholder_is_read_but_never_found_or_counted(store: Store) -> None:
    """It keeps an inbox for a case that has not opened."""
    inbox = {"routing": StreamInbox(1, {2: an_event(2)})}
    await store.update(CASES, A, lambda _d, _n: Change("33.74", None, inbox))

    found = await store.get(CASES, A)
    assert found is not None and found.body is None and found.has_waiting
    assert await store.total(CASES) == 0
    assert [held.id for held in await store.held(CASES)] == [A]
    assert await store.held_count(CASES) == 1


async def test_the_partitions_with_something_due_are_told_in_one_question(store: Store) -> None:
    """Of those that were asked for; what is due later, and what is a placeholder, does not count."""
    ids = {partition_of(id): id for id in (A[:-2] + f"{n:02x}" for n in range(64))}
    early, late, never, other, *_ = ids
    await store.update(CASES, ids[early], put({"due": "2026-12-01"}))
    await store.update(CASES, ids[late], put({"due": "2026-12-02"}))
    await store.update(CASES, ids[never], put({}))
    await store.update(CASES, ids[other], put({"due": "2026-12-01"}))
    mine = [early, late, never]

    assert list(await store.partitions_due(CASES, "due", mine, high="2026-12-02")) == [early]
    assert set(await store.partitions_due(CASES, "due", mine, high="2026-12-03")) == {early, late}
    assert list(await store.partitions_due(CASES, "due", [], high="2026-12-03")) == []
    with pytest.raises(ValueError, match="partition"):
        await store.partitions_due(CASES, "state", mine, high="2026-12-03")


async def test_an_undeclared_index_raises(store: Store) -> None:
    """There are no scans."""
    with pytest.raises(UndeclaredIndex):
        await store.find(CASES, "colour")
    with pytest.raises(UndeclaredIndex):
        await store.count(CASES, "colour")
    with pytest.raises(UndeclaredIndex):
        await store.partitions_due(CASES, "colour", [1], high="x")


@pytest.mark.parametrize("limit", [0, 501])
async def test_a_limit_is_between_one_and_five_hundred(store: Store, limit: int) -> None:
    """Nobody reads a whole collection at once."""
    with pytest.raises(ValueError, match="limit"):
        await store.find(CASES, "due", equal=(1,), limit=limit)


async def test_events_are_numbered_and_pending_until_marked(store: Store) -> None:
    """seq has no gap over writes; a mark takes a document off the pending list."""
    await store.update(CASES, A, put({}, [an_event(1), an_event(2)]))
    outcome = await store.update(CASES, A, put({}, [an_event(3)]))

    stored = await store.events(CASES, A, 0)
    assert [event.seq for event in stored] == [1, 2, 3]
    assert [event.raw for event in stored] == [an_event(1), an_event(2), an_event(3)]
    assert outcome.after_seq == 2
    assert await store.pending_count(CASES) == 3
    await store.mark_published(CASES, [(A, 0, 3)])
    assert (await store.pending_count(CASES), list(await store.unpublished(CASES))) == (0, [])


async def test_a_mark_with_a_gap_before_it_does_nothing(store: Store) -> None:
    """Events 1 and 2 are not published: marking 3 would lose them."""
    await store.update(CASES, A, put({}, [an_event(1), an_event(2), an_event(3)]))

    await store.mark_published(CASES, [(A, 2, 3)])

    assert [p.published_seq for p in await store.unpublished(CASES)] == [0]


@pytest.mark.parametrize(
    ("marks", "left"),
    [
        ([(A, 0, 1), (A, 1, 2)], 1),
        ([(A, 0, 1), (A, 2, 3)], 2),
        ([(A, 0, 2), (A, 1, 3)], 0),
        ([(A, 1, 2), (A, 0, 1)], 2),
    ],
)
async def test_marks_of_one_document_in_one_call_count_one_after_the_other(
    store: Store, marks: list[tuple[str, int, int]], left: int
) -> None:
    """As if each were written by itself, in this order."""
    await store.update(CASES, A, put({}, [an_event(1), an_event(2), an_event(3)]))

    await store.mark_published(CASES, marks)

    assert await store.pending_count(CASES) == left


async def test_a_refused_write_takes_no_neighbour_of_its_group_along(store: Store) -> None:
    """Three writes wait together; the one whose key is taken fails, and it alone."""
    await store.update(CASES, A, put({"keys": ["k"]}))
    await store.update(CASES, B, put({"n": 0}))
    c, d = A[:-1] + "c", A[:-1] + "d"

    outcomes = await asyncio.gather(
        store.update(CASES, c, put({"keys": ["free"]}, [an_event(1)])),
        store.update(CASES, d, put({"keys": ["k"]}, [an_event(1)])),
        store.update(CASES, B, put({"n": 1}, [an_event(1)])),
        return_exceptions=True,
    )

    assert [isinstance(outcome, KeyTaken) for outcome in outcomes] == [False, True, False]
    assert await store.get(CASES, d) is None
    assert await store.pending_count(CASES) == 2
    found = await store.get(CASES, B)
    assert found is not None and found.body == {"n": 1}
    by_key = await store.get_by_key(CASES, "free")
    assert by_key is not None and by_key.id == c


async def test_a_write_after_expiry_decides_on_what_is_left(store: Store) -> None:
    """Whatever the adapter still remembers of the document, the decision does not see it."""
    await store.update(CASES, A, put({"n": 1}))
    await store.expire(CASES, A)
    seen: list[Body | None] = []

    def look(document: Document | None, _: datetime) -> None:
        seen.append(document.body if document is not None else None)

    await store.update(CASES, A, look)

    assert seen[-1] is None


async def test_a_mark_never_goes_back(store: Store) -> None:
    """A late relay cannot lower what another one marked."""
    await store.update(CASES, A, put({}, [an_event(1), an_event(2)]))
    await store.mark_published(CASES, [(A, 0, 2)])

    await store.mark_published(CASES, [(A, 0, 1)])

    assert await store.pending_count(CASES) == 0


async def test_unpublished_is_walked_by_cursor_oldest_first(store: Store) -> None:
    """A document that cannot be published hides no other."""
    for id in (A, B):
        await store.update(CASES, id, put({}, [an_event(1)]))

    first = await store.unpublished(CASES, limit=1)
    second = await store.unpublished(CASES, after=(first[0].since, first[0].id), limit=1)

    assert [pending.id for pending in (*first, *second)] == [A, B]
    assert list(await store.unpublished(CASES, older_than=60.0)) == []
    assert list(await store.unpublished(CASES, after=(first[0].since + 1, ""))) == []


async def test_ids_are_walked_in_order_placeholders_too(store: Store) -> None:
    """A pass over all documents meets each once, whatever it holds."""
    await store.update(CASES, B, put({}, [an_event(1)]))
    await store.update(CASES, A, lambda _, __: Change("33.74", None, {}))

    first = await store.ids(CASES, limit=1)
    rest = await store.ids(CASES, after=first[0])

    assert ([A], [B]) == (list(first), list(rest))
    assert list(await store.ids(CASES, after=B)) == []


async def test_expiry_drops_the_content_and_keeps_the_inbox(store: Store) -> None:
    """A late event of an expired case is still recognised as done."""
    inbox = {"intake": StreamInbox(4, {})}
    body = {"keys": ["k"], "state": "open", "due": "x"}
    await store.update(CASES, A, lambda _d, _n: Change("33.74", body, inbox, [an_event(1)]))

    await store.expire(CASES, A)

    found = await store.get(CASES, A)
    assert found is not None and (found.body, found.inbox) == (None, inbox)
    assert await store.get_by_key(CASES, "k") is None
    assert list(await store.events(CASES, A, 0)) == []
    assert await store.pending_count(CASES) == 0
    assert await store.count(CASES, "state", equal=("33.74",)) == 0


async def test_numbers_sort_as_numbers_and_are_paged_both_ways(store: Store) -> None:
    """Ten comes after nine; pages neither overlap nor leave anything out."""
    ids = [f"019ad3f0-0000-7000-8000-{number:012d}" for number in range(12)]
    for number, id in enumerate(ids):
        await store.update(CASES, id, put({"state": "open", "due": 8 + number // 3}))

    for descending in (False, True):
        seen: list[str] = []
        after: tuple[str | int, ...] | None = None
        while True:
            page = await store.find(
                CASES,
                "state",
                equal=("33.74", "open"),
                low=9,
                after=after,
                limit=2,
                descending=descending,
            )
            seen += [document.id for document in page.documents]
            after = page.after
            if after is None:
                break
        assert seen == (ids[3:][::-1] if descending else ids[3:])
    assert await store.count(CASES, "state", equal=("33.74", "open"), low=9, high=11) == 6


async def test_an_empty_range_finds_nothing(store: Store) -> None:
    """Half open: what begins where it ends is empty, and what ends before too."""
    await store.update(CASES, A, put({"state": "open", "due": "d"}))

    for low, high in (("d", "d"), ("e", "d")):
        page = await store.find(CASES, "state", equal=("33.74", "open"), low=low, high=high)
        assert (list(page.documents), page.after) == ([], None)
        assert await store.count(CASES, "state", equal=("33.74", "open"), low=low, high=high) == 0


async def test_a_find_by_every_column_and_by_none(store: Store) -> None:
    """A prefix may be the whole index, or nothing of it; more values than columns are a mistake."""
    await store.update(CASES, A, put({"state": "open", "due": "d"}))
    await store.update(CASES, B, put({"state": "open", "due": "e"}))

    whole = await store.find(CASES, "state", equal=("33.74", "open", "d"))
    none = await store.find(CASES, "state")

    assert [document.id for document in whole.documents] == [A]
    assert [document.id for document in none.documents] == [A, B]
    with pytest.raises(ValueError, match="fewer columns"):
        await store.find(CASES, "state", equal=("33.74", "open", "d", "x"))
    with pytest.raises(ValueError, match="fewer columns"):
        await store.count(CASES, "state", equal=("33.74", "open", "d"), low="x")
    with pytest.raises(ValueError, match="cursor"):
        await store.find(CASES, "state", equal=("33.74",), after=("x",))


async def test_awkward_texts_survive(store: Store) -> None:
    """What means something to an engine means nothing in a value."""
    body = {
        "state": "$open",
        "due": "$$ROOT",
        "keys": ["$k", "a.b", "k\0", "ö"],
        "$set": {"a.b": 1},
    }
    inbox = {"a.b$c": StreamInbox(1, {2: an_event(2, "$\0ö")})}
    await store.update(CASES, A, lambda _d, _n: Change("$t", {}, {}))
    await store.update(CASES, A, lambda _d, _n: Change("$t", body, inbox, [an_event(1)]))

    for key in ("$k", "a.b", "k\0", "ö"):
        found = await store.get_by_key(CASES, key)
        assert found == Document(A, "$t", 2, body, inbox, 1, 0)
    page = await store.find(CASES, "state", equal=("$t", "$open"), low="$$ROOT", high="$$ROOU")
    assert [document.id for document in page.documents] == [A]


async def test_a_change_whose_key_is_taken_leaves_the_document_as_it_was(store: Store) -> None:
    """Not only the first write can meet a taken key."""
    await store.update(CASES, A, put({"keys": ["k"]}))
    await store.update(CASES, B, put({"n": 1, "keys": ["own"]}))

    with pytest.raises(KeyTaken) as taken:
        await store.update(CASES, B, put({"n": 2, "keys": ["own", "k"]}, [an_event(1)]))

    assert (taken.value.key, taken.value.holder) == ("k", A)
    found = await store.get_by_key(CASES, "own")
    assert found is not None and (found.body, found.version, found.event_seq) == (
        {"n": 1, "keys": ["own"]},
        1,
        0,
    )


async def test_pending_counts_from_the_oldest_event(store: Store, engine: StoreEngine) -> None:
    """An event that follows does not make the wait look shorter; after a mark it starts anew."""
    begun = engine.clock.wall().timestamp()
    await store.update(CASES, A, put({}, [an_event(1)]))
    engine.clock.advance(timedelta(seconds=10))
    await store.update(CASES, A, put({}, [an_event(2)]))

    assert list(await store.unpublished(CASES, older_than=10.0)) == [Pending(A, 2, 0, begun)]
    await store.mark_published(CASES, [(A, 0, 1)])
    assert list(await store.unpublished(CASES)) == [Pending(A, 2, 1, begun)]
    await store.mark_published(CASES, [(A, 1, 2)])
    await store.update(CASES, A, put({}, [an_event(3)]))
    assert list(await store.unpublished(CASES)) == [Pending(A, 3, 2, begun + 10)]
    assert list(await store.unpublished(CASES, older_than=1.0)) == []


async def test_held_says_since_when_and_what_waits(store: Store, engine: StoreEngine) -> None:
    """Since the first event that waits; gone when none does."""
    begun = engine.clock.wall().timestamp()

    def waits(*seqs: int) -> Decide:
        waiting = {seq: an_event(seq) for seq in seqs}
        return lambda _d, _n: Change("33.74", {}, {"sla": StreamInbox(1, waiting)})

    await store.update(CASES, A, waits(2))
    engine.clock.advance(timedelta(seconds=10))
    await store.update(CASES, A, waits(2, 3))

    held = await store.held(CASES, older_than=10.0)
    assert held == [Held(A, "33.74", begun, True, {"sla": 2})]
    assert (await store.held_count(CASES), await store.held(CASES, older_than=11.0)) == (2, [])
    await store.update(CASES, A, waits())
    assert (await store.held_count(CASES), await store.held(CASES)) == (0, [])


async def test_what_was_deleted_is_gone_with_its_keys(store: Store) -> None:
    """A dead letter that was dealt with leaves nothing behind."""
    await store.update(CASES, A, put({"keys": ["k"], "state": "open", "due": "d"}))
    await store.delete(CASES, A)

    assert (await store.get(CASES, A), await store.get_by_key(CASES, "k")) == (None, None)
    assert (await store.total(CASES), await store.count(CASES, "state")) == (0, 0)
    await store.update(CASES, B, put({"keys": ["k"]}))
    await store.update(CASES, A, put({"n": 1}))
    found = await store.get(CASES, A)
    assert found is not None and found.version == 1


async def test_events_are_read_on_from_any_seq(store: Store) -> None:
    """A refill reads in pages; after expiry numbers go on where they were."""
    await store.update(CASES, A, put({}, [an_event(seq) for seq in range(1, 6)]))

    page = await store.events(CASES, A, 2, limit=2)
    assert [event.seq for event in page] == [3, 4]
    assert list(await store.events(CASES, "nobody", 0)) == []
    await store.expire(CASES, A)
    await store.update(CASES, A, put({}, [an_event(6)]))
    assert [event.seq for event in await store.events(CASES, A, 0)] == [6]
    assert [(one.event_seq, one.published_seq) for one in await store.unpublished(CASES)] == [
        (6, 5)
    ]


async def test_what_was_acknowledged_is_there_after_reopening(
    store: Store, engine: StoreEngine
) -> None:
    """Durable means readable by the next process."""
    await store.update(CASES, A, put({"n": 1}, [an_event(1)]))
    await engine.reopen()

    found = await engine.store.get(CASES, A)
    assert found is not None and (found.body, found.event_seq) == ({"n": 1}, 1)


async def test_the_engine_reads_its_durability_back(engine: StoreEngine) -> None:
    """A commit waits for the disk; the engine itself says so."""
    assert await engine.durability() == engine.durable


async def test_writes_that_wait_together_share_one_commit(
    store: Store, engine: StoreEngine
) -> None:
    """A hundred waiting updates take far fewer commits than a hundred."""
    ids = [f"019ad3f0-0000-7000-8000-{number:012d}" for number in range(100)]
    before = engine.commits
    await asyncio.gather(*(store.update(CASES, id, put({})) for id in ids))

    assert 0 < engine.commits - before <= 10


@pytest.mark.parametrize("index", ["state", "due"])
async def test_a_find_searches_its_index_and_sorts_nothing(engine: StoreEngine, index: str) -> None:
    """The plan of the engine names the index; a scan or a sort would grow with the collection."""
    plan = await engine.plan_of_find(CASES, index)

    assert (plan.index, plan.scans, plan.sorts) == (index, False, False)


async def test_a_count_reads_its_index_and_no_document(engine: StoreEngine) -> None:
    """Operators' pages count at each look; fetching what is counted took seconds at 100,000 cases."""
    plan = await engine.plan_of_count(CASES, "state")

    assert (plan.index, plan.fetches, plan.scans, plan.sorts) == ("state", False, False, False)


async def test_what_is_due_is_seen_in_its_index_and_in_no_document(engine: StoreEngine) -> None:
    """Every worker asks this every second, all day."""
    plan = await engine.plan_of_due(CASES, "due")

    assert (plan.index, plan.fetches, plan.scans, plan.sorts) == ("due", False, False, False)


async def test_documents_are_counted_by_the_value_of_a_column(store: Store) -> None:
    """Each value that occurs, with how many have it: texts that begin alike, and numbers."""
    states = ["triage", "triage-b", "triage", "answered", "z"]
    for number, state in enumerate(states):
        body = {"state": state, "due": number % 2}
        await store.update(CASES, f"case-{number}", put(body))
    await store.update(CASES, "other", put({"state": "elsewhere", "due": 0}, tenant="35.73"))
    await store.update(CASES, "none", put({"due": 0}))

    by_state = await counted_by(store, CASES, "state", ("33.74",))
    by_due = await counted_by(store, CASES, "state", ("33.74", "triage"))
    assert {"answered": 1, "triage": 2, "triage-b": 1, "z": 1} == by_state
    assert {0: 2} == by_due
    assert {} == await counted_by(store, CASES, "state", ("99.99",))
