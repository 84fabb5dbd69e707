"""Units with a system of their own: what goes into their topics, in which order, and what never does."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from aduan_routing_world import TENANT, CaseEvents, Routing, routing_in
from aduan_unit_topics import (
    EmbeddedTopics,
    KafkaTopics,
    UnitTopics,
    answered,
    connect,
    connections_of,
    teller_of,
)

from aduan.contracts.envelope import Raw
from aduan.contracts.opd import UNIT_EVENT_TYPE, unit_topic
from aduan.errors import Busy
from aduan_routing.connections import Connections
from aduan_routing.domain.case import CASES

SECRET = "Kabel listrik bertegangan tinggi menjuntai di depan rumah saya."
OVERSIGHT = {"class": "pengaduan_berkadar_pengawasan"}


@pytest.fixture(params=["sqlite", "kafka"])
def topics(request: pytest.FixtureRequest) -> UnitTopics:
    """The embedded log, and a real broker."""
    if request.param == "sqlite":
        return EmbeddedTopics()
    return KafkaTopics(request.getfixturevalue("kafka").address)


@pytest.fixture
async def routing(tmp_path: Path, topics: UnitTopics) -> AsyncIterator[Routing]:
    """Routing with two connected offices and one that is not."""
    await topics.make("DPU", "DISHUB", "INSPEKTORAT")
    async with routing_in(tmp_path, units_bus=topics.url) as opened:
        await connect(opened, "DPU", "DISHUB")
        yield opened


async def test_a_unit_hears_of_its_cases_in_order_with_the_ids_of_the_events(
    routing: Routing, topics: UnitTopics
) -> None:
    """Its own record of each event: the same id and seq, the version of the case; then nothing."""
    case = CaseEvents("own")
    await routing.hears(case.created())
    await answered(routing, case)
    await teller_of(routing).round()
    await teller_of(routing).round()
    events = await routing.cases.store.events(CASES, case.id, 0)
    found = await topics.read(routing, "DPU")

    assert [(dict(e.raw.headers)["ce_id"].decode(), e.seq) for e in events] == [
        (one.id, one.seq) for one in found
    ]
    assert [1, 2, 3, 4] == [one.data["version"] for one in found]
    assert ["assigned", "accepted", "in_progress", "answered"] == [
        one.data["case"]["state"] for one in found
    ]
    assert {("own", UNIT_EVENT_TYPE, case.id)} == {(o.kind, o.type, o.case) for o in found}
    assert "Sudah ditambal." == found[-1].data["answer"]["text"]
    assert [] == await topics.read(routing, "DISHUB")


async def test_a_unit_that_is_not_connected_has_no_job(routing: Routing) -> None:
    """Nothing in the document, nothing in the index."""
    case = CaseEvents("inspected")
    await routing.hears(case.created())
    await routing.done(case, "assign", "coordinator", {"opd": "INSPEKTORAT"})
    await teller_of(routing).round()

    assert {} == (await routing.body(case))["units"]
    assert 0 == sum(
        [await routing.cases.store.count(CASES, "tells", equal=(n,)) for n in range(24)]
    )


async def test_a_unit_that_loses_a_case_hears_so_once_and_then_nothing(
    routing: Routing, topics: UnitTopics
) -> None:
    """`left` names the case and no more; the other unit's first record is its assignment."""
    case = CaseEvents("moved")
    await routing.hears(case.created())
    await routing.done(case, "assign", "coordinator", {"opd": "DISHUB"})
    await teller_of(routing).round()
    await routing.done(case, "accept", "DISHUB")
    await teller_of(routing).round()
    lost = await topics.read(routing, "DPU")
    won = await topics.read(routing, "DISHUB")

    assert [("own", 1), ("left", 2)] == [(one.kind, one.seq) for one in lost]
    assert {"kind", "unit", "ticket", "version"} == lost[-1].data.keys()
    assert [("own", 2), ("own", 3)] == [(one.kind, one.seq) for one in won]
    assert {"DISHUB"} == (await routing.body(case))["units"].keys()


async def test_a_copied_unit_is_told_and_never_of_a_confidential_case(
    routing: Routing, topics: UnitTopics
) -> None:
    """Tembusan: told as a copy; when the case closes its door, the copy hears only that it left."""
    case = CaseEvents("copied")
    await routing.hears(case.created())
    await routing.done(case, "assign", "coordinator", {"opd": "INSPEKTORAT"})
    await routing.done(case, "assign", "coordinator", {"opd": "DPU", "copies": ["DISHUB"]})
    await teller_of(routing).round()
    await routing.done(case, "reclassify", "coordinator", {"confidential": True})
    await routing.done(case, "accept", "DPU")
    await teller_of(routing).round()

    assert [("copy", 3), ("left", 4)] == [
        (one.kind, one.seq) for one in await topics.read(routing, "DISHUB")
    ]
    assert [("own", 1), ("left", 2), ("own", 3), ("own", 4), ("own", 5)] == [
        (one.kind, one.seq) for one in await topics.read(routing, "DPU")
    ]


