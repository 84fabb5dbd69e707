"""What intake does with the events of the others: it keeps the public timeline.

What if one comes first, twice, or a week late? The inbox puts each stream in order and drops
repeats; between streams a line finds its place by its time, and only the routing stream sets the
state, by the case version that it carries.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from aduan.cases import Handler, Handlers
from aduan.clock import iso
from aduan.contracts.envelope import Incoming, Reaction
from aduan.contracts.values import Moment, View
from aduan.storage.port import Body
from aduan_intake.domain.timeline import CLOCKS, added, entry, following, without_breaches

OfficeNames = Mapping[str, str]


class CaseView(View):
    """What the timeline needs of a case."""

    state: str
    confidential: bool


class OfficeView(View):
    """The responsible office."""

    code: str


class AssignedView(View):
    """complaint.assigned."""

    case: CaseView
    opd: OfficeView


class AnswerView(View):
    """An answer that the public may read."""

    text: str | None = None


class ProgressedView(View):
    """complaint.progressed."""

    case: CaseView
    citizen_text: str
    answer: AnswerView | None = None
    question: str | None = None


class NearestView(View):
    """The clock that ends first."""

    name: str
    due_at: Moment


class CorrectionView(View):
    """A breach that was none, as it turned out."""

    clock: str
    instance: int


class ScheduledView(View):
    """sla.scheduled."""

    nearest: NearestView | None = None
    corrects: tuple[CorrectionView, ...] = ()


class BreachedView(View):
    """sla.breached."""

    clock: str
    instance: int
    level: int
    due_at: Moment


class MirrorView(View):
    """mirror.changed."""

    kind: str
    system: str | None = None
    remote_ticket: str | None = None


def on_assigned(
    body: Body | None, event: Incoming[AssignedView], _now: datetime, *, names: OfficeNames
) -> Reaction:
    """Say which office has it now; nothing about the office of a confidential case."""
    if body is None:
        return Reaction()
    case = event.data.case
    code = event.data.opd.code
    office = "perangkat daerah yang berwenang" if case.confidential else names.get(code, code)
    line = entry(event.time, f"Laporan diteruskan ke {office}.", "system")
    return Reaction(
        added(body, line, **following(body, case.state, confidential=case.confidential))
    )


def on_progressed(body: Body | None, event: Incoming[ProgressedView], _now: datetime) -> Reaction:
    """Repeat routing's sentence, and the answer or question where it may be read."""
    if body is None:
        return Reaction()
    case, data = event.data.case, event.data
    answer = data.answer.text if data.answer is not None else None
    more = None if case.confidential else answer or data.question
    line = entry(event.time, data.citizen_text, "system", more=more)
    return Reaction(
        added(body, line, **following(body, case.state, confidential=case.confidential))
    )


def on_scheduled(body: Body | None, event: Incoming[ScheduledView], _now: datetime) -> Reaction:
    """Keep the nearest due date; take back a missed deadline that was none."""
    if body is None:
        return Reaction()
    nearest = event.data.nearest
    known = {"name": nearest.name, "due_at": iso(nearest.due_at)} if nearest is not None else None
    corrected = {_breach(one.clock, one.instance) for one in event.data.corrects}
    timeline = without_breaches(body, corrected)
    return Reaction({**body, "nearest": known, "timeline": timeline})


def on_breached(body: Body | None, event: Incoming[BreachedView], _now: datetime) -> Reaction:
    """Admit a missed deadline once; its escalations are not for the public page."""
    if body is None or event.data.level > 0:
        return Reaction()
    what = CLOCKS.get(event.data.clock, event.data.clock)
    text = f"Batas waktu {what} terlewati; pimpinan unit telah diberi tahu."
    breach = _breach(event.data.clock, event.data.instance)
    return Reaction(added(body, entry(event.data.due_at, text, "system", breach=breach)))


def _breach(clock: str, instance: int) -> str:
    return f"{clock}:{instance}"


def on_mirror(body: Body | None, event: Incoming[MirrorView], _now: datetime) -> Reaction:
    """Tell the partner's own number once the case is there."""
    data = event.data
    if body is None or data.kind != "linked" or data.remote_ticket is None:
        return Reaction()
    where = {"laporgub": "LaporGub", "sp4n": "SP4N-LAPOR!"}.get(data.system or "", "sistem mitra")
    text = f"Laporan juga tercatat di {where} dengan nomor {data.remote_ticket}."
    return Reaction(added(body, entry(event.time, text, "system")))


def table(names: OfficeNames) -> Handlers:
    """Return which function answers which topic."""
    found: dict[str, Handler[Any]] = {
        "complaint.assigned": Handler(AssignedView, partial(on_assigned, names=names)),
        "complaint.progressed": Handler(ProgressedView, on_progressed),
        "sla.scheduled": Handler(ScheduledView, on_scheduled),
        "sla.breached": Handler(BreachedView, on_breached),
        "mirror.changed": Handler(MirrorView, on_mirror),
    }
    return found
