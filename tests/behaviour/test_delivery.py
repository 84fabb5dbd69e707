"""The consumer loop, the relay and the dead letters at work between two small services."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aduan_harness import World, eventually, records_of

from aduan.cases import Handler
from aduan.clock import ManualClock
from aduan.contracts.envelope import Emit, Incoming, Raw, Reaction
from aduan.contracts.examples import CASE_ID, EXAMPLES
from aduan.contracts.values import CANARY_TENANT, View
from aduan.errors import Busy, Poison
from aduan.messaging.inbox import WAITING_PER_STREAM
from aduan.service import Runtime, Service, ServiceSpec
from aduan.storage.port import (
    Body,
    Change,
    Collection,
    Decide,
    Document,
    DocumentFull,
    Outcome,
    StreamInbox,
)

OTHER = CASE_ID[:-1] + "2"
CASES = Collection("cases")


class Seen(View):
    """Nothing but the envelope is used."""


async def _no_app(*_: object) -> None:
    return None


class Pair:
    """intake, which tells, and routing, which listens and may be told to fail."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock(datetime(2026, 12, 1, tzinfo=UTC))
        self.world = world = World(folder, self.clock)
        self.failure: Exception | None = None
        self.failing: set[tuple[str, int]] = set()
        self.calls = 0
        handlers = {
            name: Handler(Seen, self.react) for name in ("complaint.created", "complaint.replied")
        }
        self.intake = world.runtime(ServiceSpec("intake", (CASES,), {}, opener=None))
        self.routing = world.runtime(ServiceSpec("routing", (CASES,), handlers))

    def react(self, body: Body | None, event: Incoming[Seen], now: datetime) -> Reaction:
        """Note the seq; tell one entry of it."""
        self.calls += 1
        if self.failure is not None and (event.subject, event.seq) in self.failing:
            raise self.failure
        seen = [*(body or {}).get("seen", []), event.seq]
        entry = EXAMPLES["complaint.progressed"]["smallest"]
        return Reaction({"seen": seen}, (Emit("complaint.progressed", entry),))

    async def tell(self, case_id: str, count: int, tenant: str = "33.74") -> None:
        """Create a case, or add to it."""
        for _ in range(count):

            def run(body: Body | None, _: datetime) -> Reaction:
                topic = "complaint.created" if body is None else "complaint.replied"
                return Reaction({"n": 1}, (Emit(topic, EXAMPLES[topic]["smallest"]),))

            await self.intake.cases.command(case_id, run, tenant=tenant)

    async def seen(self, case_id: str = CASE_ID) -> list[int]:
        """What routing applied of a case."""
        body = await self.routing.cases.get(case_id)
        return [] if body is None else list(body["seen"])

    def services(self) -> tuple[Service, Service]:
        """Both, ready to run."""
        return Service(self.intake, _no_app), Service(self.routing, _no_app)


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Pair]:
    """The two services, not running yet."""
    both = Pair(tmp_path)
    yield both
    both.world.close()


async def test_what_one_service_tells_the_other_applies_once_and_in_order(pair: Pair) -> None:
    """From a command through outbox, log and inbox."""
    async with pair.world.running(*pair.services()):
        await pair.tell(CASE_ID, 5)
        await pair.world.settled()

    assert await pair.seen() == [1, 2, 3, 4, 5]
    assert len(records_of(pair.world.bus, "complaint.progressed")) == 5


async def test_a_redelivered_event_is_applied_once(pair: Pair) -> None:
    """The whole log again from offset 0 stores nothing and tells nothing."""
    async with pair.world.running(*pair.services()):
        await pair.tell(CASE_ID, 3)
        await pair.world.settled()
        await pair.intake.relay.re_emit([CASE_ID])
        await pair.world.settled()

    document = await pair.routing.store.get(CASES, CASE_ID)
    assert document is not None and document.event_seq == 3
    assert await pair.seen() == [1, 2, 3]


async def test_events_that_were_stored_before_a_crash_are_published_by_the_next_process(
    pair: Pair,
) -> None:
    """The document is the outbox: a relay that never ran loses nothing."""
    await pair.tell(CASE_ID, 2)
    assert records_of(pair.world.bus, "complaint.created") == []

    async with pair.world.running(*pair.services()):
        await pair.world.settled()

    assert await pair.seen() == [1, 2]


