"""What the HTTP side shows of a mirror. No text of a complaint, no identity."""

from typing import Any

from pydantic import BaseModel

from aduan.storage.port import Body
from aduan_sync_laporgub.domain.case import DecisionKind, DecisionReason, read
from aduan_sync_laporgub.domain.systems import MirrorSystem


class LinkShape(BaseModel):
    """The twin at one partner."""

    system: MirrorSystem
    remote_ticket: str
    came_from_there: bool
    raw_status: str | None


class JobShape(BaseModel):
    """A call that is still owed. next_at: real time."""

    system: MirrorSystem
    kind: str
    state: str
    tries: int
    next_at: str
    possible_repeat: bool


class MirrorShape(BaseModel):
    """The one current mirror decision of a case, its links, and what is still owed."""

    complaint_id: str
    ticket: str
    test: bool
    decision: DecisionKind
    reason_code: DecisionReason
    system: MirrorSystem | None
    decided_at: str
    links: list[LinkShape]
    jobs: list[JobShape]


class MirrorPage(BaseModel):
    """Mirrors by the time of their decision."""

    items: list[MirrorShape]
    next: str | None


class ParkedShape(BaseModel):
    """A report that intake refused. row: without anything that a person wrote or is called by."""

    id: str
    system: MirrorSystem
    ticket: str
    reason: str
    fields: list[str]
    parked_at: str
    row: dict[str, Any]


class ParkedPage(BaseModel):
    """Parked reports, oldest first."""

    items: list[ParkedShape]
    next: str | None


class ContentShape(BaseModel):
    """A partner's text about a confidential case."""

    text: str


def mirror_of(body: Body) -> MirrorShape:
    """Return the shape of a stored case."""
    case = read(body)
    return MirrorShape(
        complaint_id=case.id,
        ticket=case.ticket,
        test=case.test,
        decision=case.decision.kind,
        reason_code=case.decision.reason_code,
        system=case.decision.system,
        decided_at=case.decision.at,
        links=[
            LinkShape(
                system=system,
                remote_ticket=link.remote_ticket,
                came_from_there=link.came_from_there,
                raw_status=link.raw_status,
            )
            for system, link in case.links.items()
        ],
        jobs=[
            JobShape(
                system=job.system,
                kind=job.kind,
                state=job.state,
                tries=job.tries,
                next_at=job.next_at,
                possible_repeat=job.possible_repeat,
            )
            for job in case.jobs
        ],
    )
