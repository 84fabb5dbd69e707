"""The clocks of DESIGN 6, row by row, as a fold of facts."""

from dataclasses import replace

import pytest
from aduan_sla_story import Story, amended, how, in_wib, wib

from aduan.contracts.values import ReportClass

MONDAY = "2026-03-02 09:00"


def a_case(hint: ReportClass | None = None) -> Story:
    """Received on Mon 2 March 2026, 09:00 WIB."""
    return Story(MONDAY, hint)


def an_assigned_case(hint: ReportClass | None = None) -> Story:
    """Assigned to DPU an hour after the receipt."""
    return a_case(hint).then("2026-03-02 10:00", "assigned", "DPU")


def an_answered_case() -> Story:
    """Worked on and answered by DPU on Wednesday noon."""
    return (
        an_assigned_case()
        .then("2026-03-03 08:00", "accepted")
        .then("2026-03-03 09:00", "in_progress")
        .then("2026-03-04 12:00", "answered")
    )


# clock, due date in a case that is received Mon 09:00 and assigned Mon 10:00
STARTS = (
    ("verify", "2026-03-05 23:59"),
    ("forward", "2026-03-03 09:00"),
    ("first_follow_up", "2026-03-09 23:59"),
    ("handle", "2026-03-05 10:00"),
    ("complete", "2026-03-27 23:59"),
)


@pytest.mark.parametrize(("name", "due"), STARTS)
def test_each_clock_starts_where_its_row_says(name: str, due: str) -> None:
    """verify, forward and complete run from the receipt; the office's clocks from assignment."""
    assert due == an_assigned_case().due(name)


def test_before_routing_has_spoken_only_the_clocks_of_the_receipt_run() -> None:
    """No office is responsible yet."""
    names = [clock.name for clock in a_case().clocks()]

    assert ["verify", "forward", "complete"] == names


# state entered Tue 08:00 from triage -> how verify and forward end
FIRST_STOPS = (
    ("assigned", "met", "met"),
    ("forwarded", "met", "met"),
    ("rejected", "met", "cancelled"),
    ("archived", "met", "cancelled"),
    ("awaiting_reporter", "paused", "running"),
)


@pytest.mark.parametrize(("state", "verify", "forward"), FIRST_STOPS)
def test_verification_and_forwarding_stop_where_their_rows_say(
    state: str, verify: str, forward: str
) -> None:
    """Only verify knows rejection and archiving as its goal, and only it waits for the reporter."""
    case = a_case().then("2026-03-02 09:01", "triage", None).then("2026-03-03 08:00", state, None)

    assert (verify, forward) == (how(case.clock("verify")), how(case.clock("forward")))


COMPLETE = (
    ("permintaan_informasi", "2026-03-09 23:59"),
    ("pengaduan_tidak_berkadar_pengawasan", "2026-03-27 23:59"),
    ("pengaduan_berkadar_pengawasan", "2026-06-10 23:59"),
)


@pytest.mark.parametrize(("report_class", "due"), COMPLETE)
def test_the_class_decides_how_long_completion_may_take(
    report_class: ReportClass, due: str
) -> None:
    """5, 14 and 60 working days from the receipt."""
    assert due == a_case(report_class).due("complete")


def test_a_wish_has_no_limit() -> None:
    """No completion clock is shown for an aspirasi."""
    assert 0 == a_case("aspirasi").count("complete")


def test_an_unconfirmed_class_does_not_count() -> None:
    """Until a person confirmed it the citizen's word rules, and without one the default."""
    guessed = a_case("permintaan_informasi").then("2026-03-02 10:00", "triage", None)

    assert "2026-03-09 23:59" == guessed.due("complete")
    assert "2026-03-27 23:59" == a_case().due("complete")


# how the clocks of an assigned case end when the state is entered
ENDS = (
    # state, first_follow_up, handle, complete
    ("accepted", "running", "running", "running"),
    ("in_progress", "met", "running", "running"),
    ("answered", "met", "met", "met"),
    ("conditionally_closed", "met", "met", "voided"),
    ("returned", "cancelled", "cancelled", "running"),
    ("triage", "cancelled", "cancelled", "running"),
    ("forwarded", "cancelled", "cancelled", "running"),
    ("awaiting_reporter", "running", "paused", "paused"),
    ("rejected", "cancelled", "cancelled", "cancelled"),
    ("archived", "cancelled", "cancelled", "cancelled"),
    ("closed", "cancelled", "cancelled", "cancelled"),
)


