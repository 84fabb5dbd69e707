"""What `/metrics` says of a service, asked as Prometheus asks: over HTTP, whatever is broken."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from aduan_harness import World, eventually
from aduan_metrics import Hosted, Scrape, Switch, switched_bus, switched_store
from aduan_sla_story import REFERENCE, wib
from aduan_sla_world import CaseEvents
from prometheus_client import CollectorRegistry

from aduan.clock import ManualClock
from aduan.contracts.envelope import Raw
from aduan.errors import Busy
from aduan.service import Service
from aduan_sla.bootstrap import build, load_books, spec
from aduan_sla.entrypoints.ticker import Ticker
from aduan_sla.metrics import Metrics
from aduan_sla.settings import Settings

MONDAY = "2026-03-02 09:00"
TENANT = "33.74"


@dataclass
class Office:
    """sla as its own process hosts it, with switches at its store and its log."""

    world: World
    clock: ManualClock
    service: Service
    hosted: Hosted
    store: Switch
    bus: Switch

    async def hears(self, *events: Raw) -> None:
        """Deliver events, one after the other, under the inbox rule."""
        for raw in events:
            await self.service.runtime.cases.deliver(raw.attributes()["subject"], [raw])

    async def at(self, text: str) -> None:
        """Let it be this time in WIB, and tick once."""
        self.clock.advance(wib(text) - self.clock.now())
        ticker = Ticker(
            cases=self.service.runtime.cases,
            clock=self.clock,
            books=load_books(SETTINGS),
            caught_up=self.clock.now,
            metrics=Metrics(CollectorRegistry()),
        )
        await ticker.round()

    async def later(self, seconds: float = 60.0) -> Scrape:
        """Scrape after so many real seconds, in which the domain clock stood still."""
        self.clock.ticks += seconds
        return await self.hosted.scrape()


SETTINGS = Settings(
    store="sqlite:////unused", bus="sqlite:////unused", reference_dir=REFERENCE, tick_seconds=60
)


@asynccontextmanager
async def office_in(folder: Path, *, patience: float = 5.0) -> AsyncIterator[Office]:
    """Build it; who wants it to run asks for that."""
    clock = ManualClock(wib(MONDAY))
    world = World(folder, clock)
    registry = CollectorRegistry()
    what = spec(SETTINGS)
    store, store_switch = switched_store(world.store(what))
    bus, bus_switch = switched_bus(world.bus)
    service = await build(SETTINGS, spec=what, store=store, bus=bus, clock=clock, registry=registry)
    hosted = Hosted(service, registry, clock, patience=patience)
    yield Office(world, clock, service, hosted, store_switch, bus_switch)
    await hosted.close()
    world.close()


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    """A built sla on a Monday morning."""
    async with office_in(tmp_path) as made:
        yield made


async def test_events_that_nobody_consumes_show_as_lag_in_messages_and_in_seconds(
    office: Office,
) -> None:
    """A consumer that is away falls behind in both; one that came back is abreast again."""
    events = [CaseEvents(f"case {number}", MONDAY).created() for number in range(5)]
    runtime = office.service.runtime
    topics = ["complaint.created"]
    async with office.world.bus.consumer(runtime.consumer.group, topics):
        assert all(await office.world.bus.publish(events))
        behind = await office.later(90)
    async with office.world.running(office.service):
        await office.world.settled()

        async def abreast() -> bool:
            office.clock.ticks += 5
            scraped = await office.hosted.scrape()
            return (scraped("aduan_pipeline_lag"), scraped("aduan_pipeline_consumer_paused")) == (
                0,
                0,
            ) and (scraped("aduan_pipeline_lag_seconds") or 0) <= 5

        await eventually(abreast)

    assert 5 == behind("aduan_pipeline_lag", service="sla")
    assert 90 == behind("aduan_pipeline_lag_seconds", service="sla")
    assert 1 == behind("aduan_pipeline_consumer_paused", service="sla")
    assert 0 == behind("aduan_pipeline_applied_total", service="sla")
    assert 5 == (await office.hosted.scrape())("aduan_pipeline_applied_total", service="sla")


async def test_a_member_that_works_off_an_old_backlog_says_how_old_it_is(office: Office) -> None:
    """Behind for three seconds by its own clock, but what it has just worked off is an hour old."""
    consumer = office.service.runtime.consumer
    done, stuck = CaseEvents("done", "2026-03-02 08:00"), CaseEvents("stuck", "2026-03-02 08:30")
    deliver, away = consumer._deliver, {stuck.id}

    async def away_for_one(case_id: str, events: Sequence[Raw]) -> None:
        if case_id in away:
            raise Busy("away")
        await deliver(case_id, events)

    consumer._deliver = away_for_one
    assert all(await office.world.bus.publish([done.created(), stuck.created()]))
    async with office.world.running(office.service):

        async def half() -> bool:
            return consumer.applied == 1 and consumer.busy > 0

        await eventually(half)
        scraped = await office.later(3)
        away.clear()
        await office.world.settled()

    assert 3_600 == scraped("aduan_pipeline_lag_seconds")
    assert 1 == scraped("aduan_pipeline_consumer_paused")
    assert 1 <= (scraped("aduan_pipeline_busy_total") or 0)


async def test_a_dead_letter_shows_by_kind_and_by_age(office: Office) -> None:
    """No policies for 35.73: poison; it has stood still for two hours."""
    await office.hears(CaseEvents("Malang", MONDAY, tenant="35.73").created())
    await office.at("2026-03-02 11:00")
    scraped = await office.hosted.scrape()

    assert [1, 0, 0] == [
        scraped("aduan_pipeline_dead_letters", service="sla", kind=kind)
        for kind in ("poison", "bug", "held")
    ]
    assert 7_200 == scraped("aduan_pipeline_dead_letter_age_seconds", service="sla")


async def test_an_event_that_waits_for_one_before_it_shows_as_held_until_that_comes(
    office: Office,
) -> None:
    """Count and age rise, and both are zero again when the gap is closed."""
    case = CaseEvents("early", MONDAY)
    first, second = case.created(), case.assigned("2026-03-02 09:30", "DPU")
    await office.hears(second)
    office.clock.real = wib("2026-03-02 09:10")
    waiting = await office.later()
    await office.hears(first)
    done = await office.later()

    assert [1, 600] == [waiting("aduan_pipeline_held"), waiting("aduan_pipeline_held_age_seconds")]
    assert [0, 0] == [done("aduan_pipeline_held"), done("aduan_pipeline_held_age_seconds")]


async def test_a_log_that_is_away_shows_at_the_outbox_and_at_the_producer(office: Office) -> None:
    """What was told waits, grows old, and the relay says that it failed; then all is well again."""
    office.bus.away = True
    relay = office.service.runtime.relay
    async with office.world.running(office.service):
        await office.hears(CaseEvents("one", MONDAY).created())

        async def failed() -> bool:
            return not relay.up

        await eventually(failed)
        office.clock.real = wib("2026-03-02 09:05")
        away = await office.later()
        office.bus.away = False

        async def out() -> bool:
            return (await office.later())("aduan_pipeline_pending") == 0

        await eventually(out, within=20)
        back = await office.later()

    assert [1, 300] == [away("aduan_pipeline_pending"), away("aduan_pipeline_pending_age_seconds")]
    assert 0 == away("aduan_pipeline_producer_up", service="sla")
    assert 1 <= (away("aduan_pipeline_relay_failures_total", service="sla") or 0)
    assert 1 == away("aduan_metrics_stale", source="log")
    assert 0 == away("aduan_metrics_stale", source="store")
    assert 1 == back("aduan_pipeline_producer_up", service="sla")
    assert 0 == back("aduan_metrics_stale", source="log")
    assert 0 == back("aduan_pipeline_pending_age_seconds")


async def test_metrics_answer_while_the_store_is_away_and_say_that_they_are_old(
    office: Office,
) -> None:
    """The last known levels stay, what the process knows by itself is new, and a gauge warns."""
    await office.hears(CaseEvents("Malang", MONDAY, tenant="35.73").created())
    before = await office.later()
    office.store.away = True
    away = await office.later()
    office.store.away = False
    back = await office.later()

    assert [0, 1, 0] == [
        scraped("aduan_metrics_stale", service="sla", source="store")
        for scraped in (before, away, back)
    ]
    assert 1 == away("aduan_metrics_stale", source="own")
    assert 1 == away("aduan_pipeline_dead_letters", kind="poison")
    assert before("aduan_pipeline_lag_seconds") != away("aduan_pipeline_lag_seconds")


async def test_a_replica_that_cannot_work_says_so_as_its_readiness_does(office: Office) -> None:
    """Its store is away, or too many letters are open; running again it is ready."""
    consumer = office.service.runtime.consumer
    async with office.world.running(office.service):
        well = await office.later(0)
        office.store.away = True
        away = await office.later(10)
        office.store.away = False
        letters, usual = office.service.runtime.letters, office.service.runtime.letters.cap

        async def is_capped() -> bool:
            return consumer.stopped_by_cap == (letters.cap == 0)

        letters.cap = 0
        await eventually(is_capped)
        capped = await office.later(10)
        letters.cap = usual
        await eventually(is_capped)
        again = await office.later(10)

    assert [1, 0, 0, 1] == [
        scraped("aduan_pipeline_ready", service="sla") for scraped in (well, away, capped, again)
    ]


async def test_a_store_that_was_never_there_leaves_its_levels_out(office: Office) -> None:
    """No lag and no letters would be good news that nobody has."""
    office.store.away = office.bus.away = True
    scraped = await office.hosted.scrape()

    assert scraped("aduan_pipeline_dead_letters", kind="poison") is None
    assert scraped("aduan_pipeline_lag") is None
    assert [1, 1, 1] == [
        scraped("aduan_metrics_stale", source=source) for source in ("store", "log", "own")
    ]
    assert 1 == scraped("aduan_build_info")


async def test_a_store_that_hangs_makes_a_scrape_wait_for_a_moment_only(tmp_path: Path) -> None:
    """Prometheus would give up after ten seconds and lose every other number as well."""
    async with office_in(tmp_path, patience=0.05) as office:
        office.store.hang = asyncio.Event()
        async with asyncio.timeout(5):
            hanging = await office.hosted.scrape()
            again = await office.later()
        questions = office.store.asked
        office.store.hang.set()
        office.store.hang = None

        async def read() -> bool:
            return (await office.later())("aduan_metrics_stale", source="store") == 0

        await eventually(read)

        assert 1 == hanging("aduan_metrics_stale", source="store")
        assert 1 == again("aduan_metrics_stale", source="store")
        assert 2 == questions, "while it hangs nobody asks again: levels of the core and its own"


async def test_two_scrapers_cost_what_one_does(office: Office) -> None:
    """Levels that were just read are good for some seconds; a service's own for longer."""
    await office.hosted.scrape()
    one = office.store.asked
    for _ in range(10):
        await office.hosted.scrape()
    several = office.store.asked
    await office.later(5)
    core = office.store.asked - several
    await office.later(30)
    whole = office.store.asked - several - core

    assert several == one
    assert 0 < core < whole == one


