"""Valid complaint.created events, as intake tells them."""

from datetime import datetime
from typing import Final

from tests.load.client import TEXTS

from aduan.contracts.envelope import Cause, Emit, Raw, encode
from aduan.contracts.events import ComplaintCreated
from aduan.ids import uuid7

TENANT: Final = "33.74"
_CAUSE: Final = Cause("bench", "bench", f"00-{'1' * 32}-{'2' * 16}-00")


def created(now: datetime, number: int) -> Raw:
    """Return the event of a new complaint with one of the client's texts."""
    data = ComplaintCreated.model_validate(
        {
            "ticket": f"SMG-{number:010d}",
            "portal": "web",
            "inlet": "web",
            "received_at": now,
            "anonymous": False,
            "confidential": False,
            "flags_complete": True,
            "reporter": {"pseudonym": "P-AAAAAAAA"},
            "text": TEXTS[number % len(TEXTS)],
            "place": {"area_code": "33.74.08.1001", "text": "depan balai RW"},
        }
    )
    emit = Emit("complaint.created", data)
    return encode(
        emit, service="intake", tenant=TENANT, case_id=uuid7(now), seq=1, now=now, cause=_CAUSE
    )
