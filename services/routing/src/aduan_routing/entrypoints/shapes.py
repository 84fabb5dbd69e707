"""Bodies of the actions, as they come over HTTP."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from aduan.contracts.events import TEXT_LIMIT
from aduan.contracts.values import PartnerSystem, ReportClass

SAYS: Final = r"\S"  # not only blanks; a pattern, so that the document says so too
Long = Annotated[str, StringConstraints(strip_whitespace=True, pattern=SAYS, max_length=TEXT_LIMIT)]
Question = Annotated[str, StringConstraints(strip_whitespace=True, pattern=SAYS, max_length=2_000)]
Short = Annotated[str, StringConstraints(strip_whitespace=True, pattern=SAYS, max_length=500)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, pattern=SAYS, max_length=200)]
Code = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class _Action(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Nothing(_Action):
    """An action that needs no words."""


class Assign(_Action):
    """To which unit; copies go to others for information; note: for the unit."""

    opd: Code
    copies: tuple[Code, ...] = Field(default=(), max_length=10)
    note: Short | None = None


class Forward(_Action):
    """To which partner."""

    partner: PartnerSystem
    reason: Short | None = None


class Reason(_Action):
    """Why. The citizen reads it."""

    reason: Short


class MayReason(_Action):
    """Why, for the record."""

    reason: Short | None = None


class Ask(_Action):
    """What the reporter is asked."""

    question: Question


class Return(_Action):
    """Why it is not ours, and whose it is: a unit's code, or the name of another body."""

    reason: Short
    proposed: Name


class Answer(_Action):
    """The approved text, and ids of evidence of this case (needed where it is physical work)."""

    text: Long
    evidence: tuple[Code, ...] = Field(default=(), max_length=10)


class CloseConditionally(_Action):
    """What is owed: why not now, on which day (WIB), from which budget year, by which unit."""

    reason: Long
    on: date
    fiscal_year: int = Field(ge=2000, le=2200)
    unit: Name


class Reclassify(_Action):
    """What the coordinator corrects; what is left out stays."""

    report_class: ReportClass | None = Field(default=None, alias="class")
    category: Code | None = None
    area: Code | None = None
    title: Name | None = None
    anonymous: bool | None = None
    confidential: bool | None = None


BODIES: Final[Mapping[str, type[_Action]]] = {
    "assign": Assign,
    "forward": Forward,
    "reject": Reason,
    "archive": Reason,
    "close": Reason,
    "ask": Ask,
    "triage": MayReason,
    "reopen": MayReason,
    "reclassify": Reclassify,
    "verify": Nothing,
    "acknowledge": Nothing,
    "accept": Nothing,
    "start": Nothing,
    "return": Return,
    "answer": Answer,
    "close-conditionally": CloseConditionally,
}
CREATING: Final = frozenset({"answer", "ask"})