async def test_the_words_of_a_confidential_case_stay_behind_their_reference(
    tmp_path: Path, topics: UnitTopics
) -> None:
    """Also in records of events from before the door was closed, and there is something to claim."""
    await topics.make("DPU")
    content = {"title": None, "text": SECRET, "place_text": None, "lat": None, "lng": None}
    intake = httpx.MockTransport(lambda _: httpx.Response(200, json=content))
    async with routing_in(tmp_path, units_bus=topics.url, intake=intake) as routing:
        await connect(routing, "DPU")
        secret, late = CaseEvents("secret", 1), CaseEvents("late", 2)
        await routing.hears(secret.secret(), late.created())
        await routing.done(secret, "assign", "coordinator", {"opd": "DPU", "note": "Segera."})
        await answered(routing, late)
        await routing.done(late, "reclassify", "coordinator", {"confidential": True})
        for action, fields in (
            ("accept", {}), ("start", {}), ("ask", {"question": "Di rumah nomor berapa?"}),
        ):  # fmt: skip
            await routing.done(secret, action, "DPU", fields)
        await teller_of(routing).round()
        found = await topics.read(routing, "DPU")
        claimed = await routing.call("GET", found[0].data["content_ref"], "DPU")

    assert {secret.id, late.id} == {one.case for one in found}
    for one in found:
        assert f"/v1/cases/{one.case}/content" == one.data["content_ref"]
        text = str(one.data)
        assert not any(word in text for word in ("Segera", "nomor", "ditambal", "Kabel")), text
    assert claimed.status_code in (200, 503)


async def test_nothing_of_a_case_about_oversight_goes_out(
    routing: Routing, topics: UnitTopics
) -> None:
    """Not what was still owed when the door closed, and nothing to the inspectorate's topic either."""
    await connect(routing, "INSPEKTORAT")
    known, unknown = CaseEvents("known", 1), CaseEvents("unknown", 2)
    await routing.hears(known.created())
    await teller_of(routing).round()
    await routing.hears(unknown.created())
    for case in (known, unknown):
        await routing.done(case, "reclassify", "coordinator", OVERSIGHT)
        await routing.done(case, "assign", "coordinator", {"opd": "INSPEKTORAT"})
    await teller_of(routing).round()
    found = await topics.read(routing, "DPU")

    assert [(known.id, "own"), (known.id, "left"), (unknown.id, "left")] == sorted(
        [(one.case, one.kind) for one in found],
        key=lambda one: (one[0] != known.id, one[1] == "left"),
    )
    assert [] == await topics.read(routing, "INSPEKTORAT")