@pytest.mark.parametrize(("state", "follow_up", "handle", "complete"), ENDS)
def test_entering_a_state_ends_clocks_as_their_rows_say(
    state: str, follow_up: str, handle: str, complete: str
) -> None:
    """Met where it is the goal, voided by a conditional closing, else cancelled or running on."""
    case = an_assigned_case().then("2026-03-03 08:00", state, debt_on="2027-02-01")

    found = [how(case.clock(name)) for name in ("first_follow_up", "handle", "complete")]
    assert [follow_up, handle, complete] == found


def test_a_new_office_gets_its_own_time() -> None:
    """first_follow_up and handle start again; verify, forward and complete do not."""
    case = an_assigned_case().then("2026-03-04 10:00", "assigned", "DISPERKIM")

    assert ("cancelled", "cancelled") == (
        how(case.clock("first_follow_up")),
        how(case.clock("handle")),
    )
    assert "2026-03-11 23:59" == case.due("first_follow_up", 2)
    assert "2026-03-07 10:00" == case.due("handle", 2)
    assert (1, 1, 1) == tuple(case.count(name) for name in ("verify", "forward", "complete"))


def test_a_new_office_after_work_began_starts_both_clocks() -> None:
    """The first office's follow-up is met; the second one has to make its own."""
    case = an_assigned_case().then("2026-03-03 08:00", "in_progress")
    case.then("2026-03-04 10:00", "assigned", "DISPERKIM")

    assert "met" == how(case.clock("first_follow_up"))
    assert "running" == how(case.clock("first_follow_up", 2))


def test_the_same_office_again_after_a_return_gets_new_time() -> None:
    """The coordinator sends it back to the unit that returned it: its clocks were cancelled."""
    case = an_assigned_case().then("2026-03-03 08:00", "returned")
    case.then("2026-03-04 10:00", "assigned", "DPU")

    assert "2026-03-11 23:59" == case.due("first_follow_up", 2)


def test_a_return_gives_the_coordinator_a_day_to_forward_it() -> None:
    """Entering returned starts a second instance of forward, which the next assignment meets."""
    case = an_assigned_case().then("2026-03-03 08:00", "returned")

    assert "2026-03-04 08:00" == case.due("forward", 2)
    case.then("2026-03-03 20:00", "assigned", "DISPERKIM")
    assert "met" == how(case.clock("forward", 2))


def test_a_case_that_comes_back_from_a_partner_must_be_forwarded_again() -> None:
    """Triage from forwarded starts forward; triage from anywhere else does not."""
    back = a_case().then("2026-03-02 10:00", "forwarded", None)
    back.then("2026-03-05 10:00", "triage", None)
    from_office = an_assigned_case().then("2026-03-03 10:00", "triage", None)

    assert "2026-03-06 10:00" == back.due("forward", 2)
    assert 1 == from_office.count("forward")


def test_completion_runs_on_while_a_partner_has_the_case() -> None:
    """Forwarded neither stops nor pauses it."""
    case = a_case().then("2026-03-02 10:00", "forwarded", None)

    assert "2026-03-27 23:59" == case.due("complete")


REOPENED = (("answered",), ("answered", "closed"), ("conditionally_closed",))


@pytest.mark.parametrize("path", REOPENED)
def test_a_reopened_case_has_its_time_again(path: tuple[str, ...]) -> None:
    """Back to in_progress: handle and complete start at that moment, first_follow_up does not."""
    case = an_assigned_case().then("2026-03-03 09:00", "in_progress")
    for hour, state in enumerate(path):
        case.then(f"2026-03-04 1{hour}:00", state, debt_on="2027-02-01")
    case.then("2026-03-06 10:00", "in_progress")

    assert "2026-03-09 10:00" == case.due("handle", 2)
    assert "2026-04-02 23:59" == case.due("complete", 2)
    assert 1 == case.count("first_follow_up")


def test_coming_back_from_the_reporter_starts_nothing_anew() -> None:
    """awaiting_reporter to in_progress is a resumption."""
    case = an_assigned_case().then("2026-03-03 09:00", "in_progress")
    case.then("2026-03-03 10:00", "awaiting_reporter").then("2026-03-04 10:00", "in_progress")

    assert (1, 1) == (case.count("handle"), case.count("complete"))
    assert "2026-03-06 10:00" == case.due("handle")
    assert "2026-03-30 23:59" == case.due("complete")