async def test_poison_holds_its_case_and_lets_the_neighbours_go_on(pair: Pair) -> None:
    """Then a replay brings the held case back in order."""
    pair.failure, pair.failing = Poison("cannot be read"), {(CASE_ID, 2)}
    async with pair.world.running(*pair.services()):
        await pair.tell(CASE_ID, 4)
        await pair.tell(OTHER, 4)
        await pair.world.settled()
        letters = await pair.routing.letters.of_case(CASE_ID)

        assert (await pair.seen(), await pair.seen(OTHER)) == ([1], [1, 2, 3, 4])
        assert [(x.kind, x.stream, x.seq, x.reason) for x in letters] == [
            ("poison", "intake", 2, "cannot be read")
        ]

        pair.failing = set()
        assert await pair.routing.desk.replay_case(CASE_ID) == 1
        assert await pair.seen() == [1, 2, 3, 4]
        assert not await pair.routing.letters.any_of(CASE_ID)


async def test_a_bug_is_tried_three_times_and_then_lettered_without_its_words(pair: Pair) -> None:
    """The reason names the kind of error; its text could hold personal data."""
    pair.failure, pair.failing = RuntimeError("Budi"), {(CASE_ID, 1)}
    await pair.tell(CASE_ID, 1)
    (stored,) = await pair.intake.store.events(CASES, CASE_ID, 0)
    await pair.routing.cases.deliver(CASE_ID, [stored.raw])

    (letter,) = await pair.routing.letters.of_case(CASE_ID)
    assert (letter.kind, letter.reason, pair.calls) == ("bug", "RuntimeError", 3)


async def test_a_skipped_letter_counts_as_done_and_the_case_goes_on(pair: Pair) -> None:
    """The operator gives one event up; those behind it are applied."""
    pair.failure, pair.failing = Poison("no"), {(CASE_ID, 2)}
    async with pair.world.running(*pair.services()):
        await pair.tell(CASE_ID, 3)
        await pair.world.settled()
        (letter,) = await pair.routing.letters.of_case(CASE_ID)
        await pair.routing.desk.skip(letter.id, reason="broken for good", by="operator")

    assert await pair.seen() == [1, 3]
    assert not await pair.routing.letters.any_of(CASE_ID)


async def test_busy_is_tried_for_ever_and_never_lettered(pair: Pair) -> None:
    """A store that is away pauses; when it is back, everything is applied."""
    pair.failure, pair.failing = Busy("away"), {(CASE_ID, 1)}
    async with pair.world.running(*pair.services()):
        await pair.tell(CASE_ID, 2)

        async def tried_often() -> bool:
            return pair.calls >= 4

        await eventually(tried_often)
        assert await pair.routing.letters.failures() == 0
        pair.failing = set()
        await pair.world.settled()

    assert await pair.seen() == [1, 2]


async def test_at_the_cap_of_open_letters_the_service_stops_consuming(pair: Pair) -> None:
    """A bad release must not move a whole topic aside; readiness says so."""
    pair.routing.letters.cap = 3
    pair.failure = Poison("bad release")
    ids = [f"{CASE_ID[:-2]}{n:02d}" for n in range(12)]
    pair.failing = {(id, 1) for id in ids}
    async with pair.world.running(*pair.services()):
        for id in ids[:3]:
            await pair.tell(id, 1)
        await eventually(_stopped(pair.routing))
        for id in ids[3:]:
            await pair.tell(id, 1)
        await asyncio.sleep(0.3)

        assert await pair.routing.letters.failures() == 3
        assert "dead_letters" in await pair.routing.ready()


async def test_letters_about_canaries_are_an_alarm_and_stop_nobody(pair: Pair) -> None:
    """One a minute would reach the cap in two hours: what watches a service must not end it."""
    pair.routing.letters.cap = 3
    pair.failure = Poison("no reference data for this tenant")
    ids = [f"{CASE_ID[:-2]}{n:02d}" for n in range(10, 16)]
    pair.failing = {(id, 1) for id in ids}
    async with pair.world.running(*pair.services()):
        for id in ids:
            await pair.tell(id, 1, tenant=CANARY_TENANT)
        await pair.tell(OTHER, 2)
        await pair.world.settled()

    assert [1, 2] == await pair.seen(OTHER)
    assert 6 == (await pair.routing.letters.counts())["poison"]
    assert 0 == await pair.routing.letters.failures()