async def test_a_bug_in_one_level_hides_no_other(office: Office) -> None:
    """It is logged, counted as old, and the rest of the answer is whole."""

    async def broken() -> None:
        raise ValueError("no good")

    office.hosted.levels._readings[0].read = broken
    scraped = await office.hosted.scrape()

    assert 1 == scraped("aduan_metrics_stale", source="store")
    assert 0 == scraped("aduan_metrics_stale", source="log")
    assert 0 == scraped("aduan_pipeline_lag")


# received, now, verified in between; working hours of the oldest
WAITING = (
    ("2026-03-02 09:00", "2026-03-02 14:00", 5.0),
    ("2026-03-06 14:00", "2026-03-09 11:00", 5.0),  # over a weekend: two hours and three
    ("2026-03-06 20:00", "2026-03-09 08:00", 0.0),  # after hours, and nobody has come yet
    ("2026-03-17 15:00", "2026-03-25 09:00", 2.0),  # Nyepi, Idul Fitri and the leave around them
    ("2026-03-02 09:00", "2026-03-04 18:00", 23.0),
)


@pytest.mark.parametrize(("received", "now", "hours"), WAITING)
async def test_the_oldest_unverified_case_shows_its_age_in_working_hours(
    office: Office, received: str, now: str, hours: float
) -> None:
    """Office hours of working days since it was received, as a coordinator counts."""
    await office.at(received)
    await office.hears(CaseEvents("old", received).created())
    await office.at(now)
    await office.hears(CaseEvents("young", now).created())
    scraped = await office.later()

    assert 2 == scraped("aduan_sla_unverified", tenant=TENANT)
    assert hours == scraped("aduan_sla_unverified_oldest_working_hours", tenant=TENANT)


