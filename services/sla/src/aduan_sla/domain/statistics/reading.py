"""One event as facts. The only place that knows how an event of a topic is read for statistics."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from pydantic import Field, TypeAdapter

from aduan.contracts.envelope import Incoming, Raw, decode
from aduan.contracts.values import (
    ActorKind,
    ClockName,
    ClockState,
    Moment,
    ReportClass,
    State,
    View,
)
from aduan_sla.domain.statistics.facts import (
    Answered,
    CaseFacts,
    Clocks,
    Decided,
    Opened,
    Shown,
)
from aduan_sla.views import CaseView as SlaCaseView

OVERSIGHT_CLASS: Final = "pengaduan_berkadar_pengawasan"
# What stops first_follow_up (DESIGN 6): the office works on it, has answered, or has promised.
RESPONSES: Final[frozenset[State]] = frozenset(("in_progress", "answered", "conditionally_closed"))


class PlaceView(View):
    """Where it happened, as a Kemendagri code."""

    area_code: str | None = None


class CreatedView(View):
    """complaint.created."""

    received_at: Moment
    class_hint: ReportClass | None = None
    category_hint: str | None = None
    place: PlaceView = PlaceView()
    test: bool = False


class CaseView(SlaCaseView):
    """The snapshot of a case in every routing event."""

    category: str | None = None
    oversight: bool


class ActorView(View):
    """Who acted, as a kind."""

    kind: ActorKind


class AssignedView(View):
    """complaint.assigned."""

    case: CaseView


class ProgressedView(View):
    """complaint.progressed."""

    case: CaseView
    actor: ActorView
    from_state: State | None = Field(default=None, alias="from")
    to_state: State = Field(alias="to")

    model_config = SlaCaseView.model_config


class ClockView(View):
    """One clock of sla.scheduled."""

    name: ClockName
    state: ClockState
    due_at: Moment | None = None
    ended_at: Moment | None = None


class ScheduledView(View):
    """sla.scheduled."""

    clocks: tuple[ClockView, ...]


def created(event: Incoming[CreatedView]) -> CaseFacts:
    """The complaint is there."""
    data = event.data
    opened = Opened(
        received_at=data.received_at,
        oversight=data.class_hint == OVERSIGHT_CLASS,
        category=data.category_hint,
        area=data.place.area_code,
        test=data.test,
    )
    return CaseFacts(event.tenant, opened=opened)


def assigned(event: Incoming[AssignedView]) -> CaseFacts:
    """An office is responsible."""
    return CaseFacts(event.tenant, shown=_shown(event.seq, event.data.case))


def progressed(event: Incoming[ProgressedView]) -> CaseFacts:
    """Anything else that routing tells. A partner's answer counts from when the partner gave it."""
    data = event.data
    shown = _shown(event.seq, data.case)
    if data.to_state not in RESPONSES:
        return CaseFacts(event.tenant, shown=shown)
    at = event.time
    if data.actor.kind == "partner" and data.case.state == "answered":
        at = min(at, data.case.answered_at or at)
    answers = data.to_state == "answered" != data.from_state
    return CaseFacts(
        event.tenant,
        shown=shown,
        responded_at=at,
        answered=Answered(event.seq, at) if answers else None,
    )


def scheduled(event: Incoming[ScheduledView]) -> CaseFacts:
    """All clocks of the case."""
    return CaseFacts(event.tenant, clocks=Clocks(event.seq, decided(event.data.clocks)))


def decided(clocks: Iterable[ClockView]) -> tuple[Decided, ...]:
    """Return the deadlines that are kept or missed, of the clocks that are compared."""
    found = (_decided(clock) for clock in clocks)
    return tuple(one for one in found if one is not None)


def _shown(seq: int, case: CaseView) -> Shown:
    return Shown(
        seq=seq,
        state=case.state,
        oversight=case.oversight or case.report_class == OVERSIGHT_CLASS,
        opd=case.opd,
        category=case.category,
        area=case.area,
    )


def _decided(clock: ClockView) -> Decided | None:
    if clock.name not in CLOCKS:
        return None
    if clock.state == "met":
        return _at(clock, clock.ended_at, in_time=True)
    # Missed at the due date, whether or not it was answered since: who never answers is late too.
    return _at(clock, clock.due_at, in_time=False) if clock.state == "breached" else None


def _at(clock: ClockView, at: datetime | None, *, in_time: bool) -> Decided | None:
    return None if at is None else Decided(clock.name, in_time, at)


CLOCKS: Final[tuple[ClockName, ...]] = ("handle", "complete")

_READERS: Final[Mapping[str, tuple[TypeAdapter[Any], Callable[[Incoming[Any]], CaseFacts]]]] = {
    "complaint.created": (TypeAdapter(CreatedView), created),
    "complaint.assigned": (TypeAdapter(AssignedView), assigned),
    "complaint.progressed": (TypeAdapter(ProgressedView), progressed),
    "sla.scheduled": (TypeAdapter(ScheduledView), scheduled),
}
TOPICS: Final = tuple(_READERS)


def facts_of(raw: Raw) -> CaseFacts:
    """Return what one event says. Raises Poison where it cannot be read, KeyError off TOPICS."""
    view, read = _READERS[raw.topic]
    return read(decode(raw, view))
