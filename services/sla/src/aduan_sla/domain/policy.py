"""Policy rows as versioned data: what must be done by when, and by which right (DOMAIN 7).

A clock keeps the row under which it started. A new limit is a new row with a later effective_from,
never an edited one; nothing here rewrites history. Rows whose start is not an event of ours yet are
kept as inactive, with their source, so that a clerk sees what was considered.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final, Literal, get_args

from aduan.contracts.values import Audience, ClockName, ReportClass, State
from aduan.errors import AduanError
from aduan_sla.domain.calendar import Calendar, wib_date
from aduan_sla.domain.reckon import Limit

RECEIVED: Final = "received"
Stage = State | Literal["received"]
Confidence = Literal["H", "M", "L", "ours"]
CLOCK_NAMES: Final[tuple[ClockName, ...]] = get_args(ClockName)
TIMERS: Final[frozenset[str]] = frozenset(("auto_close", "debt", "reply_timeout"))
STAGES: Final[frozenset[str]] = frozenset((RECEIVED, *get_args(State)))
FINAL: Final[frozenset[str]] = frozenset(("rejected", "archived", "closed"))
DEFAULT_CLASS: Final[ReportClass] = "pengaduan_tidak_berkadar_pengawasan"


class PolicyError(AduanError):
    """The policies of a tenant cannot be used; the text is one sentence that says where and why."""


class UnknownTenant(AduanError):
    """An event names a tenant without policies."""


@dataclass(frozen=True, slots=True)
class Arrow:
    """A transition of the lifecycle on which a clock may begin again. origin: a state, or `*`."""

    origin: str
    target: str

    def fits(self, origin: str, target: str) -> bool:
        """Say whether entering `target` from `origin` is this transition."""
        return self.target == target and self.origin in ("*", origin)


@dataclass(frozen=True, slots=True)
class Policy:
    """One row: for whom, how long, from what to what, and why.

    clock: a ClockName in an active row. start: the state whose entry starts it, or `received`.
    stop, void, cancel: states whose entry ends it so. stops_on_leaving: leaving `start` stops it.
    again_on: transitions that start a new instance. pauses_in: states in which it stands still.
    warn_share: the share of time after which to warn; None for no warning.
    effective_from, effective_to: WIB dates of the clock's start, inclusive; to None is open.
    """

    id: str
    version: str
    active: bool
    clock: str
    classes: frozenset[ReportClass]
    scope: str
    limit: Limit
    start: str
    stop: frozenset[str]
    void: frozenset[str]
    cancel: frozenset[str]
    stops_on_leaving: bool
    restarts_on_new_opd: bool
    again_on: tuple[Arrow, ...]
    pauses_in: frozenset[str]
    responsible: Literal["office", "coordinator"]
    warn_share: float | None
    effective_from: date
    effective_to: date | None
    legal_basis: str
    confidence: Confidence

    @property
    def is_timer(self) -> bool:
        """Whether running out is no breach but a cause for routing to act."""
        return self.clock in TIMERS

    @property
    def beginnings(self) -> frozenset[str]:
        """The states on whose entry it may begin."""
        return frozenset((self.start, *(arrow.target for arrow in self.again_on)))

    def applies(self, report_class: ReportClass, started_on: date) -> bool:
        """Say whether the row governs a clock of that class which starts on that WIB date."""
        until = self.effective_to
        in_force = self.effective_from <= started_on and (until is None or started_on <= until)
        return self.active and in_force and report_class in self.classes


@dataclass(frozen=True, slots=True)
class Escalation:
    """Whom to tell of a breach (level 0) and of one that lasts. after: from the missed due date."""

    level: int
    after: Limit
    office: tuple[Audience, ...]
    coordinator: tuple[Audience, ...]


@dataclass(frozen=True, slots=True)
class Rulebook:
    """Everything by which one tenant's clocks are reckoned.

    tenant: Kemendagri code. escalations: by level; level 0 tells of the breach itself.
    beginning: by state, the clocks that may begin when it is entered, in the contract's order.
    """

    tenant: str
    version: str
    policies: tuple[Policy, ...]
    escalations: tuple[Escalation, ...]
    calendar: Calendar
    beginning: Mapping[str, tuple[ClockName, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        found: dict[str, tuple[ClockName, ...]] = {}
        for name in CLOCK_NAMES:
            rows = [policy for policy in self.policies if policy.active and policy.clock == name]
            for state in {state for policy in rows for state in policy.beginnings}:
                found[state] = (*found.get(state, ()), name)
        object.__setattr__(self, "beginning", found)

    @property
    def data_version(self) -> str:
        """Names policies and calendar together: what a case was reckoned with."""
        return f"{self.version}/{self.calendar.version}"

    def row(self, clock: str, report_class: ReportClass, started_at: datetime) -> Policy | None:
        """Return the row for a clock of that class that starts then; None when none is in force."""
        started_on = wib_date(started_at)
        for policy in self.policies:
            if policy.clock == clock and policy.applies(report_class, started_on):
                return policy
        return None


def check(policies: Sequence[Policy]) -> None:
    """Raise PolicyError for a row that no clock could follow, or two that contradict each other."""
    seen: set[tuple[str, str]] = set()
    for policy in policies:
        if (policy.id, policy.version) in seen:
            raise PolicyError(f"policy {policy.id} has version {policy.version} twice")
        seen.add((policy.id, policy.version))
        _check_row(policy)
    active = [policy for policy in policies if policy.active]
    for index, one in enumerate(active):
        for other in active[index + 1 :]:
            if one.clock == other.clock and one.classes & other.classes and _overlap(one, other):
                raise PolicyError(
                    f"policies {one.id} and {other.id} both set {one.clock} for the same days"
                )


def _check_row(policy: Policy) -> None:
    where = f"policy {policy.id}"
    if policy.effective_to is not None and policy.effective_to < policy.effective_from:
        raise PolicyError(f"{where}: effective_to lies before effective_from")
    if not policy.active:
        return
    if policy.clock not in CLOCK_NAMES:
        raise PolicyError(f"{where}: clock {policy.clock} is unknown, so the row cannot be active")
    arrows = {end for arrow in policy.again_on for end in (arrow.origin, arrow.target)}
    named = {policy.start, *policy.stop, *policy.void, *policy.cancel, *policy.pauses_in, *arrows}
    unknown = sorted(named - STAGES - {"*"})
    if unknown:
        raise PolicyError(f"{where}: {unknown[0]} is no state of a case")
    if not policy.stop and not policy.stops_on_leaving:
        raise PolicyError(f"{where}: nothing stops this clock")
    if policy.start in policy.stop:
        raise PolicyError(f"{where}: {policy.start} would start and stop this clock")


def _overlap(one: Policy, other: Policy) -> bool:
    return one.effective_from <= (other.effective_to or date.max) and other.effective_from <= (
        one.effective_to or date.max
    )
