"""What this service knows of one case: its mirror decision, its links, and the jobs still to do.

One document per case. Nothing here identifies the reporter.
"""

from datetime import datetime
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from aduan.contracts.envelope import Cause, Emit
from aduan.contracts.events import MirrorChanged
from aduan.contracts.values import MirrorKind, PartnerSystem, ReportClass, State
from aduan.storage.port import Body
from aduan_sync_laporgub.domain.systems import MirrorSystem, told_as

AT_ONCE: Final = "0001-01-01T00:00:00.000000Z"
"""A `next_at` that is always due: handlers know no real time, workers do."""

DecisionKind = Literal["not_due", "linked", "held"]
DecisionReason = Literal[
    "undecided",
    "no_partner",
    "came_from_there",
    "test",
    "mirrored",
    "confidential_unsupported",
    "hop_loop",
    "second_return",
    "refused_by_partner",
]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Decision(_Part):
    """The one current mirror decision. at: domain time."""

    kind: DecisionKind
    reason_code: DecisionReason
    system: MirrorSystem | None = None
    at: str


class Sealed(_Part):
    """A partner's text about a confidential case, under this service's own key."""

    key: str
    text: str


class Link(_Part):
    """The twin at one partner. next_pull_at: real time; None: nothing to fetch.

    seen, wrote: remote keys of entries that were taken over from there, or written there by us.
    told: the last word that we set there; statuses: how many changes of the raw word were taken.
    returned_there: how often we said "not ours" to a partner who had sent the case; returns: how
    often the partner gave it back to us. inbound_at: the last place in its inbound list.
    """

    remote_ticket: str
    came_from_there: bool = False
    raw_status: str | None = None
    told: str | None = None
    seen: tuple[str, ...] = ()
    wrote: tuple[str, ...] = ()
    statuses: int = 0
    returned_there: int = 0
    returns: int = 0
    inbound_at: int = 0
    final_at: str | None = None
    next_pull_at: str | None = None
    pull_tries: int = 0
    sealed: tuple[Sealed, ...] = ()


class Job(_Part):
    """One call to a partner that must happen. next_at: real time.

    state: `submitting` is written before the call, so whoever finds it after a crash looks first.
    created_at: domain time; nothing of this job can stand there from before it.
    ref: our reference, also given to the partner; it names the case and the place in its queue.
    status: the partner's word to set, if any; title, text: what a push says.
    """

    kind: Literal["submit", "push"]
    system: MirrorSystem
    ref: str
    state: Literal["ready", "submitting"] = "ready"
    tries: int = 0
    next_at: str = AT_ONCE
    look_first: bool = False
    possible_repeat: bool = False
    created_at: str
    status: str | None = None
    title: str = ""
    text: str = ""
    cause: tuple[str, str, str]

    @property
    def why(self) -> Cause:
        """The event that made us owe this call."""
        return Cause(*self.cause)


class Origin(_Part):
    """Where the report came from."""

    system: str
    external_id: str
    hops: tuple[str, ...] = ()


class Report(_Part):
    """What a partner would be told about the complaint; scrubbed. text is empty if confidential."""

    title: str | None = None
    text: str | None = None
    content_ref: str | None = None
    place: str | None = None
    occurred_on: str | None = None
    received_at: str


class MirrorCase(_Part):
    """The whole document. refs: how many references were given. expires_at: see aduan.retention."""

    id: str
    tenant: str
    ticket: str
    test: bool = False
    origin: Origin | None = None
    report: Report
    anonymous: bool
    confidential: bool
    report_class: ReportClass | None = None
    category: str | None = None
    state: State | None = None
    forwarded_to: PartnerSystem | None = None
    decision: Decision
    links: dict[MirrorSystem, Link] = {}
    jobs: tuple[Job, ...] = ()
    refs: int = 0
    expires_at: str | None = None

    def head(self, system: MirrorSystem) -> Job | None:
        """Return the job whose turn it is at a partner: pushes keep the order of the case."""
        return next((job for job in self.jobs if job.system == system), None)

    def submitting_to(self, system: MirrorSystem) -> bool:
        """Whether a submission to the partner is queued or under way."""
        return any(job.kind == "submit" and job.system == system for job in self.jobs)

    def with_link(self, system: MirrorSystem, link: Link) -> "MirrorCase":
        """Return the case with this link."""
        return self.model_copy(update={"links": {**self.links, system: link}})

    def with_job(self, job: Job) -> "MirrorCase":
        """Return the case with `job` in the place of the one with its reference."""
        jobs = tuple(job if old.ref == job.ref else old for old in self.jobs)
        return self.model_copy(update={"jobs": jobs})

    def without_job(self, ref: str) -> "MirrorCase":
        """Return the case without the job of this reference."""
        return self.model_copy(update={"jobs": tuple(j for j in self.jobs if j.ref != ref)})

    def body(self) -> Body:
        """Return the JSON form that is stored."""
        return self.model_dump(mode="json")


def read(body: Body) -> MirrorCase:
    """Return the case of a stored body."""
    return MirrorCase.model_validate(body)


def about(case_id: str, remote_key: str) -> str:
    """Return what a sealed text is bound to; moved to another case or entry it does not open."""
    return f"cases:{case_id}:{remote_key}"


def tell(
    case: MirrorCase,
    kind: MirrorKind,
    *,
    system: MirrorSystem | None,
    reason_code: str | None = None,
    raw_status: str | None = None,
    status: State | None = None,
    text: str | None = None,
    content_ref: str | None = None,
    remote_at: datetime | None = None,
    remote_key: str | None = None,
) -> Emit:
    """Return mirror.changed about this case; ticket and hops come from the case itself."""
    link = case.links.get(system) if system else None
    data = MirrorChanged(
        system=told_as(system),
        kind=kind,
        remote_ticket=link.remote_ticket if link else None,
        raw_status=raw_status,
        status=status,
        text=text,
        content_ref=content_ref,
        remote_at=remote_at,
        remote_key=remote_key,
        hops=hops(case),
        reason_code=reason_code,
    )
    return Emit("mirror.changed", data)


def hops(case: MirrorCase) -> tuple[str, ...]:
    """Return the systems that the report passed, oldest first, this city last."""
    before = case.origin.hops if case.origin is not None else ()
    return (*before, case.tenant)
