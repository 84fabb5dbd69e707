"""The shape of a tenant's policies.toml and calendar.toml, read strictly."""

from datetime import date, time
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from aduan.contracts.values import Audience, ReportClass
from aduan_sla.domain.calendar import USUAL_HOURS, Amendment
from aduan_sla.domain.policy import Arrow, Confidence, Escalation, Policy
from aduan_sla.domain.reckon import Limit, Unit

Word = Annotated[str, StringConstraints(min_length=1, max_length=300, strip_whitespace=True)]
Transition = Annotated[str, StringConstraints(pattern=r"^(\*|[a-z_]+) > [a-z_]+$")]
EVERY_CLASS: tuple[ReportClass, ...] = (
    "aspirasi",
    "permintaan_informasi",
    "pengaduan_tidak_berkadar_pengawasan",
    "pengaduan_berkadar_pengawasan",
)


def _wrong(message: str) -> PydanticCustomError:
    return PydanticCustomError("policy", "{words}", {"words": message})


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Counted(_Row):
    amount: int = Field(ge=0, le=10_000)
    unit: Unit

    @model_validator(mode="after")
    def _amount_fits(self) -> Self:
        counts = self.unit in ("working_days", "days", "hours")
        if counts and self.amount < 1:
            raise _wrong("amount must be at least 1")
        if not counts and self.amount:
            raise _wrong(f"amount must be 0 for the unit {self.unit}")
        return self

    @property
    def limit(self) -> Limit:
        return Limit(self.unit, self.amount)


class PolicyRow(_Counted):
    """One [[policy]] of policies.toml."""

    id: Word
    version: Word
    active: bool = True
    clock: Word
    classes: tuple[ReportClass, ...] = Field(default=EVERY_CLASS, alias="class", min_length=1)
    scope: Word
    start: Word
    stop: tuple[Word, ...] = ()
    void: tuple[Word, ...] = ()
    cancel: tuple[Word, ...] = ()
    stops_on_leaving: bool = False
    restarts_on_new_opd: bool = False
    again_on: tuple[Transition, ...] = ()
    pauses_in: tuple[Word, ...] = ()
    responsible: Literal["office", "coordinator"]
    warn_share: float | None = Field(default=None, gt=0, lt=1)
    effective_from: date
    effective_to: date | None = None
    legal_basis: Word
    confidence: Confidence

    def policy(self) -> Policy:
        """Return the row as the domain knows it."""
        arrows = (text.split(" > ") for text in self.again_on)
        return Policy(
            id=self.id,
            version=self.version,
            active=self.active,
            clock=self.clock,
            classes=frozenset(self.classes),
            scope=self.scope,
            limit=self.limit,
            start=self.start,
            stop=frozenset(self.stop),
            void=frozenset(self.void),
            cancel=frozenset(self.cancel),
            stops_on_leaving=self.stops_on_leaving,
            restarts_on_new_opd=self.restarts_on_new_opd,
            again_on=tuple(Arrow(origin, target) for origin, target in arrows),
            pauses_in=frozenset(self.pauses_in),
            responsible=self.responsible,
            warn_share=self.warn_share,
            effective_from=self.effective_from,
            effective_to=self.effective_to,
            legal_basis=self.legal_basis,
            confidence=self.confidence,
        )


class EscalationRow(_Counted):
    """One [[escalation]] of policies.toml."""

    level: int = Field(ge=0, le=9)
    office: tuple[Audience, ...] = Field(min_length=1)
    coordinator: tuple[Audience, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _level_fits(self) -> Self:
        if (self.level == 0) != (self.unit == "none"):
            raise _wrong("level 0 is the breach itself and has the unit none, all others count")
        return self

    def escalation(self) -> Escalation:
        """Return the row as the domain knows it."""
        return Escalation(self.level, self.limit, self.office, self.coordinator)


class PolicyFile(_Row):
    """policies.toml. The levels of the escalations are 0, 1, 2 ... in this order."""

    version: Word
    policies: tuple[PolicyRow, ...] = Field(alias="policy", min_length=1)
    escalations: tuple[EscalationRow, ...] = Field(alias="escalation", min_length=1)

    @model_validator(mode="after")
    def _levels_in_order(self) -> Self:
        if [row.level for row in self.escalations] != list(range(len(self.escalations))):
            raise _wrong("the levels of the escalations must be 0, 1, 2 ... in this order")
        return self


class OverrideRow(_Row):
    """One [[override]] of calendar.toml."""

    on: date
    working: bool
    name: Word
    author: Word
    reason: Word
    decided_on: date

    def amendment(self) -> Amendment:
        """Return the row as the domain knows it."""
        return Amendment(
            self.on, self.working, self.name, self.author, self.reason, self.decided_on
        )


class CalendarFile(_Row):
    """calendar.toml. country: an ISO code that the package `holidays` knows.

    opens, closes: office hours of a working day, WIB.
    """

    version: Word
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
    first_year: int = Field(ge=2000, le=2100)
    last_year: int = Field(ge=2000, le=2100)
    opens: time = USUAL_HOURS.opens
    closes: time = USUAL_HOURS.closes
    override: tuple[OverrideRow, ...] = ()

    @model_validator(mode="after")
    def _opens_before_it_closes(self) -> Self:
        if self.closes <= self.opens:
            raise _wrong("closes does not lie after opens")
        return self

    @model_validator(mode="after")
    def _years_in_order(self) -> Self:
        if self.last_year < self.first_year:
            raise _wrong("last_year lies before first_year")
        return self
