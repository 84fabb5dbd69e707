"""The fold of statistics: any order, repeat, delay and split of the events gives the same figures."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from aduan_sla_story import wib
from aduan_statistics_lives import OVERSIGHT, TENANT, Life, city, figures, fold, labels
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest

from aduan.clock import WIB
from aduan.contracts.envelope import Raw
from aduan.errors import Poison
from aduan.messaging.partition import partition_of
from aduan_sla.domain.statistics.buckets import PERIODS, live, start_of
from aduan_sla.domain.statistics.facts import CaseFacts, dump, learn, merge, parse
from aduan_sla.domain.statistics.figures import Cell, Figures, Sums, together
from aduan_sla.domain.statistics.reading import facts_of
from aduan_sla.statistics.metrics import StatisticsMetrics

NOW: Final = wib("2026-12-02 10:30")  # a Wednesday
NUMBERS: Final = st.integers(0, 2**32 - 1)


def events_of(lives: Sequence[Life]) -> list[Raw]:
    """Return all events, case by case."""
    return [raw for life in lives for raw in life.events]


def all_of(found: Sums, figure: str, period: str = "week", bucket: str = "current") -> int:
    """Return a figure over all cases in one bucket."""
    return at(found, figure, "all", "all", period, bucket)


def at(
    found: Sums, figure: str, dimension: str, value: str, period: str = "week",
    bucket: str = "current", now: datetime = NOW,
) -> int:  # fmt: skip
    """Return one sum."""
    start = 0 if period == "now" else dict(live(now, period))[bucket]  # type: ignore[arg-type, index]
    return found.get(Cell(figure, TENANT, dimension, value, period, start), 0)  # type: ignore[arg-type]


@settings(max_examples=40)
@given(seed=NUMBERS, order=NUMBERS, repeats=st.floats(0, 1))
def test_any_order_and_any_repeat_give_the_same_facts_and_figures(
    seed: int, order: int, repeats: float
) -> None:
    """A fold that believed the event that came last, or counted events, would differ."""
    events = events_of(city(seed, 3, NOW))
    chance = random.Random(order)
    heard = [raw for raw in events for _ in range(1 + (chance.random() < repeats))]
    chance.shuffle(heard)

    assert fold(events) == fold(heard)
    assert figures(list(fold(events).values()), NOW) == figures(list(fold(heard).values()), NOW)


@settings(max_examples=40)
@given(seed=NUMBERS, order=NUMBERS)
def test_sums_that_follow_each_event_equal_sums_over_whole_cases(seed: int, order: int) -> None:
    """What a case counted for before must go, or each event would count it once more."""
    heard = events_of(city(seed, 3, NOW)) * 2
    random.Random(order).shuffle(heard)
    known: dict[str, CaseFacts] = {}
    followed = Figures(labels(), NOW)
    for raw in heard:
        case = raw.address().case_id
        before = known.get(case)
        known[case] = learn(before, facts_of(raw))
        followed.change(before, known[case])

    assert figures(list(known.values()), NOW) == followed.sums()
    assert len(known) == sum(followed.states.values())


@settings(max_examples=40)
@given(seed=NUMBERS, order=NUMBERS, workers=st.integers(1, 5))
def test_the_parts_of_several_workers_sum_to_the_whole(seed: int, order: int, workers: int) -> None:
    """Prometheus sums the partial figures; a case belongs to the worker of its partition."""
    heard = events_of(city(seed, 6, NOW))
    random.Random(order).shuffle(heard)
    parts = [
        figures(
            list(fold([raw for raw in heard if partition_of(raw.key) % workers == one]).values()),
            NOW,
        )
        for one in range(workers)
    ]

    assert figures(list(fold(heard).values()), NOW) == together(parts)


@settings(max_examples=40)
@given(seed=NUMBERS, order=NUMBERS)
def test_facts_merge_in_any_grouping(seed: int, order: int) -> None:
    """Commutative, associative, idempotent: a restored table and a replay may overlap."""
    [life] = city(seed, 1, NOW)
    parts = [facts_of(raw) for raw in life.events]
    random.Random(order).shuffle(parts)
    cut = order % len(parts)
    left, right = parts[: cut + 1], parts[cut:]
    whole = learn(None, *parts)

    assert whole == merge(learn(None, *left), learn(None, *right))
    assert whole == merge(learn(None, *right), learn(None, *left)) == merge(whole, whole)
    assert whole == parse(dump(whole))


def test_an_event_that_is_a_week_late_counts_where_it_would_have_counted() -> None:
    """The answer of last week arrives today: it belongs to last week."""
    life = Life("late", "2026-11-24 08:00").assigned("2026-11-24 09:00", "DPU")
    life.moved("2026-11-25 09:00", "in_progress").moved("2026-11-25 10:00", "answered")
    *early, late = life.events
    known = learn(None, *(facts_of(raw) for raw in early))
    found = Figures(labels(), NOW)
    found.change(None, known)
    assert 0 == all_of(found.sums(), "completions", bucket="previous")
    found.change(known, learn(known, facts_of(late)))

    assert 1 == all_of(found.sums(), "completions", bucket="previous")
    assert 26 * 3600 == all_of(found.sums(), "completion_seconds", bucket="previous")
    assert 25 * 3600 == all_of(found.sums(), "response_seconds", bucket="previous")
    assert 0 == all_of(found.sums(), "completions")


@pytest.mark.parametrize(
    ("moment", "period", "start"),
    [
        ("2026-12-02 10:30", "hour", "2026-12-02 10:00"),
        ("2026-12-02 00:00", "day", "2026-12-02 00:00"),
        ("2026-12-01 23:59:59", "day", "2026-12-01 00:00"),
        ("2026-11-30 00:00", "week", "2026-11-30 00:00"),  # Monday
        ("2026-11-29 23:59:59", "week", "2026-11-23 00:00"),  # the Sunday before
        ("2027-01-03 12:00", "week", "2026-12-28 00:00"),  # ISO week 53 of 2026
        ("2026-03-01 06:59", "day", "2026-03-01 00:00"),  # still February in UTC
    ],
)
def test_buckets_are_cut_in_wib(moment: str, period: str, start: str) -> None:
    """A UTC day would begin at seven in the morning of Semarang."""
    assert int(wib(start).timestamp()) == start_of(wib(moment), period)  # type: ignore[arg-type]


@given(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))
def test_buckets_agree_with_the_calendar(moment: datetime) -> None:
    """The arithmetic with a fixed offset is what the zone's own rules say."""
    local = moment.astimezone(WIB)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    monday = midnight - timedelta(days=local.weekday())
    hour = local.replace(minute=0, second=0, microsecond=0)
    expected = [int(each.timestamp()) for each in (hour, midnight, monday)]

    assert expected == [start_of(moment, period) for period in PERIODS]


