"""What connected units are owed, as pure functions on the body of a case."""

from datetime import UTC, datetime
from typing import Any

import pytest

from aduan.storage.port import Body
from aduan_routing.domain.units import (
    NOBODY,
    caught_up,
    dropped,
    due_at,
    due_units,
    kind_for,
    owing,
    postponed,
    sent,
)

WALL = datetime(2026, 12, 1, tzinfo=UTC)


def a_case(version: int = 3, **changes: Any) -> Body:
    """A case that has just told its event `version`."""
    return {
        "version": version, "opd": "DPU", "copies": [], "test": False, "withheld": False,
        "oversight": False, "confidential": False, "units": {}, "told_at": "2026-12-01", **changes,
    }  # fmt: skip


def marks(body: Body | None) -> Any:
    """Return who is owed what: unit -> (connection, owed)."""
    assert body is not None
    return {code: (mark["since"], mark["owed"]) for code, mark in body["units"].items()}


@pytest.mark.parametrize(
    ("changes", "code", "kind"),
    [
        ({}, "DPU", "own"),
        ({}, "DISHUB", None),
        ({"copies": ["DISHUB"]}, "DISHUB", "copy"),
        ({"copies": ["DISHUB"], "confidential": True}, "DISHUB", None),
        ({"confidential": True}, "DPU", "own"),
        ({"oversight": True, "confidential": True}, "DPU", None),
        ({"withheld": True, "confidential": True}, "DPU", None),
        ({"test": True}, "DPU", None),
        ({"opd": None, "copies": ["DISHUB"]}, "DISHUB", "copy"),
    ],
)
def test_who_sees_what(changes: dict[str, Any], code: str, kind: str | None) -> None:
    """The whole table of eyes."""
    assert kind == kind_for(a_case(**changes), code)


def test_nobody_connected_costs_nothing() -> None:
    """The very same body, and no job."""
    body = a_case()

    assert body is owing(body, NOBODY)
    assert None is due_at(body)


def test_a_unit_is_owed_from_the_event_that_made_it_the_units_own() -> None:
    """Not what was told before, and each event once."""
    first = owing(a_case(3), {"DPU": "1"})
    second = owing({**first, "version": 4}, {"DPU": "1"})

    assert {"DPU": ("1", [[3, "own"]])} == marks(first)
    assert {"DPU": ("1", [[3, "own"], [4, "own"]])} == marks(second)
    assert ("", ["DPU"]) == (due_at(second), due_units(second, "2026"))


def test_a_later_connection_begins_anew_and_an_unknown_one_is_kept() -> None:
    """A process that has not heard of a connection must not forget what another one owes to it."""
    body = owing(a_case(3), {"DPU": "1"})

    assert {"DPU": ("2", [[4, "own"]])} == marks(owing({**body, "version": 4}, {"DPU": "2"}))
    assert {"DPU": ("1", [[3, "own"], [4, "own"]])} == marks(owing({**body, "version": 4}, NOBODY))
    newer = owing(a_case(3), {"DPU": "2"})
    assert {"DPU": ("2", [[3, "own"], [4, "own"]])} == marks(
        owing({**newer, "version": 4}, {"DPU": "1"})
    )


def test_a_lost_case_is_told_once_and_its_mark_ends_with_the_record() -> None:
    """Two events after the loss: still one `left`."""
    body = sent(owing(a_case(3), {"DPU": "1"}), "DPU", "1", 3)
    assert body is not None
    lost = owing({**body, "version": 4, "opd": "DISHUB"}, {"DPU": "1"})
    later = owing({**lost, "version": 5}, {"DPU": "1"})

    assert {"DPU": ("1", [[4, "left"]])} == marks(later)
    assert {} == marks(sent(later, "DPU", "1", 4))


def test_what_did_not_go_out_before_the_door_closed_stays_inside() -> None:
    """A plain loss keeps it: it was the unit's own."""
    body = owing(a_case(3), {"DPU": "1"})
    closed = owing(
        {**body, "version": 4, "oversight": True, "confidential": True, "withheld": True},
        {"DPU": "1"},
    )
    lost = owing({**body, "version": 4, "opd": "DISHUB"}, {"DPU": "1"})

    lost_and_closed = owing({**lost, "version": 5, "confidential": True}, {"DPU": "1"})

    assert {"DPU": ("1", [[4, "left"]])} == marks(closed)
    assert {"DPU": ("1", [[3, "own"], [4, "left"]])} == marks(lost)
    assert {"DPU": ("1", [[4, "left"]])} == marks(lost_and_closed)


def test_a_result_of_another_connection_changes_nothing() -> None:
    """A lane that was slow speaks of a connection that has ended."""
    body = owing(a_case(3), {"DPU": "2"})

    assert None is sent(body, "DPU", "1", 3)
    assert None is postponed(body, "DPU", "1", WALL)
    assert None is dropped(body, "DPU", "1")
    assert {} == marks(dropped(body, "DPU", "2"))


def test_a_failing_unit_waits_longer_each_time_and_the_others_do_not() -> None:
    """1, 2, 4 ... seconds, in the mark of that unit."""
    body = owing(a_case(3, copies=["DISHUB"]), {"DPU": "1", "DISHUB": "1"})
    once = postponed(body, "DPU", "1", WALL)
    assert once is not None
    twice = postponed(once, "DPU", "1", WALL)
    assert twice is not None

    assert "2026-12-01T00:00:01" == once["units"]["DPU"]["next_at"][:19]
    assert "2026-12-01T00:00:02" == twice["units"]["DPU"]["next_at"][:19]
    assert ["DISHUB"] == due_units(twice, "2026-12-01T00:00:01")


@pytest.mark.parametrize(
    ("body", "owed"),
    [
        (a_case(), True),
        (a_case(told_at="2026-11-30"), False),
        (a_case(told_at=None), False),
        (a_case(opd="DISHUB"), False),
        (a_case(opd="DISHUB", copies=["DPU"]), True),
        (owing(a_case(), {"DPU": "1"}), False),
        (owing(a_case(), {"DPU": "0"}), True),
    ],
)
def test_a_new_connection_is_owed_what_was_told_since(body: Body, owed: bool) -> None:
    """The last event of cases that moved after it was made, without a mark of it."""
    found = caught_up(body, "DPU", "1", "2026-12-01")

    assert owed == (found is not None)
    if found is not None:
        kind = kind_for(body, "DPU")
        assert {"DPU": ("1", [[3, kind]])} == marks(found)


def test_a_document_of_an_older_release_has_no_marks() -> None:
    """Bodies without the fields are read as they are."""
    old = {name: value for name, value in a_case().items() if name not in ("units", "told_at")}

    assert None is due_at(old)
    assert {"DPU": ("1", [[3, "own"]])} == marks(owing(old, {"DPU": "1"}))
