"""`aduan up --partners FOLDER`: simulators that run already, and the clock that they must keep."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from aduan.clock import SystemClock
from aduan_standalone import partners
from aduan_standalone.cli.refusal import Refusal
from aduan_standalone.cli.up_command import up

ANCHOR = datetime(2026, 12, 1, 2, tzinfo=UTC)
FLYING = SystemClock(ANCHOR, ANCHOR, 20_000.0)
KEPT = {
    "speed": 20_000,
    "anchor_wall": "2026-12-01T02:00:00Z",
    "anchor_domain": "2026-12-01T02:00:00Z",
}


def told(folder: Path, **changes: Any) -> Path:
    """Write what simulators write, with changes; None for a name drops it."""
    said = {"laporgub": "http://l", "sp4n": "http://s", "smtp": 2525, "mail": "/m"} | changes
    kept = {name: value for name, value in said.items() if value is not None}
    (folder / partners.ADDRESSES).write_text(json.dumps(kept))
    return folder


def test_a_folder_written_by_hand_is_enough_in_real_time(tmp_path: Path) -> None:
    """Who runs simulators alone names four things."""
    found = partners.found(told(tmp_path), SystemClock())

    assert partners.Partners("http://l", "http://s", 2525, Path("/m")) == found


def test_a_flying_clock_is_the_same_on_both_sides(tmp_path: Path) -> None:
    """What clock.json of the data folder says fits, however the moment is spelt."""
    found = partners.found(told(tmp_path, clock=KEPT), FLYING)

    assert 2525 == found.smtp_port


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (None, FLYING),
        (KEPT, SystemClock()),
        (KEPT | {"speed": 10}, FLYING),
        (KEPT | {"anchor_wall": "2026-12-01T02:00:01Z"}, FLYING),
    ],
)
def test_another_clock_is_refused(
    tmp_path: Path, theirs: dict[str, Any] | None, ours: SystemClock
) -> None:
    """Otherwise partners would write days that are not the instance's."""
    with pytest.raises(Refusal, match="another clock"):
        partners.found(told(tmp_path, clock=theirs), ours)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"smtp": None}, "does not say 'smtp'"),
        ({"smtp": "x"}, "is not what simulators write"),
        ({"clock": "fast"}, "is not what simulators write"),
        ({"clock": {"speed": 2}}, "does not say 'anchor_wall'"),
    ],
)
def test_half_a_file_is_refused_with_what_is_missing(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    """An instance that talks to nobody would look healthy."""
    with pytest.raises(Refusal, match=words):
        partners.found(told(tmp_path, **changes), SystemClock())


def test_a_folder_without_simulators_is_refused(tmp_path: Path) -> None:
    """A slip in the path is told at once."""
    with pytest.raises(Refusal, match="cannot be read"):
        partners.found(tmp_path / "nowhere", SystemClock())


def test_starting_simulators_and_using_running_ones_exclude_each_other(tmp_path: Path) -> None:
    """Two of each kind would split the mail and the tickets."""
    with pytest.raises(Refusal, match="name one"):
        up(data=tmp_path, simulators=True, partners=tmp_path)


def test_a_fast_clock_without_simulators_is_refused(tmp_path: Path) -> None:
    """Real partners do not live in fast time."""
    with pytest.raises(Refusal, match="--simulators or --partners"):
        up(data=tmp_path, clock_speed=2.0)