def test_a_bucket_that_ended_becomes_the_previous_one_and_then_goes() -> None:
    """Series are bounded: nothing older than the last complete week is kept."""
    found = Figures(labels(), NOW)
    before = learn(None, facts_of(Life("a", "2026-12-02 10:00").events[0]))
    found.change(None, before)
    found.turn(NOW + timedelta(days=7))
    assert 1 == at(
        found.sums(), "inflow", "all", "all", "week", "previous", NOW + timedelta(days=7)
    )
    assert 0 == sum(n for cell, n in found.sums().items() if cell.period == "day")
    found.turn(NOW + timedelta(days=14))
    found.turn(NOW)  # a clock that goes back brings nothing back
    after = learn(before, facts_of(Life("a", "2026-12-02 10:00").assigned(NOW, "DPU").events[1]))
    found.change(before, after)

    assert {"now"} == {cell.period for cell in found.sums()}
    assert 1 == at(found.sums(), "waiting", "opd", "DPU", "now")
    assert 0 == at(found.sums(), "waiting", "opd", "none", "now")
    assert all(amount > 0 for amount in found.sums().values())


def test_a_trial_is_never_counted_whatever_comes_first() -> None:
    """Routing and sla tell about trials as about any other; only the complaint says what it is."""
    life = Life("trial", "2026-12-02 08:00", test=True).assigned("2026-12-02 08:01", "DPU")
    life.moved("2026-12-02 09:00", "in_progress").moved("2026-12-02 09:30", "answered")
    for known in (fold(life.events), fold(life.events[::-1]), fold(life.events[1:])):
        assert {} == figures(list(known.values()), NOW)


