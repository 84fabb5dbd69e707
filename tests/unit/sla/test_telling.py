"""What a clock says, when and to whom."""

from dataclasses import replace

from aduan_sla_story import Story, in_wib, wib

from aduan_sla.domain.telling import Told, agenda, audience, correct, due_now, next_at, parse

MONDAY = "2026-03-02 09:00"


def an_assigned_case() -> Story:
    """Received Mon 09:00, assigned to DPU at 10:00."""
    return Story(MONDAY).then("2026-03-02 10:00", "assigned", "DPU")


def say(story: Story, told: list[Told], through: str, *, reply_waits: bool = False) -> list[str]:
    """Tell all that is due, remember it, and return it as `kind clock/instance level at`."""
    notices = agenda(story.clocks(), told, story.rules, reply_waits=reply_waits)
    ready = due_now(notices, wib(through))
    for one in ready:
        clock = one.clock
        told.append(Told(one.kind, clock.name, clock.number, one.due_at, one.level, wib(through)))
    return [
        f"{one.kind} {one.clock.name}/{one.clock.number} {one.level} {in_wib(one.at)}"
        for one in ready
    ]


def test_a_deadline_warns_breaches_and_escalates_once_each() -> None:
    """Handle of 72 h: warning at 54 h, the breach, then one and three working days later."""
    story, told = an_assigned_case(), list[Told]()

    assert ["warn handle/1 0 2026-03-04 16:00"] == say(story, told, "2026-03-04 16:00")
    assert [] == say(story, told, "2026-03-04 16:00")
    assert "breach handle/1 0 2026-03-05 10:00" in say(story, told, "2026-03-05 10:00")
    assert "breach handle/1 1 2026-03-06 23:59" in say(story, told, "2026-03-07 00:00")
    assert "breach handle/1 2 2026-03-10 23:59" in say(story, told, "2026-03-11 00:00")
    assert not [line for line in say(story, told, "2026-03-12 00:00") if "handle" in line]


def test_nothing_is_said_before_its_time() -> None:
    """One microsecond before the due moment a clock is silent, and says when it will speak."""
    story = Story("2026-03-02 09:00").then("2026-03-02 10:00", "forwarded", None)
    notices = agenda(story.clocks(), (), story.rules, reply_waits=False)

    assert "2026-03-16 23:59" == in_wib(next_at(notices))
    assert () == due_now(notices, wib("2026-03-16 23:59"))


def test_after_a_long_silence_no_warning_follows_its_breach() -> None:
    """A service that slept tells the miss, not that a miss is near."""
    story, told = Story(MONDAY), list[Told]()

    said = say(story, told, "2026-03-04 10:00")
    assert ["breach forward/1 0 2026-03-03 09:00"] == [line for line in said if "forward" in line]


def test_a_clock_looks_ahead_after_it_spoke() -> None:
    """What it says next lies in the future, or a tick would find it due for ever."""
    story, told = an_assigned_case(), list[Told]()
    for moment in ("2026-03-05 10:00", "2026-03-11 00:00"):
        say(story, told, moment)
        following = next_at(agenda(story.clocks(), told, story.rules, reply_waits=False))
        assert following is not None
        assert following > wib(moment)


def test_a_miss_that_was_stopped_late_is_told_all_the_same() -> None:
    """The answer came after the due moment and before the tick: the breach is a fact, told once."""
    story, told = an_assigned_case().then("2026-03-05 12:00", "in_progress"), list[Told]()
    story.then("2026-03-05 13:00", "answered")

    assert ["breach handle/1 0 2026-03-05 10:00"] == say(story, told, "2026-03-05 13:01")
    assert not [line for line in say(story, told, "2026-03-20 00:00") if "handle" in line]


def test_escalation_ends_when_the_work_is_done() -> None:
    """Answered between the first and the second escalation: nobody higher is called."""
    story, told = an_assigned_case(), list[Told]()
    say(story, told, "2026-03-07 00:00")
    story.then("2026-03-09 09:00", "answered")

    assert not [line for line in say(story, told, "2026-03-12 00:00") if "handle" in line]