async def test_what_is_said_of_an_ended_case_waits_for_nothing_in_intake(pair: Pair) -> None:
    """A service that was away for days tells of a case whose retention is over: done, no effect."""
    await pair.tell(CASE_ID, 1)
    (created,) = await pair.intake.store.events(CASES, CASE_ID, 0)
    await pair.routing.cases.deliver(CASE_ID, [created.raw])
    (told,) = await pair.routing.store.events(CASES, CASE_ID, 0)
    await pair.intake.store.expire(CASES, CASE_ID)
    await pair.intake.cases.deliver(CASE_ID, [told.raw])

    document = await pair.intake.store.get(CASES, CASE_ID)
    assert document is not None and document.body is None
    assert not document.has_waiting
    assert 2 == document.inbox["routing"].next


async def test_the_age_of_a_record_without_a_readable_time_is_not_guessed(pair: Pair) -> None:
    """Whoever wrote it: what asks for the lag must get an answer all the same."""
    async with pair.world.running(*pair.services()):
        await pair.tell(CASE_ID, 1)
        await pair.world.settled()
        (created,) = await pair.intake.store.events(CASES, CASE_ID, 0)
        headers = [
            (name, b"yesterday" if name == "ce_time" else value)
            for name, value in created.raw.headers
        ]
        await pair.world.bus.publish([replace(created.raw, headers=tuple(headers))])
        await pair.world.settled()
        pair.routing.consumer.applied += 1  # as if more had come since all was worked off
        pair.clock.advance(timedelta(seconds=5))

        assert 5 <= pair.routing.consumer.behind_seconds() < 3600


def _stopped(runtime: Runtime) -> Callable[[], Awaitable[bool]]:
    async def stopped() -> bool:
        return runtime.consumer.stopped_by_cap

    return stopped


async def test_an_event_before_its_turn_waits_and_finds_its_place(pair: Pair) -> None:
    """Seq 3, 2, then 1: a placeholder waits, then all are applied in order."""
    await pair.tell(CASE_ID, 3)
    stored = await pair.intake.store.events(CASES, CASE_ID, 0)
    for event in reversed(stored):
        assert await pair.seen() == []
        await pair.routing.cases.deliver(CASE_ID, [event.raw])

    assert await pair.seen() == [1, 2, 3]
    document = await pair.routing.store.get(CASES, CASE_ID)
    assert document is not None and not document.has_waiting


async def test_an_event_that_finds_no_room_becomes_a_held_letter_and_is_put_through(
    pair: Pair,
) -> None:
    """Held letters are no failure: the sweeper applies them when their turn comes."""
    count = WAITING_PER_STREAM + 3
    await pair.tell(CASE_ID, count)
    stored: list[Raw] = []
    while page := await pair.intake.store.events(CASES, CASE_ID, len(stored)):
        stored += [event.raw for event in page]
    await pair.routing.cases.deliver(CASE_ID, stored[1:])
    held = await pair.routing.letters.counts()
    await pair.routing.cases.deliver(CASE_ID, stored[:1])
    for _ in range(3):
        await pair.routing.desk.sweep()

    assert held == {"poison": 0, "bug": 0, "held": 2}
    assert await pair.seen() == list(range(1, count + 1))
    assert await pair.routing.letters.counts() == {"poison": 0, "bug": 0, "held": 0}


async def test_a_held_letter_that_fails_when_its_turn_comes_is_an_alarm(pair: Pair) -> None:
    """It counts as a failure, has a copy in the topic, and holds its case as any other poison."""
    count = WAITING_PER_STREAM + 3
    await pair.tell(CASE_ID, count)
    stored: list[Raw] = []
    while page := await pair.intake.store.events(CASES, CASE_ID, len(stored)):
        stored += [event.raw for event in page]
    pair.failure, pair.failing = Poison("cannot be read"), {(CASE_ID, count - 1)}
    await pair.routing.cases.deliver(CASE_ID, stored[1:])
    await pair.routing.cases.deliver(CASE_ID, stored[:1])
    for _ in range(3):
        await pair.routing.desk.sweep()

    assert await pair.routing.letters.counts() == {"poison": 1, "bug": 0, "held": 1}
    assert await pair.routing.letters.failures() == 1
    assert len(records_of(pair.world.bus, "aduan.routing.dlq")) == 1
    assert await pair.seen() == list(range(1, count - 1))


