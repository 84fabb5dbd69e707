"""What a canary must reach, and how it is seen: what each service answers a reader over HTTP.

Nothing here is told to a canary alone: a portal, a desk and an auditor ask the same questions.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

from aduan.clock import iso
from aduan_standalone.canary.metrics import Step

Seen = Callable[[Mapping[str, Any]], bool]

# The rule of tenant 00.00 is sure of "kenari", and the class is what its clocks are for.
TEXT: Final = "Pesan percobaan otomatis (kenari). Laporan ini tidak perlu ditindaklanjuti."


@dataclass(frozen=True, slots=True)
class Look:
    """One step as it is seen. path: {ticket} or {id} stands for the complaint. seen: of the answer.

    by: with which of the two keys; nobody needs one for the public page.
    """

    step: Step
    service: str
    path: str
    by: Literal["nobody", "reader"]
    seen: Seen


def is_assigned(answer: Mapping[str, Any]) -> bool:
    """The citizen's page says that an office has it: routing decided, and intake heard of it."""
    return bool(answer.get("state") == "assigned")


def is_clocked(answer: Mapping[str, Any]) -> bool:
    """A clock that the receipt started was stopped by the assignment: sla heard both."""
    return any(clock["state"] == "met" for clock in answer["clocks"])


def is_mirrored(answer: Mapping[str, Any]) -> bool:
    """The stored job was done and its twin is linked."""
    return bool(answer["decision"] == "linked")


def is_notified(answer: Mapping[str, Any]) -> bool:
    """The office's letter about the assignment was handed over."""
    return any(
        (row["cause"], row["audience"], row["decision"]) == ("assigned", "office", "delivered")
        for row in answer["deliveries"]
    )


LOOKS: Final = (
    Look("assigned", "intake", "/v1/complaints/{ticket}", "nobody", is_assigned),
    Look("clock", "sla", "/v1/clocks/{ticket}", "reader", is_clocked),
    Look("mirror", "sync-laporgub", "/v1/mirrors/{id}", "reader", is_mirrored),
    Look("notification", "notify", "/v1/deliveries/{ticket}", "reader", is_notified),
)


def slot_of(wall: datetime, every_seconds: float) -> datetime:
    """Return when the period began in which a real moment lies; the same for every canary process."""
    return datetime.fromtimestamp(wall.timestamp() // every_seconds * every_seconds, UTC)


def report_of(slot: datetime) -> dict[str, str]:
    """Return the complaint of a period. Whoever posts it again gets the same complaint."""
    return {"text": TEXT, "external_id": f"canary-{iso(slot)}"}
