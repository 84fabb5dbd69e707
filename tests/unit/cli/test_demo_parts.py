"""When a demo counts as settled, and what its table says."""

import io
from typing import Any

from rich.console import Console, RenderableType

from aduan_standalone.cli.show.settled import Quiet
from aduan_standalone.cli.show.view import Picture, frame, states

STILL: dict[str, Any] = {
    "pending": 0, "held": 0, "in_flight": 0, "lag": 0, "jobs": 0, "cases": 5,
}  # fmt: skip


def text_of(what: RenderableType) -> str:
    """Render to plain text."""
    file = io.StringIO()
    Console(width=160, file=file).print(what)
    return file.getvalue()


def test_three_quiet_seconds_settle_a_demo() -> None:
    """Not two."""
    quiet = Quiet()

    assert [False, False, True] == [quiet.look(STILL, at) for at in (10.0, 12.9, 13.0)]


def test_any_change_or_work_on_its_way_starts_the_seconds_again() -> None:
    """A new case, a job, an unpublished event."""
    for change in (
        {"cases": 6},
        {"jobs": 1},
        {"pending": 1},
        {"lag": 1},
        {"held": 1},
        {"in_flight": 1},
    ):
        quiet = Quiet()
        quiet.look(STILL, 10.0)
        quiet.look({**STILL, **change}, 12.0)

        assert not quiet.look({**STILL, **change}, 14.0)
        assert quiet.look({**STILL, "cases": 6}, 16.0) is (change == {"cases": 6})


def test_the_table_counts_cases_that_were_ever_in_a_state() -> None:
    """Now and ever stand side by side, breaches below."""
    picture = Picture(
        report={"states": {"closed": 2}, "ever": {"closed": 2, "returned": 1}, "breached": 7}
    )
    lines = [line.strip("│ ").split() for line in text_of(states(picture)).splitlines()]

    assert ["closed", "2", "2"] in lines
    assert ["returned", "0", "1"] in lines
    assert ["breaches", "7"] in lines


def test_the_frame_shows_units_deadlines_and_that_it_is_settled() -> None:
    """Deadlines are in WIB; a case without an office counts for the desk."""
    clocks: list[dict[str, Any]] = [
        {
            "ticket": "SMG-1", "state": "triage", "opd": None, "clocks": [{"state": "breached"}],
            "nearest": {"name": "verify", "due_at": "2026-12-04T17:00:00.000000Z"},
        },
        {"ticket": "SMG-2", "state": "closed", "opd": "DPU", "clocks": [], "nearest": None},
    ]  # fmt: skip
    text = text_of(frame(Picture(clocks=clocks, settled=True)))

    assert "(desk)" in text
    assert "05 Dec 00:00" in text
    assert "verify" in text
    assert "Settled" in text


def test_the_frame_shows_how_far_the_canary_comes() -> None:
    """Before the first one is back it says so."""
    steps = {"post": (2, 2), "mirror": (1, 2)}

    assert "not come back" in text_of(frame(Picture()))
    assert "post 2/2, mirror 1/2" in text_of(frame(Picture(canary=steps)))