async def test_a_verified_or_finished_case_waits_for_nobody(office: Office) -> None:
    """Verified while still in triage counts as verified; withdrawn and closed cases wait no more.

    One that waits for its reporter, unverified, still counts (belum terverifikasi is a fact).
    """
    verified, gone, asked = (CaseEvents(name, MONDAY) for name in ("verified", "gone", "asked"))
    for case in (verified, gone, asked):
        await office.hears(case.created())
    await office.hears(verified.progressed("2026-03-02 09:05", "triage", by="system"))
    await office.hears(
        verified.progressed("2026-03-02 09:10", "triage", by="coordinator", verified=True)
    )
    await office.hears(gone.progressed("2026-03-02 09:10", "archived", by="reporter"))
    await office.hears(asked.progressed("2026-03-02 09:10", "awaiting_reporter"))
    scraped = await office.later()

    assert 1 == scraped("aduan_sla_unverified", tenant=TENANT)


async def test_clocks_show_as_running_paused_or_late(office: Office) -> None:
    """By name: verify of a case that nobody touched is late, of one that waits it is paused."""
    forgotten, asked = CaseEvents("forgotten", MONDAY), CaseEvents("asked", MONDAY)
    await office.hears(forgotten.created(), asked.created())
    await office.hears(asked.progressed("2026-03-02 10:00", "awaiting_reporter"))
    await office.at("2026-03-06 10:00")
    scraped = await office.later()

    def clocks(clock: str) -> list[float | None]:
        return [
            scraped("aduan_sla_clocks", tenant=TENANT, clock=clock, state=state)
            for state in ("running", "paused", "late")
        ]

    assert [0, 1, 1] == clocks("verify")
    assert [0, 0, 2] == clocks("forward")
    assert [1, 1, 0] == clocks("complete")
    assert [1, 0, 0] == clocks("reply_timeout")
    assert [0, 0, 0] == clocks("debt")


