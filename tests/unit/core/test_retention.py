"""When a case need not be kept any more: canaries a day after their receipt, nothing else ever."""

from datetime import UTC, datetime, timedelta

import pytest

from aduan.clock import iso
from aduan.contracts.values import CANARY_TENANT, counted
from aduan.ids import made_at, uuid4, uuid7
from aduan.retention import expires_at, marks

RECEIVED = datetime(2026, 12, 1, 2, 3, 4, 567_000, UTC)


def test_the_moment_of_an_id_is_the_real_moment_of_the_receipt() -> None:
    """To the millisecond: every service reckons the same end from it."""
    assert RECEIVED == made_at(uuid7(RECEIVED))


def test_an_id_that_holds_no_moment_is_refused() -> None:
    """Rather than kept for ever, or not at all."""
    for wrong in (uuid4(), "", "019ad3f0-0000-7000-8000"):
        with pytest.raises(ValueError, match="version 7"):
            made_at(wrong)


def test_a_canary_ends_a_day_after_its_receipt() -> None:
    """In real time, whatever the domain clock shows."""
    assert iso(RECEIVED + timedelta(days=1)) == expires_at(CANARY_TENANT, uuid7(RECEIVED))


def test_a_complaint_of_a_city_is_kept_and_its_document_says_nothing_more() -> None:
    """Also where its id is none of ours: nothing is reckoned."""
    assert expires_at("33.74", "anything") is None
    assert {} == marks("33.74", "anything")


def test_only_the_reserved_tenant_does_not_count() -> None:
    """The order of the others stays."""
    assert ("33.74", "33.01") == counted(("33.74", CANARY_TENANT, "33.01"))
