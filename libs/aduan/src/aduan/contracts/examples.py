"""Golden examples: for each topic the smallest event that is valid and one with everything in it.

They are written from the models, committed, and read by every service's view in a test. Invented.
"""

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID, uuid5

from pydantic import BaseModel

from aduan.contracts import events as e
from aduan.contracts import opd as o
from aduan.contracts import values as v

CASE_ID: Final = "019ad3f0-0000-7000-8000-000000000001"
AT: Final = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)


def _id(name: str) -> str:
    return str(uuid5(UUID(CASE_ID), name))


def _case(**changes: object) -> v.Case:
    known: dict[str, object] = {
        "version": 1,
        "state": "assigned",
        "class": "pengaduan_tidak_berkadar_pengawasan",
        "class_confirmed": False,
        "anonymous": False,
        "confidential": False,
        "oversight": False,
        "received_at": AT,
    }
    return v.Case.model_validate({**known, **changes})


_FULL_CASE: Final = _case(
    version=7,
    state="answered",
    class_confirmed=True,
    category="jalan",
    opd="DPU",
    area="33.74.01.1001",
    origin=v.Origin(system="laporgub", external_id="LGWP00000001", hops=("laporgub",)),
    verified=v.Verified(at=AT, by="coordinator"),
    assigned_at=AT,
    accepted_at=AT + timedelta(hours=1),
    answered_at=AT + timedelta(hours=5),
    closed_at=AT + timedelta(days=14),
    reopened_count=1,
)
_PHOTO: Final = v.AttachmentRef(
    id=_id("photo"), media_type="image/jpeg", bytes=48_211, sha256="ab" * 32, public=True
)
_SUGGESTIONS: Final = (
    v.Suggestion(opd="DPU", confidence=0.61),
    v.Suggestion(opd="DISPERKIM", confidence=0.22),
    v.Suggestion(opd="33.74.01", confidence=0.08),
)
_NOTICE: Final = {
    "clock": "handle",
    "instance": 1,
    "policy": "semarang-handle",
    "policy_version": "2025-04-01",
    "legal_basis": "Semarang 2025",
    "due_at": AT + timedelta(hours=72),
    "audience": ("office",),
    "class": "pengaduan_tidak_berkadar_pengawasan",
}

