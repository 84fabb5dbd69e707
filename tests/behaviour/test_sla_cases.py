"""Whole cases through sla's handlers and ticks on the embedded engine."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aduan_sla_world import CaseEvents, Sla

from aduan.contracts.envelope import derived_id
from aduan_sla.domain.case import CASES

MONDAY = "2026-03-02 09:00"


@pytest.fixture
async def sla(tmp_path: Path) -> AsyncIterator[Sla]:
    """Sla on a Monday morning, with every event heard at once."""
    found = await Sla(tmp_path, MONDAY).build()
    yield found
    found.world.close()


async def test_a_received_complaint_is_clocked_at_once(sla: Sla) -> None:
    """One sla.scheduled with all clocks and the nearest due date."""
    case = CaseEvents("one", MONDAY)
    created = case.created()
    await sla.hears(created)

    (told,) = await sla.told(case)
    assert ["verify", "forward", "complete"] == [clock["name"] for clock in told["clocks"]]
    assert {"name": "forward", "due_at": "2026-03-03T02:00:00.000000Z"} == told["nearest"]
    assert dict(created.headers)["ce_id"].decode() == told["cause"]


async def test_a_repeated_event_changes_nothing(sla: Sla) -> None:
    """The second delivery of each event tells nothing and moves nothing."""
    case = CaseEvents("one", MONDAY)
    events = [case.created(), case.assigned("2026-03-02 10:00", "DPU")]
    await sla.hears(*events)
    before = await sla.told(case)
    await sla.hears(*events)

    assert before == await sla.told(case)


async def test_progress_without_a_change_is_ignored(sla: Sla) -> None:
    """An internal step of the same state, class and office tells nothing and is not kept."""
    case = CaseEvents("one", MONDAY)
    await sla.hears(case.created(), case.assigned("2026-03-02 10:00", "DPU"))
    told, body = await sla.told(case), await sla.cases.get(case.id)
    await sla.hears(case.progressed("2026-03-02 10:30", "assigned"))

    assert told == await sla.told(case)
    assert body == await sla.cases.get(case.id)


async def test_a_trial_of_a_portal_gets_no_clocks(sla: Sla) -> None:
    """test: true is answered by intake and never counted; later events of it are harmless."""
    case = CaseEvents("trial", MONDAY)
    await sla.hears(case.created(test=True), case.assigned("2026-03-02 10:00", "DPU"))
    await sla.hears(case.progressed("2026-03-02 11:00", "accepted"))
    await sla.hears(case.replied("2026-03-02 11:00", "r1"))

    assert [] == list(await sla.told(case))
    assert 0 == await sla.cases.store.total(CASES)
    assert 0 == await sla.at("2026-06-01 00:00")


async def test_routing_may_be_heard_before_intake(sla: Sla) -> None:
    """The events wait, and the clocks are those of the right order."""
    early, late = CaseEvents("early", MONDAY), CaseEvents("late", MONDAY)
    for case, order in ((early, (1, 2, 0)), (late, (0, 1, 2))):
        events = [
            case.created(),
            case.assigned("2026-03-02 10:00", "DPU"),
            case.progressed("2026-03-03 09:00", "in_progress"),
        ]
        await sla.hears(*(events[index] for index in order))

    first, second = [(await sla.told(case))[-1]["clocks"] for case in (early, late)]
    assert first == second


async def test_a_missed_deadline_is_told_once_with_an_id_of_its_own(sla: Sla) -> None:
    """The breach occurred at the due moment, names its right, and a second tick is silent."""
    case = CaseEvents("one", MONDAY)
    await sla.hears(case.created(), case.progressed("2026-03-02 09:05", "triage", opd=None))
    await sla.at("2026-03-03 09:00")
    await sla.at("2026-03-03 09:01")

    (breach,) = await sla.told(case, "sla.breached")
    due = "2026-03-03T02:00:00.000000Z"
    assert derived_id(case.id, "sla.breached", "forward", 1, 0, due) == breach["id"]
    assert (due, due) == (breach["time"], breach["due_at"])
    assert ("forward", 0, False) == (breach["clock"], breach["level"], breach["provisional"])
    assert ["coordinator"] == breach["audience"]
    assert breach["legal_basis"].startswith("Kota Semarang 2025")
    assert "breached" == (await sla.clock_of(case, "forward"))["state"]


async def test_the_office_is_warned_before_it_is_late(sla: Sla) -> None:
    """54 of 72 hours after the assignment, with unit and area."""
    case = CaseEvents("one", MONDAY)
    await sla.hears(case.created(), case.assigned("2026-03-02 10:00", "DPU"))
    await sla.hears(case.progressed("2026-03-02 10:05", "accepted", area="33.74.12.1004"))
    await sla.at("2026-03-04 16:00")

    (warned,) = [w for w in await sla.told(case, "sla.warned") if w["clock"] == "handle"]
    assert (0.75, ["office"], "DPU") == (warned["share"], warned["audience"], warned["opd"])
    assert ("33.74.12.1004", "accepted") == (warned["area"], warned["state"])


async def test_a_miss_that_lasts_climbs_to_the_head_and_to_the_city(sla: Sla) -> None:
    """Levels 0, 1 and 2 in order, also after a silence over all of them."""
    case = CaseEvents("one", MONDAY)
    await sla.hears(case.created(), case.assigned("2026-03-02 10:00", "DPU"))
    await sla.at("2026-03-12 00:00")

    levels = [b["level"] for b in await sla.told(case, "sla.breached") if b["clock"] == "handle"]
    assert [0, 1, 2] == levels


@pytest.mark.parametrize(
    ("occurred", "published"),
    [("2026-03-09 16:00", "2026-03-11 08:00"), ("2026-03-11 08:00", "2026-03-09 16:00")],
)
async def test_an_answer_given_in_time_and_heard_late_corrects_the_breach(
    sla: Sla, occurred: str, published: str
) -> None:
    """A partner's answer of before the due date stops the clock there; the breach is withdrawn."""
    case = CaseEvents("one", MONDAY, "permintaan_informasi")
    await sla.hears(case.created())
    await sla.hears(case.progressed("2026-03-02 10:00", "forwarded", opd=None))
    await sla.at("2026-03-10 00:00")
    assert "breached" == (await sla.clock_of(case, "complete"))["state"]

    await sla.hears(case.progressed(occurred, "answered", by="partner", published=published))
    last = (await sla.told(case, "sla.scheduled"))[-1]
    due = "2026-03-09T16:59:59.999999Z"
    assert [{"clock": "complete", "instance": 1, "due_at": due}] == last["corrects"]
    complete = await sla.clock_of(case, "complete")
    assert ("met", "2026-03-09T09:00:00.000000Z") == (complete["state"], complete["ended_at"])
    started = (await sla.clock_of(case, "auto_close"))["started_at"]
    assert "2026-03-11T01:00:00.000000Z" == started


