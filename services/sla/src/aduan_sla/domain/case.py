"""The document of a case in sla: its facts, what was told, and the columns a tick reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from aduan.clock import iso, parse_iso
from aduan.contracts.values import ClockState, ClockView, Nearest, ReportClass
from aduan.retention import EXPIRES
from aduan.storage.port import Body, Collection, Columns, Index
from aduan_sla.domain import facts, telling
from aduan_sla.domain.clocks import Clock
from aduan_sla.domain.facts import Fact, Opening
from aduan_sla.domain.policy import CLOCK_NAMES, FINAL, RECEIVED
from aduan_sla.domain.statistics.labels import OVERSIGHT
from aduan_sla.domain.telling import Told

NO_DUE: Final = "~"  # sorts behind every date, so a case without one stands last in a listing
OPEN_CLOCK: Final[Mapping[str, str]] = {"running": "r", "paused": "p", "breached": "l"}
NO_CLOCK: Final = "-"
_PROMISED: Final = "conditionally_closed"
_KEPT: Final = FINAL | {"answered"}


class Debt(NamedTuple):
    """A promise that is not kept yet: whose it is now, and the promised WIB date."""

    opd: str
    on: date


@dataclass(frozen=True, slots=True)
class SlaCase:
    """What sla knows of one case.

    facts: by seq. area: the latest that routing named. told: every notice that went out, in order.
    verified: whether somebody verified the report (DOMAIN 6, belum terverifikasi).
    waiting_replies: reply ids about which routing has not spoken. early_replies: the reverse.
    clocks: as they were last published. data_version: policies and calendar they came from.
    expires_at: see aduan.retention.
    """

    tenant: str
    ticket: str
    opening: Opening
    facts: tuple[Fact, ...] = ()
    area: str | None = None
    told: tuple[Told, ...] = ()
    waiting_replies: frozenset[str] = frozenset()
    early_replies: frozenset[str] = frozenset()
    clocks: tuple[ClockView, ...] = ()
    nearest: Nearest | None = None
    next_at: datetime | None = None
    data_version: str = ""
    is_sure: bool = True
    expires_at: str | None = None
    verified: bool = False

    @property
    def last(self) -> Fact | None:
        """The latest fact of routing."""
        return self.facts[-1] if self.facts else None

    @property
    def state(self) -> str:
        """The state of the case; `received` before routing has spoken."""
        return facts.stage(self.last)

    @property
    def opd(self) -> str | None:
        """The responsible office now."""
        return self.last.opd if self.last else None

    @property
    def report_class(self) -> ReportClass:
        """The class by which the clocks run now."""
        return facts.effective_class(self.opening, self.last)

    @property
    def debt(self) -> Debt | None:
        """What the case owes since a conditional closing, until it is answered or over.

        A matter of oversight is owed by nobody that a list by office would name (DOMAIN 9).
        """
        owed: Debt | None = None
        for fact in self.facts:
            if fact.state == _PROMISED and fact.debt_on is not None:
                owed = Debt(fact.opd or "", fact.debt_on)
            elif fact.state in _KEPT:
                owed = None
        if owed is None:
            return None
        hidden = self.report_class == "pengaduan_berkadar_pengawasan"
        return owed._replace(opd=OVERSIGHT if hidden else self.opd or owed.opd)

    def learn(self, fact: Fact) -> "SlaCase":
        """Return the case with one more fact; one that moves nothing is ignored."""
        if not fact.moves(self.last):
            return self
        return replace(self, facts=(*self.facts, fact))

    def replied(self, reply_id: str) -> "SlaCase":
        """The reporter said something: timers wait until routing has spoken about it."""
        if reply_id in self.early_replies:
            return replace(self, early_replies=self.early_replies - {reply_id})
        return replace(self, waiting_replies=self.waiting_replies | {reply_id})

    def answered_for(self, reply_id: str) -> "SlaCase":
        """Routing has spoken about a reply, perhaps before we heard of the reply itself."""
        if reply_id in self.waiting_replies:
            return replace(self, waiting_replies=self.waiting_replies - {reply_id})
        return replace(self, early_replies=self.early_replies | {reply_id})

    def body(self) -> dict[str, Any]:
        """Return the JSON document; `from_body` reads it."""
        opening, debt = self.opening, self.debt
        return {
            "tenant": self.tenant,
            "ticket": self.ticket,
            "received_at": iso(opening.received_at),
            "class_hint": opening.class_hint,
            "facts": [fact.dump() for fact in self.facts],
            "area": self.area,
            "told": [one.dump() for one in self.told],
            "waiting_replies": sorted(self.waiting_replies),
            "early_replies": sorted(self.early_replies),
            "clocks": [view.model_dump(mode="json") for view in self.clocks],
            "nearest": self.nearest.model_dump(mode="json") if self.nearest else None,
            "next_at": iso(self.next_at) if self.next_at else None,
            "data_version": self.data_version,
            "is_sure": self.is_sure,
            "verified": self.verified,
            "debt": [debt.opd, debt.on.isoformat()] if debt else None,
            "state": self.state,
            "opd": self.opd,
            "class": self.report_class,
            **({"expires_at": self.expires_at} if self.expires_at is not None else {}),
        }


def from_body(body: Body) -> SlaCase:
    """Read what SlaCase.body wrote."""
    return SlaCase(
        tenant=body["tenant"],
        ticket=body["ticket"],
        opening=Opening(parse_iso(body["received_at"]), body["class_hint"]),
        facts=tuple(facts.parse(row) for row in body["facts"]),
        area=body["area"],
        told=tuple(telling.parse(row) for row in body["told"]),
        waiting_replies=frozenset(body["waiting_replies"]),
        early_replies=frozenset(body["early_replies"]),
        clocks=tuple(ClockView.model_validate(view) for view in body["clocks"]),
        nearest=Nearest.model_validate(body["nearest"]) if body["nearest"] else None,
        next_at=parse_iso(body["next_at"]) if body["next_at"] else None,
        data_version=body["data_version"],
        is_sure=body["is_sure"],
        expires_at=body.get("expires_at"),
        verified=_verified(body),
    )


def _verified(body: Body) -> bool:
    # A document of an earlier release does not say it.
    return bool(body.get("verified", body["state"] not in (RECEIVED, "triage")))


def _debt(body: Body) -> tuple[str | None, str | None]:
    """Return whose debt it is and its date; a document of an earlier release has it in its facts."""
    if "debt" in body:
        opd, on = body["debt"] or (None, None)
        return opd, on
    debt = from_body(body).debt
    return (debt.opd, debt.on.isoformat()) if debt is not None else (None, None)


def view(clock: Clock, told: tuple[Told, ...]) -> ClockView:
    """Return a clock as it is published: what the facts say, and what of it was told."""
    said = {one.kind for one in told if one.about(clock)}
    state, ended_at = _state(clock, said)
    return ClockView(
        name=clock.name,
        instance=clock.number,
        policy=clock.policy.id,
        policy_version=clock.policy.version,
        scope=clock.policy.scope,
        unit=clock.policy.limit.unit,
        state=state,
        started_at=clock.started_at,
        due_at=clock.due_at,
        paused_at=clock.paused_at if state == "paused" else None,
        ended_at=ended_at,
    )


def _state(clock: Clock, said: set[telling.Kind]) -> tuple[ClockState, datetime | None]:
    open_or_missed = clock.ended_at is None or clock.missed
    if "elapsed" in said and open_or_missed:
        return "elapsed", clock.due_at
    if not clock.policy.is_timer and (clock.missed or ("breach" in said and open_or_missed)):
        return "breached", clock.ended_at
    if clock.ending is not None:
        return clock.ending, clock.ended_at
    return ("paused" if clock.paused_at is not None else "running"), clock.ended_at


def nearest(clocks: tuple[ClockView, ...]) -> Nearest | None:
    """Return the running clock that ends first."""
    running = [view for view in clocks if view.state == "running" and view.due_at is not None]
    dates = sorted((view.due_at, view.name) for view in running if view.due_at is not None)
    return Nearest(name=dates[0][1], due_at=dates[0][0]) if dates else None


def open_clocks(clocks: Sequence[Mapping[str, Any]]) -> str | None:
    """Return one letter for each clock name, in order: how its open instance stands; None for none.

    r runs, p is paused, l is late: missed, and the work is not done yet. Few combinations occur, so
    a single index counts all clocks.
    """
    standing = {
        clock["name"]: OPEN_CLOCK[clock["state"]]
        for clock in clocks
        if clock["ended_at"] is None and clock["state"] in OPEN_CLOCK
    }
    if not standing:
        return None
    return "".join(standing.get(name, NO_CLOCK) for name in CLOCK_NAMES)


def _columns(body: Body) -> Columns:
    due = body["nearest"]["due_at"] if body["nearest"] else None
    standing = [telling.parse(row) for row in body["told"]]
    breached = any(one.kind == "breach" and not one.corrected for one in standing)
    is_open = any(clock["state"] in ("running", "paused") for clock in body["clocks"])
    waits = not _verified(body) and body["state"] not in FINAL
    owes, owed_on = _debt(body)
    return {
        "next_at": body["next_at"],
        "due_at": due or NO_DUE,
        "state": body["state"],
        "opd": body["opd"],
        "ticket": body["ticket"],
        "data_version": body["data_version"] if is_open else None,
        "warned": 1 if any(one.kind == "warn" for one in standing) else None,
        "breached": 1 if breached else None,
        "unsure": None if body["is_sure"] else 1,
        "expires_at": body.get("expires_at"),
        "open_clocks": open_clocks(body["clocks"]),
        "unverified_since": body["received_at"] if waits else None,
        "owes": owes,
        "owed_on": owed_on,
    }


CASES: Final = Collection(
    name="cases",
    indexes=(
        Index("next", ("partition", "next_at")),
        Index("reckoned", ("tenant", "data_version")),
        Index("due", ("tenant", "due_at")),
        Index("state_due", ("tenant", "state", "due_at")),
        Index("opd_due", ("tenant", "opd", "due_at")),
        Index("opd_state_due", ("tenant", "opd", "state", "due_at")),
        Index("ticket", ("tenant", "ticket")),
        Index("warned", ("tenant", "warned")),
        Index("breached", ("tenant", "breached")),
        Index("unsure", ("tenant", "unsure")),
        EXPIRES,
        Index("open_clocks", ("tenant", "open_clocks")),
        Index("unverified", ("tenant", "unverified_since")),
        Index("debts", ("tenant", "owes", "owed_on")),
    ),
    columns=_columns,
)