def test_an_answer_starts_the_time_for_auto_closing() -> None:
    """Ten working days from the answer; leaving answered stops it, answering again starts anew."""
    case = an_answered_case()
    assert "2026-03-25 23:59" == case.due("auto_close")

    case.then("2026-03-05 08:00", "in_progress").then("2026-03-06 08:00", "answered")
    assert "met" == how(case.clock("auto_close"))
    assert "running" == how(case.clock("auto_close", 2))


def test_a_debt_is_due_at_the_end_of_its_date() -> None:
    """The date that the unit promised, in WIB; leaving the state stops it."""
    case = an_assigned_case().then("2026-03-03 09:00", "in_progress")
    case.then("2026-03-04 09:00", "conditionally_closed", debt_on="2027-02-01")
    assert "2027-02-01 23:59" == case.due("debt")

    case.then("2026-12-01 09:00", "in_progress")
    assert "met" == how(case.clock("debt"))


def test_a_question_to_the_reporter_has_ten_working_days() -> None:
    """reply_timeout runs while the reporter has the word."""
    case = an_assigned_case().then("2026-03-02 11:00", "awaiting_reporter")
    assert "2026-03-16 23:59" == case.due("reply_timeout")

    case.then("2026-03-05 09:00", "in_progress")
    assert "met" == how(case.clock("reply_timeout"))


def test_a_stop_at_the_due_moment_is_in_time() -> None:
    """The due date is the last moment; one second later is a miss."""
    in_time = an_assigned_case().then("2026-03-05 10:00:00", "answered")
    late = an_assigned_case().then("2026-03-05 10:00:01", "answered")

    assert ("met", "missed") == (how(in_time.clock("handle")), how(late.clock("handle")))


def test_a_pause_before_the_due_moment_moves_it() -> None:
    """Paused for exactly 20 hours: the hour clock ends 20 hours later, although 72 h are over."""
    case = an_assigned_case().then("2026-03-03 09:00", "in_progress")
    case.then("2026-03-05 09:59", "awaiting_reporter").then("2026-03-06 05:59", "in_progress")
    case.then("2026-03-06 06:00", "answered")

    assert "2026-03-06 06:00" == case.due("handle")
    assert "met" == how(case.clock("handle"))


def test_a_pause_after_the_due_moment_changes_nothing() -> None:
    """What was missed stays missed, with its due date."""
    case = an_assigned_case().then("2026-03-05 10:01", "awaiting_reporter")
    case.then("2026-03-09 10:00", "in_progress").then("2026-03-09 11:00", "answered")

    assert ("missed", "2026-03-05 10:00") == (how(case.clock("handle")), case.due("handle"))


def test_a_change_of_class_counts_from_the_clocks_own_start() -> None:
    """Reclassified on Wednesday: five working days from the receipt on Monday, not from then."""
    case = an_assigned_case().then("2026-03-04 09:00", "assigned", confirmed="permintaan_informasi")

    assert ("2026-03-09 23:59", 1) == (case.due("complete"), case.count("complete"))


def test_a_missed_clock_stays_missed_and_a_second_one_runs() -> None:
    """5 days were missed, then it becomes an oversight case with 60: both are true."""
    case = a_case("permintaan_informasi").then("2026-03-02 10:00", "triage", None)
    case.then("2026-03-10 09:00", "triage", confirmed="pengaduan_berkadar_pengawasan")

    assert ("missed", "2026-03-09 23:59") == (how(case.clock("complete")), case.due("complete"))
    assert "2026-06-10 23:59" == case.due("complete", 2)


def test_a_change_of_class_at_the_due_moment_is_in_time() -> None:
    """What happens at the last moment happens before the miss."""
    case = an_assigned_case("permintaan_informasi")
    due = case.clock("complete").due_at
    assert due is not None
    case.then("2026-03-09 23:59", "assigned", confirmed="pengaduan_berkadar_pengawasan")
    case.facts[-1] = replace(case.facts[-1], at=due)

    assert ("running", 1) == (how(case.clock("complete")), case.count("complete"))


def test_no_second_clock_runs_to_a_date_that_is_past() -> None:
    """60 days were missed; 5 days from the same start are past too."""
    case = a_case("pengaduan_berkadar_pengawasan").then("2026-03-02 10:00", "triage", None)
    case.then("2026-06-11 09:00", "triage", confirmed="permintaan_informasi")

    assert ("missed", 1) == (how(case.clock("complete")), case.count("complete"))


