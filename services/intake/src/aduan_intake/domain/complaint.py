"""A complaint's document: how it is made of what was posted, and what may be seen of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from aduan.clock import iso
from aduan.contracts.events import ComplaintCreated
from aduan.contracts.values import Origin, Place, ReporterRef
from aduan.privacy.scrub import Scrubber
from aduan.retention import EXPIRES, marks
from aduan.storage.port import Body, Collection, Columns, Index
from aduan_intake.domain.request import ComplaintIn
from aduan_intake.vault import Vault

OVERSIGHT: Final = "pengaduan_berkadar_pengawasan"


def _columns(body: Body) -> Columns:
    counted = not body["test"]
    return {
        "received_at": body["received_at"] if counted else None,
        "expires_at": body.get("expires_at"),
    }


def _keys(body: Body) -> tuple[str, ...]:
    return tuple(body["keys"])


COMPLAINTS: Final = Collection(
    name="complaints",
    indexes=(Index("received", ("tenant", "received_at")), EXPIRES),
    columns=_columns,
    keys=_keys,
)


def _portal_columns(body: Body) -> Columns:
    return {"code": body["code"]}


PORTALS: Final = Collection(
    name="portals", indexes=(Index("code", ("tenant", "code")),), columns=_portal_columns
)


def _key_columns(body: Body) -> Columns:
    return {"portal": body["portal"]}


KEYS: Final = Collection(
    name="keys", indexes=(Index("portal", ("tenant", "portal")),), columns=_key_columns
)
ATTACHMENTS: Final = Collection(name="attachments")


@dataclass(frozen=True, slots=True)
class Portal:
    """What was agreed with a portal: the inlet it stands for and the flags it may leave out."""

    code: str
    inlet: str
    anonymous: bool | None = None
    confidential: bool | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """One accepted POST, before it is stored."""

    complaint_id: str
    ticket: str
    tenant: str
    keys: tuple[str, ...]
    fingerprint: str


def document_of(
    given: ComplaintIn,
    received: Received,
    portal: Portal,
    vault: Vault,
    now: datetime,
    confidential_words: frozenset[str],
) -> dict[str, Any]:
    """Return the new document's body. In clear it holds only what may be known.

    confidential_words: the citizen's words that mean a matter of oversight (tenant data).
    """
    names = () if given.reporter.name is None else (given.reporter.name,)
    flags = _flags(given, portal, confidential_words)
    clean = Scrubber(names)
    text = clean(given.text)
    title = clean(given.title) if given.title is not None else None
    place_text = clean(given.place.text) if given.place.text is not None else None
    counts = dict(text.counts)
    for part in (title, place_text):
        for kind, count in part.counts.items() if part is not None else ():
            counts[kind] = counts.get(kind, 0) + count
    reachable = [kind for kind in ("email", "phone") if getattr(given.reporter, kind) is not None]
    sealed = {
        "text": given.text,
        "title": given.title,
        "place_text": given.place.text,
        "reporter": given.reporter.model_dump(exclude_none=True),
        "clean": {
            "text": text.text,
            "title": title.text if title is not None else None,
            "place_text": place_text.text if place_text is not None else None,
            "lat": given.place.lat,
            "lng": given.place.lng,
        },
    }
    hidden = flags["confidential"]
    clean_word = clean(given.citizen_word).text if given.citizen_word is not None else None
    return {
        **flags,
        "keys": [f"ticket:{received.ticket}", *received.keys],
        "fingerprint": received.fingerprint,
        "ticket": received.ticket,
        "tenant": received.tenant,
        "portal": portal.code,
        "inlet": given.inlet or portal.inlet,
        "origin": given.origin.model_dump(mode="json") if given.origin is not None else None,
        "received_at": iso(now),
        "reported_at": iso(given.reported_at) if given.reported_at is not None else None,
        "occurred_on": given.occurred_on.isoformat() if given.occurred_on is not None else None,
        "citizen_word": clean_word,
        "class_hint": given.class_hint,
        "category_hint": given.category_hint,
        "opd_hint": given.opd_hint,
        "title": None if hidden or title is None else title.text,
        "text": None if hidden else text.text,
        "place": {
            "area_code": given.place.area_code,
            "lat": None if hidden else given.place.lat,
            "lng": None if hidden else given.place.lng,
            "text": None if hidden or place_text is None else place_text.text,
        },
        "pseudonym": vault.pseudonym(received.complaint_id),
        "reachable_by": reachable,
        "scrubbed": counts,
        "test": given.test,
        "sealed": vault.seal(sealed, received.complaint_id, "received"),
        "token_generation": 1,
        "state": "received",
        "timeline": [],
        "nearest": None,
        "replies": {},
        "attachments": [],
        **marks(received.tenant, received.complaint_id),
    }


def _flags(given: ComplaintIn, portal: Portal, words: frozenset[str]) -> dict[str, bool]:
    anonymous = given.anonymous if given.anonymous is not None else portal.anonymous
    confidential = given.confidential if given.confidential is not None else portal.confidential
    complete = anonymous is not None and confidential is not None
    word = (given.citizen_word or "").casefold()
    oversight = given.class_hint == OVERSIGHT or word in words
    return {
        "anonymous": True if not complete else bool(anonymous),
        "confidential": True if not complete else bool(confidential) or oversight,
        "flags_complete": complete,
    }


def content_ref(complaint_id: str) -> str:
    """Return where the content of a confidential complaint may be claimed."""
    return f"/internal/v1/complaints/{complaint_id}/content"


def created_event(complaint_id: str, body: Mapping[str, Any]) -> ComplaintCreated:
    """Return complaint.created: nothing of the identity, and no content when confidential."""
    return ComplaintCreated(
        ticket=body["ticket"],
        portal=body["portal"],
        inlet=body["inlet"],
        origin=Origin.model_validate(body["origin"]) if body["origin"] is not None else None,
        received_at=body["received_at"],
        reported_at=body["reported_at"],
        occurred_on=body["occurred_on"],
        citizen_word=body["citizen_word"],
        class_hint=body["class_hint"],
        category_hint=body["category_hint"],
        opd_hint=body["opd_hint"],
        title=body["title"],
        text=body["text"],
        content_ref=content_ref(complaint_id) if body["confidential"] else None,
        place=Place(**body["place"]),
        anonymous=body["anonymous"],
        confidential=body["confidential"],
        flags_complete=body["flags_complete"],
        reporter=ReporterRef(pseudonym=body["pseudonym"], reachable_by=tuple(body["reachable_by"])),
        scrubbed=body["scrubbed"],
        test=body["test"],
    )