def test_a_case_counts_once_its_complaint_is_known() -> None:
    """Until then nobody knows whether it is a trial."""
    life = Life("early", "2026-12-02 08:00").assigned("2026-12-02 08:01", "DPU")
    early = learn(None, facts_of(life.events[1]))
    assert {} == figures([early], NOW)

    assert 1 == at(figures([learn(early, facts_of(life.events[0]))], NOW), "inflow", "opd", "DPU")


def test_a_case_of_oversight_stands_at_no_unit_no_matter_and_no_district() -> None:
    """The unit that is complained about must not find it in its own figures (DOMAIN 9)."""
    life = Life("o", "2026-12-02 08:00", area="33.74.02.1004", category="jalan-rusak")
    life.assigned("2026-12-02 08:01", "DPU")
    [open_case] = fold(life.events).values()
    assert 1 == at(figures([open_case], NOW), "inflow", "opd", "DPU")
    life.moved("2026-12-02 09:00", "triage", by="coordinator", oversight=True)
    [case] = fold(life.events).values()
    found = figures([case], NOW)

    assert {"all", "oversight"} == {cell.value for cell in found}
    assert 1 == at(found, "inflow", "all", "all")
    assert 1 == at(found, "waiting", "kecamatan", "oversight", "now")


def test_a_hint_of_oversight_counts_until_routing_has_decided() -> None:
    """The safe side first; a coordinator's word, either way, afterwards."""
    life = Life("h", "2026-12-02 08:00", hint=OVERSIGHT, area="33.74.02.1004")
    [hinted] = fold(life.events).values()
    assert 1 == at(figures([hinted], NOW), "inflow", "kecamatan", "oversight")
    life.assigned("2026-12-02 08:01", "DPU")
    [decided] = fold(life.events).values()

    assert 1 == at(figures([decided], NOW), "inflow", "kecamatan", "33.74.02")


def test_labels_are_closed() -> None:
    """A unit that nobody knows, a place elsewhere, a number in the place of a code: never a series."""
    life = Life("x", "2026-12-02 08:00", area="33.75.99", category="0812-1500-0512")
    life.assigned("2026-12-02 08:01", "DINAS-LAIN")
    [case] = fold(life.events).values()
    assert {"all", "other"} == {cell.value for cell in figures([case], NOW)}
    plain = learn(None, facts_of(Life("y", "2026-12-02 08:00", area="33.74").events[0]))

    assert {"all", "none"} == {cell.value for cell in figures([plain], NOW)}


def test_a_reopened_case_takes_its_completion_back() -> None:
    """The answer that did not stand is none; the next one counts where it was given."""
    life = Life("r", "2026-12-01 08:00").assigned("2026-12-01 08:01", "DPU")
    life.moved("2026-12-01 09:00", "in_progress").moved("2026-12-01 10:00", "answered")
    life.moved("2026-12-01 11:00", "in_progress", by="reporter")
    [again] = fold(life.events).values()
    assert 0 == all_of(figures([again], NOW), "completions")
    assert 1 == at(figures([again], NOW), "waiting", "opd", "DPU", "now")
    life.moved("2026-12-02 09:00", "answered").moved("2026-12-02 09:30", "answered")
    [case] = fold(life.events).values()
    found = figures([case], NOW)

    assert (1, 0) == (
        all_of(found, "completions", "day"), all_of(found, "completions", "day", "previous"),
    )  # fmt: skip
    assert 25 * 3600 == all_of(found, "completion_seconds", "day")
    assert 1 == at(found, "answered", "opd", "DPU", "now")