async def test_a_crash_between_record_and_mark_repeats_the_record(
    routing: Routing, topics: UnitTopics, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never the other way round: with the same id, so the unit knows it."""
    case = CaseEvents("crash")
    await routing.hears(case.created())
    with monkeypatch.context() as broken:

        async def away(*_: Any, **__: Any) -> None:
            raise Busy("away")

        broken.setattr(routing.cases, "command", away)
        await teller_of(routing).round()
    await teller_of(routing).round()
    found = await topics.read(routing, "DPU")

    assert 2 == len(found)
    assert 1 == len({one.id for one in found})


class Stubborn:
    """A log in which one topic takes nothing, as one without topic or access list does."""

    def __init__(self, log: Any, topic: str) -> None:
        self.log = log
        self.topic = topic
        self.tries = 0

    async def publish(self, topic: str, records: Sequence[Raw]) -> Sequence[bool]:
        """Refuse the one topic."""
        if topic == self.topic:
            self.tries += 1
            raise Busy("no such topic")
        found: Sequence[bool] = await self.log.publish(topic, records)
        return found

    async def close(self) -> None:
        """The real one is closed by routing."""


async def test_a_topic_that_fails_holds_neither_another_unit_nor_the_relay(
    routing: Routing, topics: UnitTopics
) -> None:
    """It is tried again after a pause that grows, and then nothing is missing and all in order."""
    teller = teller_of(routing)
    log = teller._log
    stubborn = Stubborn(log, unit_topic(TENANT, "DPU"))
    teller._log = stubborn
    theirs, others = CaseEvents("stuck", 1), CaseEvents("fine", 2)
    await routing.hears(theirs.created(), others.created())
    await routing.done(others, "assign", "coordinator", {"opd": "DISHUB"})
    await teller.round()
    for _ in range(3):
        await routing.done(theirs, "reclassify", "coordinator", {"title": f"Judul {_}"})
        await teller.round()
    pending = await routing.cases.store.pending_count(CASES)
    once = stubborn.tries
    routing.later(seconds=1.1)
    await teller.round()
    routing.later(seconds=1.1)
    await teller.round()

    assert ["own"] == [one.kind for one in await topics.read(routing, "DISHUB")]
    assert [] == await topics.read(routing, "DPU")
    assert (1, 2) == (once, stubborn.tries), "the pause grows: 1 second, then 2"
    assert pending == await routing.cases.store.pending_count(CASES)

    teller._log = log
    routing.later(minutes=10)
    await teller.round()
    found = await topics.read(routing, "DPU")

    assert [1, 2, 3, 4] == [one.seq for one in found if one.case == theirs.id]
    assert ["own", "left"] == [one.kind for one in found if one.case == others.id]


async def test_the_end_of_a_connection_ends_its_jobs_and_a_new_one_begins_anew(
    routing: Routing, topics: UnitTopics
) -> None:
    """What happened in between is in the snapshot, and in no topic."""
    case = CaseEvents("again")
    await routing.hears(case.created())
    ended = await routing.call("DELETE", "/v1/offices/DPU/connection", "admin")
    await routing.done(case, "accept", "DPU")
    await teller_of(routing).round()
    between = await routing.body(case)
    await connect(routing, "DPU")
    await routing.done(case, "start", "DPU")
    await teller_of(routing).round()

    assert 204 == ended.status_code
    assert {} == between["units"]
    assert [3] == [one.seq for one in await topics.read(routing, "DPU")]


async def test_a_case_that_moved_in_a_replica_that_did_not_know_is_told_of(
    routing: Routing, topics: UnitTopics
) -> None:
    """Another replica connected the unit; this one moved a case before it heard of it."""
    await connect(routing, "INSPEKTORAT")
    old, moved, copied = (CaseEvents(name, n) for n, name in enumerate(("old", "moved", "copied")))
    unit = "33.74.01"
    await topics.make(unit)
    await routing.hears(old.created())
    await routing.done(old, "assign", "coordinator", {"opd": unit})
    routing.later(minutes=1)
    store = routing.cases.store
    elsewhere = Connections(store, routing.clock, (TENANT,), refresh_seconds=2.0)
    made = await elsewhere.connect(TENANT, unit, by="test")
    await routing.hears(moved.created(), copied.created())
    await routing.done(moved, "assign", "coordinator", {"opd": unit})
    await routing.done(copied, "assign", "coordinator", {"opd": "DISHUB", "copies": [unit]})
    await teller_of(routing).look()
    early = await store.get(CASES, moved.id)
    routing.later(seconds=connections_of(routing).settled_after / timedelta(seconds=1))
    await teller_of(routing).look()
    await teller_of(routing).look()
    await teller_of(routing).round()
    listed = (await routing.call("GET", "/v1/offices/connections", "admin")).json()["items"]

    assert unit not in early.body["units"]
    assert {(moved.id, "own", 2), (copied.id, "copy", 2)} == {
        (one.case, one.kind, one.seq) for one in await topics.read(routing, unit)
    }
    assert (made.topic, made.group, True) == next(
        (one["topic"], one["group"], one["complete"]) for one in listed if one["code"] == unit
    )


async def test_the_version_of_a_case_is_the_place_of_its_last_event(tmp_path: Path) -> None:
    """The marks count on it: each step that tells something tells one event."""
    async with routing_in(tmp_path) as routing:
        case = CaseEvents("versions")
        await routing.hears(case.created())
        await answered(routing, case)
        await routing.hears(case.replied("objection", routing.later(hours=1)))
        await answered(routing, case)
        await routing.hears(case.elapsed("auto_close", (await routing.body(case))["answered_at"]))
        await routing.hears(case.replied("rating", routing.clock.now(), rating=5))
        told = await routing.told(case)

    assert len(told) > 6
    assert list(range(1, len(told) + 1)) == [one["case"]["version"] for one in told]


async def test_only_an_operator_of_the_tenant_connects_and_sees_connections(
    tmp_path: Path,
) -> None:
    """Not an office, not a stranger; a unit that the directory does not have is not there."""
    async with routing_in(tmp_path) as routing:
        path = "/v1/offices/DPU/connection"
        answers = [
            (await routing.call("PUT", path, "DPU")).status_code,
            (await routing.call("DELETE", path, "coordinator")).status_code,
            (await routing.call("GET", "/v1/offices/connections", "stranger")).status_code,
            (await routing.call("PUT", "/v1/offices/NOBODY/connection", "admin")).status_code,
            (await routing.call("DELETE", path, "admin")).status_code,
        ]
        first = (await routing.call("PUT", path, "admin")).json()
        second = (await routing.call("PUT", path, "admin")).json()

    assert [403, 403, 403, 404, 404] == answers
    assert first == second
    assert ("opd.33.74.DPU.cases", "opd.33.74.DPU") == (first["topic"], first["group"])


async def test_a_connection_outlives_the_process(tmp_path: Path) -> None:
    """The first event after a start finds the unit connected, before any worker has looked."""
    async with routing_in(tmp_path) as routing:
        await connect(routing, "DPU")
    async with routing_in(tmp_path) as routing:
        case = CaseEvents("restart")
        await routing.hears(case.created())
        body = await routing.body(case)

    assert [[1, "own"]] == body["units"]["DPU"]["owed"]