async def test_a_full_document_takes_a_letter_and_holds_nobody_else(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One case that grew over the engine's limit must not stop its whole partition."""
    update = pair.routing.store.update

    async def limited(collection: Collection, id: str, decide: Decide, **how: Any) -> Outcome:
        def within(document: Document | None, now: datetime) -> Change | None:
            change = decide(document, now)
            body = change.body if change is not None and id == CASE_ID else None
            if body is not None and len(body.get("seen", ())) > 2:
                raise DocumentFull("a document would be over its limit")
            return change

        return await update(collection, id, within, **how)

    monkeypatch.setattr(pair.routing.store, "update", limited)
    await pair.tell(CASE_ID, 4)
    await pair.tell(OTHER, 3)
    async with pair.world.running(*pair.services()):

        async def both() -> bool:
            letters = await pair.routing.letters.of_case(CASE_ID)
            return len(letters) > 0 and await pair.seen(OTHER) == [1, 2, 3]

        await eventually(both)
    letters = await pair.routing.letters.of_case(CASE_ID)
    document = await pair.routing.store.get(CASES, CASE_ID)

    assert await pair.seen() == [1, 2]
    assert [(one.kind, one.seq) for one in letters] == [("poison", 3)]
    assert document is not None and set(document.inbox["intake"].waiting) == {4}


async def test_a_record_without_readable_headers_is_lettered_and_passed(pair: Pair) -> None:
    """It blocks nobody: its letter is named by topic, partition and offset."""
    broken = Raw("complaint.created", CASE_ID.encode(), b"{}", (("ce_id", b"x"),))
    async with pair.world.running(*pair.services()):
        await pair.world.bus.publish([broken])
        await pair.tell(CASE_ID, 1)
        await pair.world.settled()

    letters, _ = await pair.routing.letters.listed()
    assert [letter.kind for letter in letters] == ["poison"]
    assert letters[0].id.startswith("complaint.created:")
    assert await pair.seen() == [1]


async def test_an_unknown_type_advances_and_is_counted(pair: Pair) -> None:
    """A newer producer may tell of things that this release does not know."""
    await pair.tell(CASE_ID, 2)
    stored = [event.raw for event in await pair.intake.store.events(CASES, CASE_ID, 0)]
    unknown = _with_type(stored[1], b"id.aduan.complaint.sung.v1")
    await pair.routing.cases.deliver(CASE_ID, [stored[0], unknown])

    document = await pair.routing.store.get(CASES, CASE_ID)
    assert document is not None and document.inbox["intake"] == StreamInbox(3, {})
    assert (await pair.seen(), pair.routing.cases.unknown_types) == ([1], 1)


async def test_an_unknown_major_version_is_poison(pair: Pair) -> None:
    """Its meaning has changed: guessing would be worse than waiting for the new release."""
    await pair.tell(CASE_ID, 1)
    (stored,) = await pair.intake.store.events(CASES, CASE_ID, 0)
    await pair.routing.cases.deliver(
        CASE_ID, [_with_type(stored.raw, b"id.aduan.complaint.created.v2")]
    )

    assert await pair.routing.letters.counts() == {"poison": 1, "bug": 0, "held": 0}


def _with_type(raw: Raw, type: bytes) -> Raw:
    headers = tuple((name, type if name == "ce_type" else value) for name, value in raw.headers)
    return Raw(raw.topic, raw.key, raw.value, headers)


async def test_a_copy_of_each_failure_goes_to_the_groups_dead_letter_topic(pair: Pair) -> None:
    """`<group>.dlq` has the original bytes and says where they came from."""
    pair.failure, pair.failing = Poison("no"), {(CASE_ID, 1)}
    async with pair.world.running(*pair.services()):
        await pair.tell(CASE_ID, 1)

        async def copied() -> bool:
            return len(records_of(pair.world.bus, "aduan.routing.dlq")) == 1

        await eventually(copied)

    (created,) = await pair.intake.store.events(CASES, CASE_ID, 0)
    assert list(records_of(pair.world.bus, "aduan.routing.dlq")) == [created.raw.value]


async def test_a_case_with_an_open_letter_is_not_quiet(pair: Pair) -> None:
    """A timer must not fire while something of the case is unread."""
    from aduan.cases import NotQuiet

    pair.failure, pair.failing = Poison("no"), {(CASE_ID, 2)}
    async with pair.world.running(*pair.services()):
        await pair.tell(CASE_ID, 2)
        await pair.world.settled()
        with pytest.raises(NotQuiet):
            await pair.routing.cases.command(CASE_ID, lambda b, _: Reaction(b), quiet=True)