def test_a_partners_answer_counts_from_when_the_partner_gave_it() -> None:
    """We may hear of it days later; sla's clock stops there too."""
    life = Life("p", "2026-12-01 08:00").moved("2026-12-01 09:00", "forwarded", by="coordinator")
    life.moved("2026-12-01 12:00", "answered", by="partner", published="2026-12-02 09:00")
    [case] = fold(life.events).values()

    assert 4 * 3600 == all_of(figures([case], NOW), "completion_seconds", "day", "previous")


def test_compliance_counts_a_missed_deadline_when_it_was_missed_answered_or_not() -> None:
    """A unit that never answers must not look better than one that answers late."""
    life = Life("c", "2026-11-26 08:00").assigned("2026-11-26 09:00", "DPU")
    life.clocks("2026-11-26 09:00", ("handle", "running", "2026-11-29 09:00"))
    life.clocks(
        "2026-11-29 09:01", ("handle", "breached", "2026-11-29 09:00"),
        ("complete", "running", "2026-12-16 23:59"), ("verify", "met", "2026-11-26 09:00"),
    )  # fmt: skip
    [missed] = fold(life.events).values()
    assert 1 == all_of(figures([missed], NOW), "handle_late", bucket="previous")
    life.clocks(
        "2026-12-02 09:00", ("handle", "met", "2026-11-29 08:00"),
        ("complete", "met", "2026-12-02 08:00"),
    )  # fmt: skip
    [corrected] = fold(life.events[::-1]).values()
    found = figures([corrected], NOW)

    assert 0 == all_of(found, "handle_late", bucket="previous")
    assert 1 == all_of(found, "handle_in_time", bucket="previous")
    assert 1 == all_of(found, "complete_in_time")


def test_an_unreadable_event_is_refused_without_its_words() -> None:
    """The caller keeps it as a letter; what it held is not quoted."""
    [raw] = Life("z", "2026-12-02 08:00").events
    broken = Raw(raw.topic, raw.key, b'{"received_at": "Budi"}', raw.headers)
    with pytest.raises(Poison) as refused:
        facts_of(broken)

    assert "Budi" not in str(refused.value)


def series(registry: CollectorRegistry) -> dict[str, float]:
    """Return what a scrape gives, by line."""
    lines = generate_latest(registry).decode().splitlines()
    pairs = [line.rsplit(" ", 1) for line in lines if not line.startswith("#")]
    return {name: float(value) for name, value in pairs}


def test_every_series_is_there_at_zero_and_their_number_does_not_depend_on_the_cases() -> None:
    """A dashboard of a quiet unit shows zero; a busy week makes no series."""
    empty, busy = CollectorRegistry(), CollectorRegistry()
    many = figures(list(fold(events_of(city(7, 60, NOW))).values()), NOW)
    StatisticsMetrics(empty, labels(), dict, lambda: NOW)
    StatisticsMetrics(busy, labels(), lambda: many, lambda: NOW)
    there = series(empty)
    known = labels()[TENANT]
    values = sum(len(known.values(name)) for name in ("opd", "category", "kecamatan"))
    # 9 flows in two buckets of day and week, 3 stocks; all together also by the hour
    bounded = values * (9 * 4 + 3) + (9 * 6 + 3)

    assert bounded == sum("dimension=" in name for name in there)
    assert {0.0} == {value for name, value in there.items() if "dimension=" in name}
    assert there.keys() == series(busy).keys()


def test_what_is_scraped_is_what_was_summed() -> None:
    """Each cell stands at its own labels, and none is left out."""
    registry = CollectorRegistry()
    many = figures(list(fold(events_of(city(11, 40, NOW))).values()), NOW)
    StatisticsMetrics(registry, labels(), lambda: many, lambda: NOW)
    found = series(registry)
    name = 'aduan_statistics_inflow{bucket="current",dimension="opd",period="week"'
    shown = {
        line.split('value="')[1].split('"')[0]: value
        for line, value in found.items()
        if line.startswith(name)
    }

    assert many
    assert sum(many.values()) == sum(value for line, value in found.items() if "dimension=" in line)
    for value, number in shown.items():
        assert at(many, "inflow", "opd", value) == number
