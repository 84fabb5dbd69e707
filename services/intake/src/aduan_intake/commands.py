"""What can be done at intake: take a complaint, a reply, a photo."""

import asyncio
import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from aduan import failpoints
from aduan.clock import iso
from aduan.contracts.envelope import Emit, EventTooLarge, Reaction
from aduan.contracts.values import CANARY_TENANT, AttachmentRef
from aduan.ids import uuid5, uuid7
from aduan.storage.port import Body, Change, Document, KeyTaken
from aduan.ticket import NotATicket, new_ticket, read_ticket
from aduan.web.idempotency import storage_key
from aduan.web.problems import Problem, field, invalid
from aduan_intake.domain.complaint import (
    ATTACHMENTS,
    COMPLAINTS,
    Portal,
    Received,
    created_event,
    document_of,
)
from aduan_intake.domain.images import Picture, clean_picture
from aduan_intake.domain.replies import PHOTO_ONLY, ReplyIn, replied, reply_id
from aduan_intake.domain.request import ComplaintIn
from aduan_intake.ports import Desk

TICKET_TRIES: Final = 5


@dataclass(frozen=True, slots=True)
class Taken:
    """An acknowledged complaint."""

    complaint_id: str
    ticket: str
    reporter_token: str
    replayed: bool


async def take(
    desk: Desk, given: ComplaintIn, *, tenant: str, portal: Portal, key: str | None
) -> Taken:
    """Take a complaint, once: a repeat by its key or external id gives the same answer.

    key: the Idempotency-Key. On return the complaint and its event are durable. Raises the problems
    idempotency_key_required, idempotency_key_reused, external_id_taken; Busy.
    """
    if key is None and given.external_id is None:
        raise Problem(
            "idempotency_key_required",
            errors=(field("Idempotency-Key", "is required unless external_id is given"),),
        )
    keys = []
    if key is not None:
        keys.append(storage_key(tenant, portal.code, "create", key))
    if given.external_id is not None:
        keys.append(_external(tenant, portal.code, given.external_id))
    fingerprint = desk.vault.fingerprint(given.__pydantic_serializer__.to_json(given))
    words = desk.tenants[tenant].confidential_words
    for _ in range(TICKET_TRIES):
        complaint_id = uuid7(desk.clock.wall())
        ticket = new_ticket(desk.tenants[tenant].letters)
        received = Received(complaint_id, ticket, tenant, tuple(keys), fingerprint)

        def run(_body: Body | None, now: datetime, received: Received = received) -> Reaction:
            body = document_of(given, received, portal, desk.vault, now, words)
            event = created_event(received.complaint_id, body)
            return Reaction(body, (Emit("complaint.created", event),))

        try:
            outcome = await desk.cases.command(complaint_id, run, tenant=tenant, fresh=True)
        except KeyTaken as taken:
            if taken.key.startswith("ticket:"):
                continue
            return await _repeated(desk, taken, fingerprint, tenant)
        except EventTooLarge:
            raise invalid("text", "is too long once encoded") from None
        failpoints.hit("intake.after_commit")
        body = outcome.document.body if outcome.document is not None else None
        for kind, count in (body or {}).get("scrubbed", {}).items():
            desk.metrics.masked.add(count, kind=kind)
        _count(desk, tenant, "created")
        token = desk.vault.reporter_token(complaint_id, 1)
        return Taken(complaint_id, ticket, token, replayed=False)
    raise Problem("unavailable", headers={"Retry-After": "1"})


def _external(tenant: str, portal: str, external_id: str) -> str:
    return storage_key(tenant, portal, "external", external_id).replace("idem:", "ext:", 1)


def _count(desk: Desk, tenant: str, outcome: str) -> None:
    if tenant != CANARY_TENANT:
        desk.metrics.received.add(outcome=outcome)


async def _repeated(desk: Desk, taken: KeyTaken, fingerprint: str, tenant: str) -> Taken:
    body = await desk.cases.get(taken.holder)
    if body is None:
        raise Problem("gone")
    if body["fingerprint"] != fingerprint:
        _count(desk, tenant, "refused")
        by_id = taken.key.startswith("ext:")
        raise Problem("external_id_taken" if by_id else "idempotency_key_reused")
    _count(desk, tenant, "replayed")
    token = desk.vault.reporter_token(taken.holder, body["token_generation"])
    return Taken(taken.holder, body["ticket"], token, replayed=True)