async def test_an_answered_case_is_closed_by_time(sla: Sla) -> None:
    """Ten working days without a reply: sla.elapsed names the entry that routing may act on."""
    case = CaseEvents("one", MONDAY)
    await sla.hears(case.created(), case.assigned("2026-03-02 10:00", "DPU"))
    await sla.hears(case.progressed("2026-03-02 11:00", "answered"))
    await sla.at("2026-03-17 00:00")
    await sla.at("2026-03-18 00:00")

    (elapsed,) = await sla.told(case, "sla.elapsed")
    assert ("auto_close", 1) == (elapsed["timer"], elapsed["instance"])
    assert "2026-03-02T04:00:00.000000Z" == elapsed["started_at"]
    assert "2026-03-16T16:59:59.999999Z" == elapsed["due_at"]
    assert "elapsed" == (await sla.clock_of(case, "auto_close"))["state"]


async def test_a_reply_holds_every_timer_until_routing_has_spoken(sla: Sla) -> None:
    """The reporter wrote before the end; nothing is closed over his head."""
    case = CaseEvents("one", MONDAY)
    await sla.hears(case.created(), case.assigned("2026-03-02 10:00", "DPU"))
    await sla.hears(case.progressed("2026-03-02 11:00", "answered"))
    await sla.hears(case.replied("2026-03-16 20:00", "r1"))
    await sla.at("2026-03-20 00:00")
    assert [] == list(await sla.told(case, "sla.elapsed"))

    await sla.hears(case.progressed("2026-03-20 08:00", "answered", reply_id="r1"))
    await sla.at("2026-03-20 08:01")
    assert 1 == len(await sla.told(case, "sla.elapsed"))