async def test_promises_show_by_office_until_they_are_kept(office: Office) -> None:
    """Open and overdue ones; after the date the case is at work again and still owed."""
    owed, kept, unknown = (CaseEvents(name, MONDAY) for name in ("owed", "kept", "unknown"))
    for case, opd in ((owed, "DPU"), (kept, "DPU"), (unknown, "NOBODY")):
        await office.hears(case.created(), case.assigned("2026-03-02 10:00", opd))
        closing = case.progressed("2026-03-03 10:00", "conditionally_closed", owed="2026-04-30")
        await office.hears(closing)
    first = await office.later()
    await office.hears(kept.progressed("2026-03-10 10:00", "in_progress"))
    await office.hears(kept.progressed("2026-03-11 10:00", "answered"))
    await office.at("2026-05-01 09:00")
    await office.hears(owed.progressed("2026-05-01 00:00", "in_progress", by="system"))
    after = await office.later()

    def debts(scraped: Scrape, name: str) -> list[float | None]:
        opds = ("DPU", "DISHUB", "other")
        return [scraped(name, tenant=TENANT, opd=opd) for opd in opds]

    assert [2, 0, 1] == debts(first, "aduan_sla_debts")
    assert [0, 0, 0] == debts(first, "aduan_sla_debts_overdue")
    assert [1, 0, 1] == debts(after, "aduan_sla_debts")
    assert [1, 0, 1] == debts(after, "aduan_sla_debts_overdue")


async def test_a_matter_of_oversight_is_owed_by_no_named_office(office: Office) -> None:
    """Whoever looks at an office's debts does not find there what is said about it."""
    case = CaseEvents("oversight", MONDAY)
    await office.hears(case.created(), case.assigned("2026-03-02 10:00", "DPU"))
    closing = case.progressed(
        "2026-03-03 10:00",
        "conditionally_closed",
        owed="2026-04-30",
        confirmed="pengaduan_berkadar_pengawasan",
    )
    await office.hears(closing)
    scraped = await office.later()

    assert 0 == scraped("aduan_sla_debts", tenant=TENANT, opd="DPU")
    assert 1 == scraped("aduan_sla_debts", tenant=TENANT, opd="oversight")