def test_a_wish_that_becomes_a_complaint_gets_its_limit_from_the_receipt() -> None:
    """The clock kept its place: 14 working days from Monday, with the pause that lay between."""
    case = a_case("aspirasi").then("2026-03-02 10:00", "triage", None)
    case.then("2026-03-03 09:00", "awaiting_reporter").then("2026-03-05 09:00", "triage")
    case.then("2026-03-06 09:00", "triage", confirmed="pengaduan_tidak_berkadar_pengawasan")

    assert ("2026-03-31 23:59", 1) == (case.due("complete"), case.count("complete"))


def test_a_complaint_that_becomes_a_wish_has_no_limit_any_more() -> None:
    """The clock disappears; back again it has its old start."""
    case = an_assigned_case().then("2026-03-03 09:00", "assigned", confirmed="aspirasi")
    assert 0 == case.count("complete")

    case.then("2026-03-04 09:00", "assigned", confirmed="permintaan_informasi")
    assert "2026-03-09 23:59" == case.due("complete")


def test_a_partners_answer_counts_from_when_it_was_given() -> None:
    """It was given before the due date and heard after it: in time. Auto-closing runs from us."""
    case = a_case("permintaan_informasi").then("2026-03-02 10:00", "forwarded", None)
    case.then("2026-03-09 16:00", "answered", published="2026-03-11 08:00")

    assert "met" == how(case.clock("complete"))
    assert in_wib(case.clock("complete").ended_at) == "2026-03-09 16:00"
    assert in_wib(case.clock("auto_close").started_at) == "2026-03-11 08:00"


def test_a_late_stop_undoes_the_miss_and_its_successor() -> None:
    """Missed, reclassified, and only then we hear that the partner had answered in time."""
    case = a_case("permintaan_informasi").then("2026-03-02 10:00", "forwarded", None)
    case.then("2026-03-10 09:00", "forwarded", confirmed="pengaduan_tidak_berkadar_pengawasan")
    case.then("2026-03-09 16:00", "answered", published="2026-03-11 08:00")

    assert ["met", "met"] == [how(case.clock("complete", number)) for number in (1, 2)]


def test_a_case_revived_from_the_archive_is_watched_again() -> None:
    """archived(reply_timeout) -> triage: somebody must forward and complete it."""
    case = a_case().then("2026-03-02 10:00", "triage", None)
    case.then("2026-03-02 11:00", "awaiting_reporter").then("2026-03-17 00:00", "archived")
    case.then("2026-05-04 08:00", "triage")

    assert ("running", "running") == (
        how(case.clock("forward", 2)),
        how(case.clock("complete", 2)),
    )
    assert "2026-05-05 08:00" == case.due("forward", 2)


def test_an_objection_to_a_partners_answer_keeps_a_clock_on_it() -> None:
    """Back to forwarded from answered: completion starts again."""
    case = a_case().then("2026-03-02 10:00", "forwarded", None)
    case.then("2026-03-04 10:00", "answered").then("2026-03-05 10:00", "forwarded")

    assert "running" == how(case.clock("complete", 2))


def test_an_amended_calendar_moves_open_clocks_only() -> None:
    """Decided on 6 March: what was due before stays; what is due later counts the new holiday."""
    rules = amended("2026-03-03", decided_on="2026-03-06")
    case = Story(MONDAY, rules=rules).then("2026-03-02 10:00", "triage", None)

    assert "2026-03-05 23:59" == case.due("verify")
    assert "2026-03-30 23:59" == case.due("complete")
    assert "missed" == how(case.clock("verify"))


def test_a_clock_that_starts_after_the_amendment_counts_by_it() -> None:
    """A holiday decided before the assignment is no working day of the office."""
    rules = amended("2026-03-04", decided_on="2026-03-01")
    case = Story(MONDAY, rules=rules).then("2026-03-02 10:00", "assigned", "DPU")

    assert "2026-03-10 23:59" == case.due("first_follow_up")


def test_the_policy_in_force_at_the_start_rules() -> None:
    """Semarang's own limits are of 2025: a case of 2024 has none of them."""
    case = Story("2024-03-04 09:00").then("2024-03-04 10:00", "assigned", "DPU")

    assert ["verify", "complete", "first_follow_up"] == [clock.name for clock in case.clocks()]
    assert wib("2024-03-04 09:00") == case.clock("verify").started_at
