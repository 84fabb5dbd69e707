"""What a connected unit's own system is told: one topic per unit, outside the table of shared topics.

No unit reads a shared topic, because Kafka's access lists know topics and not records. Routing fills
`opd.<tenant>.<code>.cases` with that unit's view of its own events; nobody of ours reads it.
"""

import re
from typing import Final, Literal

from pydantic import Field

from aduan.contracts.values import Actor, Answer, Case, FollowUp, State, Written

UNIT_EVENT_TYPE: Final = "id.aduan.opd.case.v1"
UNIT_SCHEMA: Final = "/aduan/schemas/opd.case.v1.json"
UNIT_TOPIC: Final = "opd.{tenant}.{code}.cases"
UNIT_KEPT_DAYS: Final = 30

UnitKind = Literal["own", "copy", "left"]

_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


def may_connect(tenant: str, code: str) -> bool:
    """Whether topics and users can be named after a unit: Kafka takes letters, digits and . _ -"""
    return all(_NAME.fullmatch(name) is not None for name in (tenant, code))


def unit_topic(tenant: str, code: str) -> str:
    """Return the unit's topic."""
    return UNIT_TOPIC.format(tenant=tenant, code=code)


def unit_group(tenant: str, code: str) -> str:
    """Return the one consumer group that the unit may use."""
    return f"opd.{tenant}.{code}"


class UnitRecord(Written):
    """One event of routing as a connected unit sees it; the envelope has that event's id and seq.

    kind: own (the unit is responsible), copy (tembusan: told, owes nothing), left (the last record
    of a case that is no longer the unit's to see; nothing but the case's id, ticket and version).
    version: of the case, growing, with gaps. content_ref: where the words of a confidential case
    are claimed over HTTP; none of them is in here. note: the coordinator's, to the unit.
    """

    kind: UnitKind
    unit: str
    ticket: str
    version: int
    case: Case | None = None
    action: str | None = None
    from_state: State | None = Field(default=None, alias="from")
    to_state: State | None = Field(default=None, alias="to")
    actor: Actor | None = None
    reason_code: str | None = None
    citizen_text: str | None = None
    note: str | None = None
    question: str | None = None
    answer: Answer | None = None
    follow_up: FollowUp | None = None
    reply_id: str | None = None
    previous_opd: str | None = None
    copies: tuple[str, ...] | None = None
    content_ref: str | None = None

    model_config = Case.model_config
