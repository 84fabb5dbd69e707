"""Evidence of a case: stored once per picture, sealed, readable by who may see the case.

Sealed always, because a case may become confidential after its picture came.
"""

import asyncio
import base64
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid5

from aduan.clock import iso
from aduan.storage.port import Body, Change, Document
from aduan.web.idempotency import fingerprint
from aduan.web.keys import Principal
from aduan.web.problems import Problem
from aduan_routing.desk import Desk
from aduan_routing.domain.case import EVIDENCE
from aduan_routing.images import MEDIA_TYPE, clean_photo

CODERS: Final = 1  # pictures are decoded one at a time: they take memory, not only time


class EvidenceShelf:
    """Puts pictures on the shelf and takes them down again."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._room = asyncio.Semaphore(CODERS)

    async def put(
        self, who: Principal, case: str, content: bytes, key: str | None
    ) -> tuple[dict[str, Any], bool]:
        """Return what was stored, and whether the same call had stored it before.

        The same picture of the same case is stored once. Raises not_found, content_too_large,
        unsupported_media_type, invalid, idempotency_key_reused.
        """
        seen = await self._desk.see(who, case)
        came = fingerprint(content)
        # Named by the key where there is one, so that a repeat finds what it made before.
        id = str(uuid5(UUID(seen.id), f"evidence:{who.opd}:{f'key:{key}' if key else came}"))
        known = await self._desk.store.get(EVIDENCE, id)
        if known is not None and known.body is not None:
            return _known(id, known.body, came), True
        async with self._room:
            photo = await asyncio.to_thread(clean_photo, content)
        vault = self._desk.rules(who.tenant).vault
        body = {
            "case": seen.id,
            "opd": who.opd,
            "media_type": MEDIA_TYPE,
            "bytes": len(photo.content),
            "sha256": photo.sha256,
            "came": came,
            "created_at": iso(self._desk.clock.now()),
            "sealed": vault.seal_text(base64.b64encode(photo.content).decode(), _about(id)),
        }

        def decide(document: Document | None, _: datetime) -> Change | None:
            return Change(who.tenant, body, {}) if document is None else None

        outcome = await self._desk.store.update(EVIDENCE, id, decide)
        stored = outcome.document.body if outcome.document is not None else None
        return _known(id, stored or body, came), not outcome.changed

    async def get(self, who: Principal, id: str) -> tuple[bytes, str]:
        """Return the bytes and the media type. Raises not_found, scope_missing."""
        document = await self._desk.store.get(EVIDENCE, id)
        if document is None or document.body is None or document.tenant != who.tenant:
            raise Problem("not_found")
        seen = await self._desk.see(who, document.body["case"])
        if seen.body["confidential"]:
            self._desk.words(who, seen, "evidence")
        plain = self._desk.rules(who.tenant).vault.open_text(document.body["sealed"], _about(id))
        return base64.b64decode(plain), document.body["media_type"]


def _about(id: str) -> str:
    return f"routing:evidence:{id}"


def _known(id: str, body: Body, came: str) -> dict[str, Any]:
    if body["came"] != came:
        raise Problem("idempotency_key_reused")
    return {"id": id, **{name: body[name] for name in ("case", "media_type", "bytes", "sha256")}}
