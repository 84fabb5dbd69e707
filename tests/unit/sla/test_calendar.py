"""Working days as a clerk counts them (DOMAIN 8)."""

from datetime import UTC, date, datetime

import pytest
from aduan_sla_story import amended, in_wib, semarang, wib

from aduan_sla.domain.calendar import CalendarMissing, end_of, wib_date
from aduan_sla.domain.reckon import Limit, Pause, due_at, warn_at

# start, + working days, due, the wrong answer it catches
DUE = (
    ("2026-03-17", 3, "2026-03-27", "2026-03-23 if cuti bersama is ignored"),
    ("2026-03-17", 5, "2026-03-31", "2026-03-25 if cuti bersama is ignored"),
    ("2026-03-17", 10, "2026-04-08", "2026-04-01 if cuti bersama is ignored"),
    ("2026-03-17", 14, "2026-04-14", "2026-04-08 if cuti bersama is ignored"),
    ("2026-03-17", 60, "2026-06-26", "2026-06-18 if cuti bersama is ignored"),
    ("2025-12-23", 3, "2025-12-30", "2025-12-29: 26 December 2025 is cuti bersama"),
    ("2027-03-05", 3, "2027-03-18", "2027-03-15; holds estimated dates"),
    ("2025-03-27", 3, "2025-04-10", "2025-04-03 in the middle of the long leave"),
    ("2025-08-15", 1, "2025-08-19", "2025-08-18, an amendment of the decree"),
    ("2026-12-23", 5, "2027-01-04", "2026-12-31; also a change of year"),
    ("2026-03-14", 1, "2026-03-16", "a start on a Saturday"),
)
# pauses: start, working days, (pause, resume) ..., due
PAUSED = (
    ("2026-03-02", 5, (("2026-03-04", "2026-03-06"),), "2026-03-11"),
    ("2026-03-16", 5, (("2026-03-17", "2026-03-27"),), "2026-04-02"),
    ("2026-03-02", 5, (("2026-03-03", "2026-03-03"),), "2026-03-09"),
    ("2026-03-02", 5, (("2026-03-06", "2026-03-07"),), "2026-03-09"),
    ("2026-03-02", 5, (("2026-03-03", "2026-03-04"), ("2026-03-04", "2026-03-05")), "2026-03-11"),
)


@pytest.mark.parametrize(("start", "days", "due", "wrong"), DUE)
def test_working_days_are_counted_as_the_clerk_does(
    start: str, days: int, due: str, wrong: str
) -> None:
    """Weekends, libur nasional and cuti bersama are not counted, nor is the day of the start."""
    found = due_at(
        wib(f"{start} 10:00"), Limit("working_days", days), (), semarang().calendar.variants[-1]
    )

    assert f"{due} 23:59" == in_wib(found), wrong


def test_the_date_of_the_start_is_taken_in_wib() -> None:
    """18:30 UTC on the 16th is the 17th in Semarang: due on the 27th, not on the 26th."""
    start = datetime(2026, 3, 16, 18, 30, tzinfo=UTC)

    assert date(2026, 3, 17) == wib_date(start)
    found = due_at(start, Limit("working_days", 3), (), semarang().calendar.variants[-1])
    assert "2026-03-27 23:59" == in_wib(found)


def test_a_holiday_does_not_stop_an_hour_clock() -> None:
    """24 hours from 10:00 on the day before Nyepi's joint leave end at 10:00 on that leave."""
    found = due_at(
        wib("2026-03-17 10:00"), Limit("hours", 24), (), semarang().calendar.variants[-1]
    )

    assert "2026-03-18 10:00" == in_wib(found)


@pytest.mark.parametrize(("start", "days", "stretches", "due"), PAUSED)
def test_a_pause_gives_back_the_working_days_after_its_first(
    start: str, days: int, stretches: tuple[tuple[str, str], ...], due: str
) -> None:
    """It counts working days d with pause < d <= resume; the due date moves by n."""
    pauses = [Pause(wib(f"{a} 08:00"), wib(f"{b} 16:00")) for a, b in stretches]
    found = due_at(
        wib(f"{start} 09:00"),
        Limit("working_days", days),
        pauses,
        semarang().calendar.variants[-1],
    )

    assert f"{due} 23:59" == in_wib(found)


