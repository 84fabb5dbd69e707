"""What of a case's clocks is published."""

from dataclasses import replace
from datetime import date

import pytest
from aduan_sla_story import Story, semarang

from aduan.contracts.events import DATA_LIMIT
from aduan_sla.domain.case import CASES, SlaCase, from_body
from aduan_sla.domain.schedule import PUBLISHED, reschedule
from aduan_sla.notices import scheduled


def test_a_case_that_is_handed_around_for_ever_still_fits_into_an_event() -> None:
    """After 300 hand-overs the open clocks and the newest ended ones are published."""
    story = Story("2026-03-02 09:00")
    for number in range(300):
        hour, minute = divmod(number, 60)
        story.then(f"2026-03-02 {10 + hour}:{minute:02}", "assigned", ("DPU", "DISHUB")[number % 2])
    case = SlaCase("33.74", "T", story.opening, tuple(story.facts))
    found = reschedule(case, semarang()).case

    assert PUBLISHED == len(found.clocks)
    assert {"first_follow_up", "handle", "complete"} == {
        clock.name for clock in found.clocks if clock.state == "running"
    }
    assert len(scheduled(found, "cause").data.model_dump_json()) < DATA_LIMIT


def test_a_case_is_read_back_as_it_was_written() -> None:
    """Facts, clocks, replies and columns survive the document."""
    story = Story("2026-03-02 09:00", "aspirasi").then("2026-03-02 10:00", "assigned", "DPU")
    story.then("2026-03-03 10:00", "answered", confirmed="permintaan_informasi")
    case = SlaCase("33.74", "T", story.opening, tuple(story.facts), area="33.74.01.1001")
    found = reschedule(case.replied("r1").answered_for("r2"), semarang()).case

    assert found == from_body(found.body())


@pytest.mark.parametrize(
    ("state", "owed"), [("triage", None), ("conditionally_closed", date(2027, 3, 1))]
)
def test_a_document_of_an_earlier_release_is_found_like_one_of_today(
    state: str, owed: date | None
) -> None:
    """It says neither whether it was verified nor what it owes; state and facts do."""
    story = Story("2026-03-02 09:00").then("2026-03-02 10:00", "triage")
    if owed is not None:
        story.then("2026-03-03 10:00", state, "DPU")
        story.facts[-1] = replace(story.facts[-1], debt_on=owed)
    case = SlaCase("33.74", "T", story.opening, tuple(story.facts), verified=state != "triage")
    body = reschedule(case, semarang()).case.body()
    old = {name: value for name, value in body.items() if name not in ("verified", "debt")}

    assert CASES.columns(body) == CASES.columns(old)
    assert from_body(body) == from_body(old)
    found = CASES.columns(old)
    assert (
        ("DPU", "2027-03-01") == (found["owes"], found["owed_on"])
        if owed
        else (found["unverified_since"] == body["received_at"])
    )