EXAMPLES: Final[dict[str, dict[str, BaseModel]]] = {
    "complaint.created": {
        "smallest": e.ComplaintCreated(
            ticket="SMG-7K2M9-QXA3F-Z",
            portal="web",
            inlet="web",
            received_at=AT,
            content_ref=f"/internal/v1/complaints/{CASE_ID}/content",
            anonymous=True,
            confidential=True,
            flags_complete=False,
            reporter=v.ReporterRef(pseudonym="P-4F7A"),
        ),
        "everything": e.ComplaintCreated(
            ticket="SMG-7K2M9-QXA3F-Z",
            portal="web",
            inlet="whatsapp",
            origin=v.Origin(system="laporgub", external_id="LGWP00000001", hops=("laporgub",)),
            received_at=AT,
            reported_at=AT - timedelta(minutes=9),
            occurred_on="2026-11-30",
            citizen_word="keluhan",
            class_hint="pengaduan_tidak_berkadar_pengawasan",
            category_hint="jalan",
            opd_hint="DPU",
            title="Jalan berlubang",
            text="Jalan di depan pasar berlubang, hubungi [TELEPON].",
            place=v.Place(area_code="33.74.01.1001", lat=-6.98, lng=110.42, text="depan pasar"),
            anonymous=False,
            confidential=False,
            flags_complete=True,
            attachments=(_PHOTO,),
            reporter=v.ReporterRef(pseudonym="P-4F7A", reachable_by=("email", "phone")),
            scrubbed={"phone": 1},
            test=False,
        ),
    },
    "complaint.replied": {
        "smallest": e.ComplaintReplied(
            reply_id=_id("reply"), kind="withdrawal", replied_at=AT, by="reporter"
        ),
        "everything": e.ComplaintReplied(
            reply_id=_id("reply"),
            kind="objection",
            text="Lubangnya masih ada.",
            rating=2,
            attachments=(_PHOTO,),
            replied_at=AT,
            by="reporter",
        ),
    },
    "complaint.assigned": {
        "smallest": e.ComplaintAssigned(
            case=_case(opd="DPU", assigned_at=AT),
            opd=v.Office(code="DPU", level="dinas"),
            method="person",
            confidence=1.0,
        ),
        "everything": e.ComplaintAssigned(
            case=_case(version=3, opd="DPU", category="jalan", assigned_at=AT),
            opd=v.Office(code="DPU", level="dinas"),
            previous_opd="DISPERKIM",
            copies=("33.74.01",),
            method="rule",
            confidence=0.83,
            reasons=(v.Reason(code="lexicon", words="jalan, lubang"),),
            suggestions=_SUGGESTIONS,
            note="Mohon dicek bersama kecamatan.",
        ),
    },
    "complaint.progressed": {
        "smallest": e.ComplaintProgressed.model_validate(
            {
                "case": _case(state="triage"),
                "action": "triage",
                "to": "triage",
                "actor": v.Actor(kind="system"),
                "citizen_text": "Laporan sedang diverifikasi.",
            }
        ),
        "everything": e.ComplaintProgressed.model_validate(
            {
                "case": _FULL_CASE,
                "action": "answer",
                "from": "in_progress",
                "to": "answered",
                "actor": v.Actor(kind="office", opd="DPU"),
                "reason_code": "done",
                "citizen_text": "Laporan telah dijawab.",
                "question": "Di sisi jalan sebelah mana?",
                "answer": v.Answer(
                    kind="final",
                    text="Lubang telah ditambal.",
                    evidence=(v.EvidenceRef(id=_id("proof"), sha256="cd" * 32, public=True),),
                    unit="Bidang Bina Marga",
                ),
                "follow_up": v.FollowUp(on="2027-03-01", fiscal_year=2027, unit="Bina Marga"),
                "reply_id": _id("reply"),
                "partner": "laporgub",
                "suggestions": _SUGGESTIONS,
                "reasons": (v.Reason(code="short_text"),),
                "origin": "laporgub",
            }
        ),
    },
    "sla.scheduled": {
        "smallest": e.SlaScheduled(clocks=(), cause=_id("cause")),
        "everything": e.SlaScheduled(
            clocks=(
                v.ClockView(
                    name="handle",
                    instance=1,
                    policy="semarang-handle",
                    policy_version="2025-04-01",
                    scope="33.74",
                    unit="hours",
                    state="paused",
                    started_at=AT,
                    due_at=AT + timedelta(hours=72),
                    paused_at=AT + timedelta(hours=4),
                    ended_at=AT + timedelta(hours=9),
                ),
            ),
            nearest=v.Nearest(name="handle", due_at=AT + timedelta(hours=72)),
            cause=_id("cause"),
            corrects=(v.Correction(clock="handle", instance=1, due_at=AT + timedelta(hours=72)),),
        ),
    },
    "sla.warned": {
        "smallest": e.SlaWarned.model_validate({**_NOTICE, "share": 0.75}),
        "everything": e.SlaWarned.model_validate(
            {**_NOTICE, "opd": "DPU", "area": "33.74.01", "state": "accepted", "share": 0.75}
        ),
    },
    "sla.breached": {
        "smallest": e.SlaBreached.model_validate(
            {**_NOTICE, "detected_at": AT + timedelta(hours=73), "level": 0}
        ),
        "everything": e.SlaBreached.model_validate(
            {
                **_NOTICE,
                "audience": ("office_head", "coordinator"),
                "opd": "DPU",
                "area": "33.74.01",
                "state": "accepted",
                "detected_at": AT + timedelta(hours=73),
                "level": 1,
                "provisional": True,
            }
        ),
    },
    "sla.elapsed": {
        "smallest": e.SlaElapsed(
            timer="auto_close", instance=1, started_at=AT, due_at=AT + timedelta(days=14)
        ),
    },
    "mirror.changed": {
        "smallest": e.MirrorChanged(kind="not_due", reason_code="undecided"),
        "everything": e.MirrorChanged(
            system="laporgub",
            kind="answer",
            remote_ticket="LGWP00000001",
            raw_status="Tuntas",
            status="closed",
            text="Sudah diperbaiki.",
            remote_at=AT,
            remote_key=_id("entry"),
            hops=("33.74", "laporgub"),
            reason_code="answered_there",
        ),
    },
}

UNIT_EXAMPLES: Final[dict[str, o.UnitRecord]] = {
    "left": o.UnitRecord(kind="left", unit="DPU", ticket="SMG-00000-00000-0", version=8),
    "confidential": o.UnitRecord.model_validate(
        {
            "kind": "own",
            "unit": "DPU",
            "ticket": "SMG-00000-00000-0",
            "version": 3,
            "case": _case(version=3, opd="DPU", confidential=True, assigned_at=AT),
            "action": "assign",
            "to": "assigned",
            "content_ref": f"/v1/cases/{CASE_ID}/content",
        }
    ),
    "everything": o.UnitRecord.model_validate(
        {
            "kind": "own",
            "unit": "DPU",
            "ticket": "SMG-00000-00000-0",
            "version": 7,
            "case": _FULL_CASE,
            "action": "answer",
            "from": "in_progress",
            "to": "answered",
            "actor": v.Actor(kind="office", opd="DPU"),
            "reason_code": "done",
            "citizen_text": "Laporan telah dijawab.",
            "note": "Mohon dicek bersama kecamatan.",
            "question": "Di sisi jalan sebelah mana?",
            "answer": v.Answer(
                kind="final",
                text="Lubang telah ditambal.",
                evidence=(v.EvidenceRef(id=_id("proof"), sha256="cd" * 32, public=True),),
                unit="DPU",
            ),
            "follow_up": v.FollowUp(on="2027-03-01", fiscal_year=2027, unit="Bina Marga"),
            "reply_id": _id("reply"),
            "previous_opd": "DISPERKIM",
            "copies": ("33.74.01",),
            "content_ref": f"/v1/cases/{CASE_ID}/content",
        }
    ),
}
