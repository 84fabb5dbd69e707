"""The table itself: every row can be taken, and what it says is complete."""

import pytest

from aduan_routing.domain.lifecycle import ALL, COMMANDS, LIFECYCLE, OPEN, Step, allowed, find, path
from aduan_routing.entrypoints.shapes import BODIES


@pytest.mark.parametrize("step", LIFECYCLE, ids=lambda s: f"{s.by}-{s.action}-{s.to}")
def test_every_row_can_be_reached(step: Step) -> None:
    """From each of its states, with its conditions holding, the table gives this very row."""
    for source in step.sources:
        if step.action == "decide":
            assert step in LIFECYCLE
        else:
            assert find(step.action, source, step.by, step.when) == step


def test_exactly_the_commands_of_the_table_have_a_body() -> None:
    """No action over HTTP without a row, and no row without its body."""
    assert set(BODIES) == COMMANDS


def test_every_row_that_is_told_speaks_to_the_citizen() -> None:
    """Only taking note of a conflict is no public entry."""
    silent = {step.action for step in LIFECYCLE if not step.says}
    assert silent == {"acknowledge"}


@pytest.mark.parametrize("state", ALL)
def test_every_state_has_a_row_for_a_reply_that_moves_nothing(state: str) -> None:
    """A reply always gets its one event."""
    rows = [step for step in LIFECYCLE if step.action in ("note-reply", "refuse-reply")]
    assert any(state in step.sources for step in rows)


def test_withdrawing_ends_every_open_state_and_no_other() -> None:
    """any open state -> archived(withdrawn)."""
    assert {state for state in ALL if find("withdraw", state, "reporter")} == set(OPEN)


def test_an_office_may_answer_at_once_but_not_what_it_returned() -> None:
    """The two-minute repair starts where the office has the case."""
    assert [step.action for step in path("answer", "assigned", "office")] == [
        "accept",
        "start",
        "answer",
    ]
    assert path("answer", "returned", "office") == ()


def test_what_is_allowed_is_read_from_the_table() -> None:
    """An office in progress: ask, answer, return, close with a debt; nothing of the coordinator's."""
    assert set(allowed("in_progress", "office")) == {
        "return",
        "ask",
        "answer",
        "close-conditionally",
    }
    assert allowed("closed", "office") == []
