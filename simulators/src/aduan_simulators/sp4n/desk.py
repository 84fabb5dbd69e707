"""What SP4N does with a complaint: number it, dispose it, answer it, close or refuse it.

Plain functions over one transaction; times are handed in and written without a zone (WIB), as the
real one does.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from aduan.clock import WIB, iso
from aduan_simulators.laporgub.book import Pen, Row
from aduan_simulators.laporgub.faults import PartnerError, read_plan
from aduan_simulators.sp4n.masters import (
    ANSWER_HTML,
    DONE,
    IN_PROCESS,
    INSTITUTIONS,
    NATIONAL,
    OWN_INSTITUTION,
    REFUSED,
    STATUS_CODES,
    TEMPLATES,
    UNVERIFIED,
)

COMPLAINT = "complaint"
FILE = "file"


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How the ministries act by themselves. None switches a habit off.

    process_after, answer_after, close_after: real time, counted from the submission.
    """

    seed: int = 1
    process_after: timedelta | None = None
    answer_after: timedelta | None = None
    close_after: timedelta | None = None


def _json_list(text: str) -> str:
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, list):
        raise ValueError("a string that holds a JSON list")  # noqa: TRY004 - what pydantic wants
    return text


class Creation(BaseModel):
    """The body of complaints/complaint-lmw. `attachments` is a string that holds a JSON list."""

    model_config = ConfigDict(extra="forbid", strict=True)
    title: str = Field(min_length=1, max_length=200)
    content: str = Field(min_length=1, max_length=10_000)
    channel: str
    is_new_user_slider: int = 0
    user_id: int
    is_inbox: int = 0
    is_disposisi_slider: int = 0
    classification_id: int
    disposition_id: int | None = None
    category_id: int | None = None
    priority_program_id: int | None = None
    location_id: int | None = None
    community_id: int | None = None
    date_of_incident: str | None = None
    copy_externals: str | None = None
    info_disposition: str | None = None
    info_attachments: str | None = None
    tags_raw: str = ""
    is_approval: int = 0
    is_anonymous: int = Field(ge=0, le=1)
    is_secret: int = Field(ge=0, le=1)
    is_priority: int = 0
    attachments: Annotated[str, AfterValidator(_json_list)]


class Followup(BaseModel):
    """The form of complaints/followup/add; forms carry text only."""

    model_config = ConfigDict(extra="forbid")
    user_id: str
    institution_from_id: int
    institution_to_id: int
    complaint_id: str
    info_disposition: str = ""
    template_code: str = "CATATAN"
    rating: str = ""
    is_secret: int = Field(default=0, ge=0, le=1)
    content: str = Field(min_length=1, max_length=1000)


class Refusal(BaseModel):
    """The body of complaints/process/{id}/reject: please route this elsewhere."""

    model_config = ConfigDict(extra="forbid")
    is_request: int
    reason: str
    reason_description: str
    not_authority: int


def local_text(now: datetime) -> str:
    """Return a moment as SP4N writes it: d-m-Y H:i:s in WIB, without a zone."""
    return f"{now.astimezone(WIB):%d-%m-%Y %H:%M:%S}"


def create(pen: Pen, form: Creation, *, now: datetime, wall: datetime, behaviour: Behaviour) -> Row:
    """Store a complaint under a new id. A repeated submission is simply another complaint."""
    if read_plan(pen).confidential_refused and form.is_secret:
        raise PartnerError(422, "Data tidak valid", {"is_secret": ["not_allowed"]})
    id = 9_100_000 + pen.next_number(COMPLAINT)
    row: Row = {
        **form.model_dump(),
        "id": id,
        "status_name": UNVERIFIED,
        "disposition_id": form.disposition_id or NATIONAL,
        "created_at": local_text(now),
        "logs": [],
        "followups": [],
        "plan": _plan(wall, behaviour),
    }
    return _save(pen, row)


def follow_up(pen: Pen, form: Followup, *, now: datetime) -> Row:
    """Add a partner's follow-up. Raises PartnerError 404 or 422."""
    row = complaint_of(pen, form.complaint_id)
    if form.template_code not in TEMPLATES:
        raise PartnerError(422, "Data tidak valid", {"template_code": ["unknown"]})
    return _followup(
        pen,
        row,
        now=now,
        code=form.template_code,
        content=form.content,
        sender=form.institution_from_id,
        receiver=form.institution_to_id,
    )