def test_escalation_waits_while_the_reporter_has_the_word() -> None:
    """Missed, then a question to the reporter: the next level waits for the answer, and as long."""
    story, told = an_assigned_case(), list[Told]()
    say(story, told, "2026-03-05 10:00")
    story.then("2026-03-06 09:00", "awaiting_reporter")
    assert not [line for line in say(story, told, "2026-03-10 00:00") if "handle" in line]

    story.then("2026-03-10 09:00", "in_progress")
    assert "breach handle/1 1 2026-03-10 23:59" in say(story, told, "2026-03-11 00:00")


def test_no_timer_elapses_while_a_reply_is_not_dealt_with() -> None:
    """Auto-closing waits for routing's word about the reply; deadlines do not."""
    story = an_assigned_case().then("2026-03-02 11:00", "answered")
    told = list[Told]()

    assert [] == say(story, told, "2026-04-01 00:00", reply_waits=True)
    assert ["elapsed auto_close/1 0 2026-03-16 23:59"] == say(story, told, "2026-04-01 00:00")
    assert [] == say(story, told, "2026-04-02 00:00")


def test_a_timer_that_was_stopped_late_is_not_told() -> None:
    """The objection came before the tick: nothing has to be closed any more."""
    story = an_assigned_case().then("2026-03-02 11:00", "answered")
    story.then("2026-03-20 09:00", "in_progress")

    assert not [line for line in say(story, [], "2026-03-20 10:00") if "auto_close" in line]


def test_a_stop_that_occurred_in_time_corrects_the_breach() -> None:
    """Told at its due moment; then we hear of an answer given before it."""
    story, told = an_assigned_case(), list[Told]()
    say(story, told, "2026-03-05 10:00")
    story.then("2026-03-05 09:30", "answered")

    marked = correct(told, story.clocks())
    assert {"handle"} == {one.clock for one in marked if one.corrected}
    assert marked == correct(marked, story.clocks())


def test_a_pause_that_occurred_in_time_corrects_the_breach() -> None:
    """A pause is as good as a stop; the clock can be missed again later, and is told again."""
    story, told = an_assigned_case(), list[Told]()
    say(story, told, "2026-03-05 10:00")
    story.then("2026-03-05 10:00", "awaiting_reporter")
    told = list(correct(told, story.clocks()))
    story.then("2026-03-06 10:00", "in_progress")

    assert "breach handle/1 0 2026-03-06 10:00" in say(story, told, "2026-03-06 10:00")


def test_a_later_fact_corrects_nothing() -> None:
    """Against what occurred after the due moment a breach is final."""
    story, told = an_assigned_case(), list[Told]()
    say(story, told, "2026-03-05 10:00")
    story.then("2026-03-05 10:01", "answered")

    assert tuple(told) == correct(told, story.clocks())


def test_a_reclassified_case_keeps_its_breach() -> None:
    """5 days missed and told, then 60: nothing is corrected."""
    story = Story(MONDAY, "permintaan_informasi").then("2026-03-02 10:00", "forwarded", None)
    told = list[Told]()
    say(story, told, "2026-03-10 00:00")
    story.then("2026-03-10 09:00", "forwarded", confirmed="pengaduan_berkadar_pengawasan")

    assert tuple(told) == correct(told, story.clocks())
    assert not [line for line in say(story, told, "2026-04-01 00:00") if "breach" in line]


def test_the_office_hears_first_and_the_city_last() -> None:
    """Admin OPD, then its head, then coordinator and leadership; without an office the coordinator."""
    story = an_assigned_case()
    handle, verify, complete = (story.clock(n) for n in ("handle", "verify", "complete"))

    def heard(level: int) -> tuple[str, ...]:
        return audience(handle, "assigned", "DPU", level, story.rules)

    assert ("office",) == heard(0)
    assert ("office", "office_head") == heard(1)
    assert ("office_head", "coordinator", "leadership") == heard(2)
    assert ("coordinator",) == audience(verify, "assigned", "DPU", 0, story.rules)
    assert ("coordinator",) == audience(complete, "forwarded", None, 0, story.rules)
    assert ("coordinator",) == audience(complete, "returned", "DPU", 0, story.rules)


def test_what_was_told_is_read_back_as_it_was_written() -> None:
    """The short row of the document holds everything."""
    one = Told("breach", "handle", 2, wib("2026-03-05 10:00"), 1, wib("2026-03-06 10:00"))

    for told in (one, replace(one, provisional=True), replace(one, corrected=True)):
        assert told == parse(told.dump())