def test_hours_shift_by_the_exact_pause() -> None:
    """72 hours with a pause of 5 h 30 min end 5 h 30 min later."""
    pauses = [Pause(wib("2026-03-03 08:00"), wib("2026-03-03 13:30"))]
    found = due_at(
        wib("2026-03-02 09:00"), Limit("hours", 72), pauses, semarang().calendar.variants[-1]
    )

    assert "2026-03-05 14:30" == in_wib(found)


def test_a_paused_clock_has_no_due_date() -> None:
    """While the reporter has the word, neither due date nor warning is known."""
    work = semarang().calendar.variants[-1]
    pauses = [Pause(wib("2026-03-03 08:00"), None)]
    start = wib("2026-03-02 09:00")

    assert due_at(start, Limit("working_days", 5), pauses, work) is None
    assert warn_at(start, Limit("hours", 72), 0.75, pauses, work) is None


# unit, amount, warning for a start on Mon 2 March 2026, 09:00 WIB
WARN = (
    ("working_days", 3, "2026-03-04 23:59", "floor(2.25) = 2 days"),
    ("working_days", 14, "2026-03-16 23:59", "floor(10.5) = 10 days"),
    ("working_days", 5, "2026-03-05 23:59", "floor(3.75) = 3 days"),
    ("working_days", 2, "2026-03-03 23:59", "floor(1.5) = 1 day"),
    ("working_days", 1, "2026-03-03 12:00", "one day: noon of the due date"),
    ("hours", 24, "2026-03-03 03:00", "18 hours"),
    ("hours", 72, "2026-03-04 15:00", "54 hours"),
    ("days", 10, "2026-03-09 23:59", "floor(7.5) = 7 calendar days"),
)


@pytest.mark.parametrize(("unit", "amount", "warning", "why"), WARN)
def test_the_warning_comes_at_three_quarters(
    unit: str, amount: int, warning: str, why: str
) -> None:
    """Hours exactly, days at the end of a day, a single day at noon."""
    limit = Limit(unit, amount)  # type: ignore[arg-type]  # a word of the table above
    found = warn_at(wib("2026-03-02 09:00"), limit, 0.75, (), semarang().calendar.variants[-1])

    assert warning == in_wib(found), why


def test_an_hour_clocks_warning_shifts_by_the_pause() -> None:
    """54 of 72 hours, and the 5 h 30 min of the pause."""
    pauses = [Pause(wib("2026-03-03 08:00"), wib("2026-03-03 13:30"))]
    found = warn_at(
        wib("2026-03-02 09:00"), Limit("hours", 72), 0.75, pauses, semarang().calendar.variants[-1]
    )

    assert "2026-03-04 20:30" == in_wib(found)


def test_a_due_date_is_the_last_moment_of_its_day() -> None:
    """One microsecond later is too late."""
    assert datetime(2026, 3, 27, 16, 59, 59, 999999, tzinfo=UTC) == end_of(date(2026, 3, 27))


def test_years_without_joint_leave_are_not_sure() -> None:
    """No decree is known from 2028 on: deadlines there are counted and marked as unsure."""
    calendar = semarang().calendar

    assert calendar.is_sure(date(2026, 12, 23), date(2027, 1, 4))
    assert not calendar.is_sure(date(2027, 12, 28), date(2028, 1, 3))


def test_a_count_beyond_the_calendar_is_refused() -> None:
    """No date is invented for years that the calendar does not hold."""
    work = semarang().calendar.variants[-1]

    with pytest.raises(CalendarMissing):
        work.add(date(2040, 12, 20), 30)
    with pytest.raises(CalendarMissing):
        work.add(date(2010, 1, 4), 3)


def test_an_amendment_is_known_from_its_decision_on() -> None:
    """A local holiday decided on 4 March moves what is counted from then, not before."""
    calendar = amended("2026-03-05", decided_on="2026-03-04").calendar
    monday = date(2026, 3, 2)

    assert date(2026, 3, 5) == calendar.known_at(wib("2026-03-03 23:00")).add(monday, 3)
    assert date(2026, 3, 6) == calendar.known_at(wib("2026-03-04 00:00")).add(monday, 3)


def test_a_joint_leave_can_be_taken_back() -> None:
    """An override with working = true makes 24 December 2026 an ordinary Thursday again."""
    calendar = amended("2026-12-24", decided_on="2026-12-01", working=True).calendar

    found = calendar.known_at(wib("2026-12-02 08:00")).add(date(2026, 12, 23), 1)
    assert date(2026, 12, 24) == found
