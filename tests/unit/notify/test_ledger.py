"""The ledger: one decision per cause, audience and channel; a repeat is written down before it is made."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aduan_notify.domain import ledger, sending
from aduan_notify.domain.address import is_address
from aduan_notify.domain.case import CASES
from aduan_notify.domain.causes import MOVES, OWN, TOLD, cause_of
from aduan_notify.domain.ledger import Notice

NOW: Final = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)
WALL: Final = datetime(2026, 11, 2, 2, 0, tzinfo=UTC)
LEASE: Final = timedelta(seconds=30)
EMPTY: Final[dict[str, Any]] = {"ticket": "SMG-0000-0000-001", "test": False, "rows": []}


def a_notice(cause_id: str = "a", audience: Any = "office", **changes: Any) -> Notice:
    """A letter that is owed to an office."""
    return Notice(cause_id, "assigned", audience, NOW, **changes)


def one(body: Any) -> Any:
    """Return the only row."""
    (row,) = body["rows"]
    return row


def test_the_same_cause_and_audience_is_recorded_once() -> None:
    """However often it comes; another audience of the same cause has a row of its own."""
    body = ledger.record(EMPTY, [a_notice(), a_notice()], NOW)
    again = ledger.record(
        ledger.record(body, [a_notice()], NOW), [a_notice(audience="reporter")], NOW
    )

    assert len(body["rows"]) == 1
    assert len(again["rows"]) == 2
    assert {"office", "reporter"} == {row["audience"] for row in again["rows"]}


def test_a_row_is_sent_again_as_a_repeat_only_after_an_unknown_outcome() -> None:
    """The story of one letter: claimed, lost, claimed again, accepted."""
    body = ledger.record(EMPTY, [a_notice()], NOW)
    id = one(body)["id"]
    first = sending.claim(body, id, NOW, WALL, LEASE)
    assert first is not None
    assert ("sending", 1, 0) == tuple(one(first)[name] for name in ("decision", "tries", "repeats"))
    assert sending.claim(first, id, NOW, WALL + LEASE / 2, LEASE) is None  # somebody is at it

    second = sending.claim(first, id, NOW, WALL + LEASE * 2, LEASE)
    assert second is not None
    assert (2, 1) == (one(second)["tries"], one(second)["repeats"])
    done = sending.settle(second, id, "delivered", "accepted", NOW, to=["d***@o***.test"], code=250)
    assert done is not None
    assert ("delivered", None) == (one(done)["decision"], one(done)["next_at"])
    assert sending.settle(done, id, "failed", "refused", NOW) is None  # decided is decided
    assert sending.postpone(done, id, "deferred", NOW, WALL) is None


def test_a_clear_no_leaves_no_doubt_and_intakes_silence_keeps_it() -> None:
    """deferred clears the doubt about this try; contacts_away must not."""
    body = ledger.record(EMPTY, [a_notice(audience="reporter")], NOW)
    id = one(body)["id"]
    claimed = sending.claim(body, id, NOW, WALL, LEASE)
    assert claimed is not None
    refused = sending.postpone(claimed, id, "deferred", NOW, WALL, code=451)
    unsure = sending.postpone(claimed, id, "outcome_unknown", NOW, WALL)
    assert refused is not None and unsure is not None
    still_unsure = sending.postpone(unsure, id, "contacts_away", NOW, WALL)
    assert still_unsure is not None

    later = WALL + timedelta(seconds=1)
    repeats = []
    for before in (refused, unsure, still_unsure):
        after = sending.claim(before, id, NOW, later, LEASE)
        assert after is not None
        repeats.append(one(after)["repeats"])
    assert [0, 1, 1] == repeats


def test_an_unlisted_reason_is_a_bug() -> None:
    """Reasons are a closed list, by decision."""
    body = ledger.record(EMPTY, [a_notice()], NOW)
    with pytest.raises(ValueError, match="is not decided by"):
        sending.settle(body, one(body)["id"], "delivered", "refused", NOW)
    with pytest.raises(ValueError, match="no reason to wait"):
        sending.postpone(body, one(body)["id"], "accepted", NOW, WALL)


@given(order=st.permutations(["a", "b", "c", "d"]))
def test_the_order_of_arrival_leaves_no_trace(order: list[str]) -> None:
    """Rows stand by occurrence, so two producers in any order give one ledger."""
    body: Any = EMPTY
    for cause_id in order:
        body = ledger.record(body, [a_notice(cause_id), a_notice(cause_id, "reporter")], NOW)

    expected = ledger.record(
        EMPTY, [a_notice(c, w) for c in "abcd" for w in ("office", "reporter")], NOW
    )
    assert expected == body


def test_a_case_is_due_when_its_earliest_row_is() -> None:
    """Columns: the next thing to do, how many of each kind; a test complaint is in no count."""
    body = ledger.record(EMPTY, [a_notice("a"), a_notice("b", skip="own_action")], NOW)
    columns = CASES.columns(body)

    assert ledger.AT_ONCE == columns["next_at"]
    assert (1, None, 1) == (columns["pending_n"], columns["delivered_n"], columns["skipped_n"])
    hidden = CASES.columns({**body, "test": True})
    assert {None} == {
        hidden[f"{kind}_n"] for kind in ("pending", "delivered", "skipped", "repeats")
    }
    assert ledger.AT_ONCE == hidden["next_at"]


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("warga@contoh.test", True),
        ("w.a-r+ga@sub.contoh.test", True),
        ("warga@contoh", False),
        ("warga contoh@contoh.test", False),
        ("a@b.test\r\nBcc: c@d.test", False),
        ("a@b.test,c@d.test", False),
        ('"a b"@contoh.test', False),
        ("wargä@contoh.test", False),
        ("@contoh.test", False),
        ("a" * 250 + "@contoh.test", False),
    ],
)
def test_only_plain_addresses_are_written_to(text: str, good: bool) -> None:
    """Nothing that a header or an envelope could read as something else."""
    assert good == is_address(text)


def test_every_move_of_the_table_can_be_reached() -> None:
    """No row stands behind another one that always fits first."""
    reached = set()
    for move in MOVES:
        for before in (*move.after, None) if not move.after else move.after:
            for by in move.by or ("system", "coordinator", "office", "reporter", "partner"):
                found = cause_of(before, move.to, by, reason_code=None, action="step")
                if found == move.cause:
                    reached.add(move)
    assert set(MOVES) == reached
    assert set(OWN.values()) <= {audience for heard in TOLD.values() for audience in heard}