async def find_by_ticket(desk: Desk, text: str) -> tuple[str, Body]:
    """Return (id, body) of a ticket. Raises invalid_ticket without a look-up, not_found."""
    try:
        ticket = read_ticket(text)
    except NotATicket:
        raise Problem("invalid_ticket", errors=(field("ticket", "is mistyped"),)) from None
    found = await desk.cases.get_by_key(f"ticket:{ticket}")
    if found is None:
        raise Problem("not_found")
    return found


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A picture, and what tells the file that was sent from another one."""

    picture: Picture
    print: bytes


@dataclass(frozen=True, slots=True)
class Said:
    """An acknowledged reply."""

    reply_id: str
    at: str
    replayed: bool


async def reply(
    desk: Desk,
    complaint_id: str,
    given: ReplyIn,
    *,
    by: str,
    key: str,
    attachments: tuple[AttachmentRef, ...] = (),
    print_of: bytes = b"",
) -> Said:
    """Keep a reply and tell it, once per key. print_of: what belongs to the body beside `given`.

    Raises the problems idempotency_key_reused, conflict, not_found; Busy.
    """
    stored = storage_key(complaint_id, "reply", key)
    fingerprint = desk.vault.fingerprint(given.model_dump_json().encode() + print_of)

    def run(body: Body | None, now: datetime) -> Reaction:
        if body is None:
            raise Problem("not_found")
        return replied(
            body,
            given,
            complaint_id=complaint_id,
            key=stored,
            fingerprint=fingerprint,
            by=by,
            vault=desk.vault,
            now=now,
            attachments=attachments,
        )

    try:
        outcome = await desk.cases.command(complaint_id, run)
    except EventTooLarge:
        raise invalid("text", "is too long once encoded") from None
    body = outcome.document.body if outcome.document is not None else None
    at = body["replies"][stored]["at"] if body is not None else ""
    if outcome.changed:
        desk.metrics.replies.add(kind=given.kind)
    return Said(reply_id(complaint_id, stored), at, replayed=not outcome.changed)


async def clean(desk: Desk, content: bytes) -> Cleaned:
    """Return a photo without its metadata. Raises the problems of clean_picture."""
    async with desk.decoding:
        picture = await asyncio.to_thread(clean_picture, content)
    return Cleaned(picture, hashlib.sha256(content).digest())


async def attach(
    desk: Desk, complaint_id: str, cleaned: Cleaned, *, by: str, key: str
) -> tuple[AttachmentRef, Said]:
    """Keep a photo and tell it as a supplement, once per key. Raises the problems of reply."""
    picture = cleaned.picture
    id = uuid5(complaint_id, f"attachment:{storage_key(complaint_id, 'photo', key)}")
    reference = AttachmentRef(
        id=id,
        media_type=picture.media_type,
        bytes=len(picture.content),
        sha256=picture.sha256,
        public=False,
    )
    sealed = desk.vault.seal(
        {"content": base64.b64encode(picture.content).decode()}, complaint_id, f"attachment:{id}"
    )
    document = await desk.store.get(COMPLAINTS, complaint_id)
    tenant = document.tenant if document is not None else ""
    body = {
        "complaint_id": complaint_id,
        "media_type": picture.media_type,
        "sha256": picture.sha256,
        "sealed": sealed,
        "at": iso(desk.clock.now()),
    }

    def decide(known: Document | None, _: datetime) -> Change | None:
        return Change(tenant, body, {}) if known is None else None

    # The photo first: a crash in between leaves an unseen photo, never a reference to nothing.
    await desk.store.update(ATTACHMENTS, id, decide)
    given = ReplyIn(kind="supplement", text=PHOTO_ONLY)
    said = await reply(
        desk,
        complaint_id,
        given,
        by=by,
        key=f"photo:{key}",
        attachments=(reference,),
        print_of=cleaned.print,
    )
    return reference, said


async def photo(desk: Desk, complaint_id: str, id: str) -> tuple[str, bytes]:
    """Return (media type, bytes) of a kept photo. Raises not_found."""
    document = await desk.store.get(ATTACHMENTS, id)
    body = document.body if document is not None else None
    if body is None or body["complaint_id"] != complaint_id:
        raise Problem("not_found")
    opened = desk.vault.open(body["sealed"], complaint_id, f"attachment:{id}")
    return body["media_type"], base64.b64decode(opened["content"])