def answers(
    pen: Pen, id: str, *, content: str, now: datetime, sender: int = 101, code: str = "JAWABAN"
) -> Row:
    """Let a ministry answer in HTML."""
    row = complaint_of(pen, id)
    return _followup(
        pen, row, now=now, code=code, content=content, sender=sender, receiver=OWN_INSTITUTION
    )


def moves(pen: Pen, id: str, *, status: str, note: str = "") -> Row:
    """Let SP4N set the status; a note becomes a line of `data_logs`."""
    row = complaint_of(pen, id)
    row["status_name"] = status
    if note:
        row["logs"].append(
            {
                "content": note,
                "institution_from": INSTITUTIONS[row["disposition_id"]],
                "institution_to": INSTITUTIONS[OWN_INSTITUTION],
            }
        )
    return _save(pen, row)


def asks_to_reroute(pen: Pen, id: str, form: Refusal) -> Row:
    """Record that the receiver asks for another institution."""
    return moves(pen, id, status=REFUSED, note=form.reason_description)


def advance(pen: Pen, *, now: datetime, wall: datetime) -> None:
    """Do what the ministries have done by now. Called before every answer; needs no timer."""
    for row in pen.due(COMPLAINT, iso(wall)):
        while row["plan"] and row["plan"][0][0] <= iso(wall):
            _, step = row["plan"].pop(0)
            if step == IN_PROCESS:
                row["status_name"] = IN_PROCESS
                row["disposition_id"] = 101
                row["logs"].append(
                    {
                        "content": "Terdisposisi ke Kementerian Pekerjaan Umum",
                        "institution_from": INSTITUTIONS[NATIONAL],
                        "institution_to": INSTITUTIONS[101],
                    }
                )
            elif step == "answer":
                row["followups"].append(
                    _followup_row(
                        now=now,
                        code="JAWABAN",
                        content=ANSWER_HTML,
                        sender=101,
                        receiver=OWN_INSTITUTION,
                    )
                )
            else:
                row["status_name"] = DONE
        _save(pen, row)


def complaint_of(pen: Pen, id: str) -> Row:
    """Return a complaint. Raises PartnerError 404."""
    row = pen.get(COMPLAINT, id)
    if row is None:
        raise PartnerError(404, "Data tidak ditemukan")
    return row


def status_view(row: Row) -> dict[str, Any]:
    """Return what complaints/{id}/complaint says under results.data."""
    return {
        "status_code": STATUS_CODES.get(row["status_name"], 99),
        "status_name": row["status_name"],
        "disposition_id": row["disposition_id"],
        "disposition_name": INSTITUTIONS.get(row["disposition_id"], ""),
    }


def list_view(row: Row) -> dict[str, Any]:
    """Return a row of the complaints list (assumed)."""
    names = ("id", "title", "tags_raw", "status_name", "created_at")
    return {name: row[name] for name in names}


def _plan(wall: datetime, behaviour: Behaviour) -> list[list[str]]:
    wanted = (
        (behaviour.process_after, IN_PROCESS),
        (behaviour.answer_after, "answer"),
        (behaviour.close_after, DONE),
    )
    return sorted([iso(wall + after), step] for after, step in wanted if after is not None)


def _followup(
    pen: Pen, row: Row, *, now: datetime, code: str, content: str, sender: int, receiver: int
) -> Row:
    entry = _followup_row(now=now, code=code, content=content, sender=sender, receiver=receiver)
    row["followups"].append(entry)
    _save(pen, row)
    return entry


def _followup_row(*, now: datetime, code: str, content: str, sender: int, receiver: int) -> Row:
    return {
        "created_at": local_text(now),
        "institution_from_name": INSTITUTIONS.get(sender, ""),
        "institution_to_name": INSTITUTIONS.get(receiver, ""),
        "template_code": code,
        "template_content": TEMPLATES[code][1] if code in TEMPLATES else "",
        "content": content,
        "data": "{}",
        "attachments": [],
    }


def _save(pen: Pen, row: Row) -> Row:
    due = row["plan"][0][0] if row["plan"] else ""
    pen.put(COMPLAINT, str(row["id"]), row, ref=row["tags_raw"], due=due)
    return row