async def test_routings_word_about_a_reply_may_come_first(sla: Sla) -> None:
    """The reply is settled before we hear of it, and holds nothing."""
    case = CaseEvents("one", MONDAY)
    await sla.hears(case.created(), case.assigned("2026-03-02 10:00", "DPU"))
    reply = case.replied("2026-03-03 08:00", "r1")
    await sla.hears(case.progressed("2026-03-03 08:05", "answered", reply_id="r1"), reply)
    await sla.at("2026-03-20 00:00")

    assert 1 == len(await sla.told(case, "sla.elapsed"))


async def test_a_debt_falls_due_at_its_date(sla: Sla) -> None:
    """Selesai bersyarat: no other clock runs, and on the promised day the debt is called."""
    case = CaseEvents("one", MONDAY)
    await sla.hears(case.created(), case.assigned("2026-03-02 10:00", "DPU"))
    await sla.hears(case.progressed("2026-03-02 11:00", "in_progress"))
    await sla.hears(case.progressed("2026-03-02 12:00", "conditionally_closed", owed="2027-02-01"))
    await sla.at("2027-02-01 23:00")
    assert [] == list(await sla.told(case, "sla.elapsed"))
    assert "voided" == (await sla.clock_of(case, "complete"))["state"]

    await sla.at("2027-02-02 00:00")
    (elapsed,) = await sla.told(case, "sla.elapsed")
    assert "debt_due" == elapsed["timer"]


async def test_a_conditional_closing_without_a_date_is_held(sla: Sla) -> None:
    """Nobody would look at it again, so it becomes a dead letter; other cases go on."""
    case, other = CaseEvents("one", MONDAY), CaseEvents("two", MONDAY)
    await sla.hears(case.created(), case.progressed("2026-03-02 12:00", "conditionally_closed"))
    await sla.hears(other.created())

    assert 1 == (await sla.cases.letters.counts())["poison"]
    assert "forward" == (await sla.told(other))[-1]["nearest"]["name"]


async def test_nothing_fires_while_an_event_of_the_case_waits(sla: Sla) -> None:
    """Seq 2 of routing is here and seq 1 is not: it may hold the stop."""
    case = CaseEvents("one", MONDAY)
    created = case.created()
    first = case.assigned("2026-03-02 10:00", "DPU")
    second = case.progressed("2026-03-02 11:00", "accepted")
    await sla.hears(created, second)

    assert 0 == await sla.at("2026-03-03 10:00")
    await sla.hears(first)
    assert "met" == (await sla.clock_of(case, "forward"))["state"]
    assert [] == list(await sla.told(case, "sla.breached"))


async def test_nothing_fires_before_sla_has_heard_everything(sla: Sla) -> None:
    """Not caught up past the due moment: wait; after 15 real minutes tell it as provisional."""
    case = CaseEvents("one", MONDAY)
    await sla.hears(case.created())
    sla.known = sla.clock.now()
    assert 0 == await sla.at("2026-03-03 09:00")

    await sla.wait(899)
    assert 0 == await sla.ticker.round()
    await sla.wait(2)
    assert 1 == await sla.ticker.round()
    (breach,) = await sla.told(case, "sla.breached")
    assert breach["provisional"]


async def test_a_round_costs_what_is_due(sla: Sla) -> None:
    """Of fifty open cases only the two due ones are read."""
    for number in range(50):
        case = CaseEvents(f"late {number}", "2026-03-04 12:00")
        await sla.hears(case.created())
    for number in range(2):
        await sla.hears(CaseEvents(f"due {number}", MONDAY).created())
    touched: list[int] = []
    find = sla.cases.find

    async def counting(index: str, **options: object) -> object:
        page = await find(index, **options)
        touched.append(len(page.documents))
        return page

    sla.cases.find = counting

    assert 2 == await sla.at("2026-03-03 09:30")
    assert 2 == sum(touched)
