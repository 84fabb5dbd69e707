"""An examination ends in time and says what it could not look at, whatever a part of it meets."""

import threading
import time
from collections.abc import Sequence

import pytest

from aduan.errors import Busy
from aduan_standalone.cli.refusal import Refusal
from aduan_standalone.doctor import examining
from aduan_standalone.doctor.disk import GIB, MIB, judged
from aduan_standalone.doctor.examining import Check, examine
from aduan_standalone.doctor.findings import Finding, as_json, in_order, ok, verdict

SECRET = "hunter2-in-an-error"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (Refusal("The brokers said no."), "not checked: The brokers said no."),
        (Busy("the database is away"), "not checked: the database is away"),
        (RuntimeError(SECRET), "not checked: an unexpected RuntimeError"),
    ],
)
def test_what_cannot_be_looked_at_is_said_and_hides_nothing_else(
    error: Exception, words: str
) -> None:
    """Never left out, never called ok; an unexpected error's own words may hold a secret."""

    def fails() -> Sequence[Finding]:
        raise error

    well = ok("other", "is well", "there")
    found = examine(
        [Check("this", "here", fails), Check("other", "there", lambda: [well])], patience=1
    )

    assert [("not checked", words), ("ok", "is well")] == [(o.severity, o.what) for o in found]
    assert SECRET not in str(found)


def test_what_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest is told, in the order in which it was asked."""
    monkeypatch.setattr(examining, "GRACE_SECONDS", 0.1)
    let_go = threading.Event()

    def hangs() -> Sequence[Finding]:
        let_go.wait(30)
        return []

    began = time.monotonic()
    found = examine(
        [
            Check("slow", "here", hangs),
            Check("quick", "there", lambda: [ok("quick", "well", "there")]),
        ],
        patience=0.1,
    )
    seconds = time.monotonic() - began
    let_go.set()

    assert ["not checked", "ok"] == [one.severity for one in found]
    assert seconds < 5


@pytest.mark.parametrize("severity", ["warning", "error"])
def test_a_finding_without_a_remedy_cannot_be_made(severity: str) -> None:
    """It would tell somebody that something is wrong, and leave him there."""
    with pytest.raises(ValueError):
        Finding("disk", severity, "it is full", "here")  # type: ignore[arg-type]


def test_the_worst_comes_first_and_rules_the_verdict() -> None:
    """Not checked is neither well nor wrong."""
    fine = ok("a", "well", "x")
    blind = Finding("b", "not checked", "not checked: why", "x")
    bad = Finding("c", "error", "broken", "x", "mend it")

    assert [bad, blind, fine] == in_order([fine, blind, bad])
    assert ("error", "not checked", "ok") == (
        verdict([fine, bad]),
        verdict([fine, blind]),
        verdict([]),
    )
    assert {"error": 1, "warning": 0, "not checked": 1, "ok": 1} == as_json(
        "standalone", [fine, blind, bad]
    )["counts"]


def test_room_is_judged_by_what_is_left() -> None:
    """An empty disk of 400 MiB is as dangerous as a full one."""
    assert ["error", "warning", "ok"] == [
        judged(free, "x").severity for free in (400 * MIB, 2 * GIB, 50 * GIB)
    ]
