"""The same facts give the same clocks, in whatever order and however late they arrive."""

import asyncio
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from aduan_sla_story import Story
from aduan_sla_world import CaseEvents, Sla
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from aduan.contracts.envelope import Raw

MONDAY = "2026-03-02 09:00"
END = "2026-06-30 00:00"
STATES = (
    "triage", "assigned", "accepted", "in_progress", "awaiting_reporter", "answered", "closed",
    "conditionally_closed", "returned", "forwarded", "archived",
)  # fmt: skip
CLASSES = ("permintaan_informasi", "pengaduan_berkadar_pengawasan", "aspirasi", None)
TIMERS = ("auto_close", "reply_timeout", "debt")


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """A life of up to twelve facts, hours to weeks apart; some partners' facts lie before."""
    story = Story(MONDAY, draw(st.sampled_from((None, "permintaan_informasi", "aspirasi"))))
    hour = 0
    for _ in range(draw(st.integers(1, 12))):
        hour += draw(st.integers(0, 200))
        state = draw(st.sampled_from(STATES))
        opd = draw(st.sampled_from(("DPU", "DISHUB", "")))
        back = draw(st.sampled_from((0, 0, 0, 30))) if state == "answered" else 0
        day, rest = divmod(9 + max(0, hour - back), 24)
        later, remainder = divmod(9 + hour, 24)
        story.then(
            f"{_day(day)} {rest:02}:00",
            state,
            None if state in ("triage", "forwarded") else opd,
            draw(st.sampled_from(CLASSES)),
            debt_on="2027-02-01" if state == "conditionally_closed" else None,
            published=f"{_day(later)} {remainder:02}:00",
        )
    return story


def _day(number: int) -> str:
    return str(date(2026, 3, 2) + timedelta(days=number))


@given(stories(), st.randoms(use_true_random=False))
def test_any_order_of_the_facts_gives_the_same_clocks(story: Story, random: Any) -> None:
    """The fold sorts for itself."""
    expected = story.clocks()
    random.shuffle(story.facts)

    assert expected == story.clocks()


@given(stories())
def test_every_clock_is_sound(story: Story) -> None:
    """Instances count from one; nobody ends before it begins; nothing is missed without a date."""
    clocks = story.clocks()

    for name in {clock.name for clock in clocks}:
        numbers = [clock.number for clock in clocks if clock.name == name]
        assert numbers == sorted(set(numbers))
    for clock in clocks:
        assert clock.due_at is not None or not clock.missed
        if clock.missed and clock.ended_at is not None and clock.due_at is not None:
            assert clock.ended_at > clock.due_at
        if clock.ending == "met" and clock.ended_at is not None and clock.due_at is not None:
            assert clock.missed == (clock.ended_at > clock.due_at)


def a_life() -> tuple[CaseEvents, list[Raw]]:
    """A case that is asked about, returned, reassigned and answered by its second office."""
    case = CaseEvents("life", MONDAY)
    case.created()
    case.assigned("2026-03-02 10:00", "DISHUB")
    case.progressed("2026-03-03 08:00", "returned")
    case.assigned("2026-03-03 15:00", "DPU")
    case.progressed("2026-03-04 08:00", "in_progress")
    case.progressed("2026-03-05 08:00", "awaiting_reporter")
    case.replied("2026-03-09 08:00", "r1")
    case.progressed("2026-03-09 08:01", "in_progress", reply_id="r1")
    case.progressed("2026-03-11 09:00", "answered")
    return case, list(case.all)


async def _final(folder: Path, order: Sequence[int], ticks: Sequence[int]) -> list[Any]:
    sla = await Sla(folder, MONDAY).build()
    try:
        case, events = a_life()
        for place, index in enumerate(order):
            await sla.hears(events[index])
            if place in ticks:
                await sla.at(f"2026-03-{10 + place:02} 00:00")
        await sla.at(END)
        last = (await sla.told(case, "sla.scheduled"))[-1]
        return [clock for clock in last["clocks"] if clock["name"] not in TIMERS]
    finally:
        sla.world.close()


@hypothesis_settings(max_examples=25)
@given(st.permutations(range(9)), st.sets(st.integers(0, 8), max_size=4))
def test_any_order_of_arrival_ends_with_the_same_clocks(order: list[int], ticks: set[int]) -> None:
    """Late, mixed and with ticks in between: deadlines end as if all had come in order."""
    with TemporaryDirectory() as expected, TemporaryDirectory() as other:
        straight = asyncio.run(_final(Path(expected), range(9), ()))

        assert straight == asyncio.run(_final(Path(other), order, sorted(ticks)))
