"""The body of POST /v1/complaints: few mandatory fields, short free text, strict about the rest."""

from datetime import date
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from aduan.contracts.events import TEXT_LIMIT
from aduan.contracts.values import Moment, ReportClass

SHORT: Final = 200
SAYS: Final = r"\S"  # not only blanks; a pattern, so that the document says so too
_Short = Annotated[str, StringConstraints(strip_whitespace=True, pattern=SAYS, max_length=SHORT)]
_Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
AREA: Final = r"^\d{2}\.\d{2}(\.\d{2}(\.\d{4})?)?$"


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PlaceIn(_Given):
    """Where it happened: a Kemendagri code, a point, or words; any of them helps."""

    area_code: str | None = Field(default=None, pattern=AREA)
    lat: float | None = Field(default=None, ge=-90, le=90, allow_inf_nan=False)
    lng: float | None = Field(default=None, ge=-180, le=180, allow_inf_nan=False)
    text: str | None = Field(default=None, max_length=500)


class ReporterIn(_Given):
    """Who complains: kept sealed, shown to nobody who handles the case. All of it is optional."""

    name: _Short | None = None
    email: str | None = Field(
        default=None, max_length=254, pattern=r"^[^@\s<>\",;:]+@[^@\s<>\",;:]+\.[^@\s<>\",;:]+$"
    )
    phone: str | None = Field(default=None, max_length=32, pattern=r"^[+0-9][0-9 .()/-]{5,31}$")


class OriginIn(_Given):
    """The system that a report came from, its number there, and the way it took (oldest first)."""

    system: _Code
    external_id: _Short
    hops: tuple[_Code, ...] = Field(default=(), max_length=10)


class ComplaintIn(_Given):
    """What a portal posts. Only `text` is mandatory, and one of external_id and Idempotency-Key.

    anonymous, confidential: left out, the portal's agreed default counts; without one, both are
    taken as true until a coordinator decides.
    """

    text: Annotated[
        str, StringConstraints(strip_whitespace=True, pattern=SAYS, max_length=TEXT_LIMIT)
    ]
    external_id: _Short | None = None
    title: _Short | None = None
    inlet: _Code | None = None
    origin: OriginIn | None = None
    citizen_word: _Short | None = None
    class_hint: ReportClass | None = None
    category_hint: _Code | None = None
    opd_hint: _Code | None = None
    place: PlaceIn = PlaceIn()
    anonymous: bool | None = None
    confidential: bool | None = None
    occurred_on: date | None = None
    reported_at: Moment | None = None
    reporter: ReporterIn = ReporterIn()
    test: bool = False
