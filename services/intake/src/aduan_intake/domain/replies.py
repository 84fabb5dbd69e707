"""What a reporter says afterwards. Only routing interprets it; here it is kept and told."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Self
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic.config import JsonDict

from aduan.clock import iso
from aduan.contracts.envelope import Emit, Reaction
from aduan.contracts.events import TEXT_LIMIT, ComplaintReplied
from aduan.contracts.values import AttachmentRef, ReplyKind
from aduan.privacy.scrub import scrub
from aduan.storage.port import Body
from aduan.web.problems import Problem, wrong
from aduan_intake.domain.request import SAYS
from aduan_intake.domain.timeline import added, entry
from aduan_intake.vault import Vault

REPLIES_PER_CASE: Final = 200
PHOTO_ONLY: Final = "Foto dilampirkan."


_TEXT: Final[JsonDict] = {"type": "string", "pattern": SAYS, "maxLength": TEXT_LIMIT}
_WHOLE: Final[tuple[JsonDict, ...]] = (
    {
        "properties": {"kind": {"enum": ["reply", "supplement", "objection"]}, "text": _TEXT},
        "required": ["kind", "text"],
    },
    {
        "properties": {
            "kind": {"const": "rating"},
            "rating": {"type": "integer", "minimum": 1, "maximum": 5},
        },
        "required": ["kind", "rating"],
    },
    {"properties": {"kind": {"const": "withdrawal"}}, "required": ["kind"]},
)
"""What the validator below asks for, said in the document too."""


class ReplyIn(BaseModel):
    """The body of POST /v1/complaints/{ticket}/replies."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_extra={"anyOf": list(_WHOLE)}
    )

    kind: ReplyKind
    text: (
        Annotated[
            str, StringConstraints(strip_whitespace=True, pattern=SAYS, max_length=TEXT_LIMIT)
        ]
        | None
    ) = None
    rating: int | None = Field(default=None, ge=1, le=5)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.kind == "rating" and self.rating is None:
            raise wrong("a rating needs a rating from 1 to 5")
        if self.kind in {"reply", "supplement", "objection"} and self.text is None:
            raise wrong("this kind of reply needs a text")
        return self


def reply_id(complaint_id: str, key: str) -> str:
    """Return the id of the reply that came with an idempotency key."""
    return str(uuid5(UUID(complaint_id), f"reply:{key}"))


def replied(
    body: Body,
    given: ReplyIn,
    *,
    complaint_id: str,
    key: str,
    fingerprint: str,
    by: str,
    vault: Vault,
    now: datetime,
    attachments: tuple[AttachmentRef, ...] = (),
) -> Reaction:
    """Add a reply and tell it. A key that was used already changes nothing.

    Raises the problem idempotency_key_reused for another body under the same key.
    """
    known: Mapping[str, Any] = body["replies"]
    if key in known:
        if known[key]["fingerprint"] != fingerprint:
            raise Problem("idempotency_key_reused")
        return Reaction()
    if len(known) >= REPLIES_PER_CASE:
        raise Problem("conflict", "This complaint has no room for further replies.")
    id = reply_id(complaint_id, key)
    names = _names(body, complaint_id, vault)
    clean = scrub(given.text, names).text if given.text is not None else None
    hidden = body["confidential"] and clean is not None
    sealed = (
        vault.seal({"text": given.text, "clean": clean}, complaint_id, f"reply:{id}")
        if given.text is not None
        else None
    )
    kept = {
        "reply_id": id,
        "kind": given.kind,
        "fingerprint": fingerprint,
        "at": iso(now),
        "sealed": sealed,
    }
    event = ComplaintReplied(
        reply_id=id,
        kind=given.kind,
        text=None if hidden else clean,
        content_ref=_content_ref(complaint_id, id) if hidden else None,
        rating=given.rating,
        attachments=() if body["confidential"] else attachments,
        replied_at=now,
        by=by,
    )
    line = entry(now, _SAID[given.kind], "reporter")
    stored = [reference.model_dump(mode="json") for reference in attachments]
    changed = {
        **added(body, line),
        "replies": {**known, key: kept},
        "attachments": [*body["attachments"], *stored],
    }
    return Reaction(changed, (Emit("complaint.replied", event),))


_SAID: Final[Mapping[str, str]] = {
    "reply": "Pelapor memberikan jawaban.",
    "supplement": "Pelapor melengkapi laporan.",
    "rating": "Pelapor memberikan penilaian.",
    "objection": "Pelapor menyampaikan keberatan.",
    "withdrawal": "Pelapor mencabut laporan.",
}


def _content_ref(complaint_id: str, id: str) -> str:
    return f"/internal/v1/complaints/{complaint_id}/replies/{id}/content"


def _names(body: Body, complaint_id: str, vault: Vault) -> tuple[str, ...]:
    reporter = vault.open(body["sealed"], complaint_id, "received")["reporter"]
    return (reporter["name"],) if "name" in reporter else ()


_WITHDRAW: Final = ("withdrawal", "Mencabut laporan", "Laporan tidak dilanjutkan.")
_MORE: Final = ("supplement", "Melengkapi laporan", "Menambahkan keterangan atau foto.")
_RATE: Final = ("rating", "Memberi penilaian", "Angka 1 sampai 5; laporan kemudian selesai.")
_OBJECT: Final = ("objection", "Menyampaikan keberatan", "Jawaban belum menyelesaikan masalah.")
_ASK: Final = ("reply", "Bertanya kembali", "Ada yang belum jelas dari jawaban petugas.")
_ANSWER: Final = ("reply", "Menjawab pertanyaan petugas", "Petugas menunggu keterangan Bapak/Ibu.")
_RESUME: Final = ("reply", "Melanjutkan laporan", "Laporan diperiksa kembali oleh petugas.")
OFFERED: Final[Mapping[str, tuple[tuple[ReplyKind, str, str], ...]]] = {
    "awaiting_reporter": (_ANSWER, _MORE, _WITHDRAW),
    "answered": (_RATE, _OBJECT, _ASK),
    "closed": (_OBJECT, _RATE),
    "conditionally_closed": (_MORE, _WITHDRAW),
    "archived": (_RESUME,),
    "rejected": (),
}
"""What the page offers in a state: (kind, words, explanation). Routing decides what follows."""


def offered(state: str) -> tuple[tuple[ReplyKind, str, str], ...]:
    """Return what the page offers in a state; any other open state takes more, or the end."""
    return OFFERED.get(state, (_MORE, _WITHDRAW))
