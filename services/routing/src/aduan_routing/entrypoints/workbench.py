"""The desk as the officers' pages use it: the same rights, commands and shapes as the API."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from aduan.storage.port import Store
from aduan.web import cursors, idempotency
from aduan.web.keys import Principal
from aduan.web.problems import Problem
from aduan.web.rejections import from_validation
from aduan_routing.classify import Reference
from aduan_routing.desk import Asked, Desk, Seen
from aduan_routing.domain.case import CASES
from aduan_routing.domain.fetching import report_in
from aduan_routing.entrypoints.shapes import BODIES, CREATING
from aduan_routing.entrypoints.showing import full, item
from aduan_routing.evidence import EvidenceShelf

CaseJson = Mapping[str, Any]
"""A case as `GET /v1/cases/{case}` answers it; see README.md."""
WAITING_SHOWN: Final = 50
PURPOSE: Final = "desk_page"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A complaint whose events wait for their first one. age_minutes: real time."""

    id: str
    age_minutes: int


class Workbench:
    """Every method keeps to what `who` may see and do, and raises the API's problems, and Busy."""

    def __init__(
        self, desk: Desk, shelf: EvidenceShelf, store: Store, *, waiting_shown_seconds: float
    ) -> None:
        self.clock = desk.clock
        self._desk = desk
        self._shelf = shelf
        self._store = store
        self._waiting_shown_seconds = waiting_shown_seconds

    def reference(self, who: Principal) -> Reference:
        """Return the directory of the key's tenant. Raises not_found for a foreign tenant."""
        return self._desk.rules(who.tenant).reference

    async def listing(
        self, who: Principal, *, state: str | None, cursor: str | None, limit: int
    ) -> tuple[Sequence[CaseJson], str | None]:
        """Return cases by nearest deadline, and the cursor of the next page."""
        name = f"meja:{who.tenant}:{who.opd}:{state}"
        after = cursors.decode(name, cursor, (str, str)) if cursor else None
        page = await self._desk.page(who, state=state, opd=None, after=after, limit=limit)
        rules = self._desk.rules(who.tenant)
        items = [
            item(found.id, found.body, who, self.clock, rules)
            for found in page.documents
            if found.body is not None
        ]
        return items, None if page.after is None else cursors.encode(name, page.after)

    async def see(self, who: Principal, text: str) -> tuple[Seen, CaseJson]:
        """Return a case by id or ticket, and how it is shown, with `allowed`."""
        seen = await self._desk.see(who, text)
        return seen, full(seen.id, seen.body, who, self.clock, self._desk.rules(who.tenant))

    def content(self, who: Principal, seen: Seen) -> Mapping[str, str]:
        """Return the words of a confidential case for its page; leaves an audit line.

        title, text and place_text of the report, the others by reference. Empty for a case that is
        not confidential, and for a key that may not read content.
        """
        if not seen.body["confidential"] or "content:read" not in who.scopes:
            return {}
        words = self._desk.words(who, seen, PURPOSE)
        report = {name: str(text) for name, text in report_in(words).items() if text is not None}
        return {**{ref: text for ref, text in words.items() if ref != "report"}, **report}

    async def act(
        self, who: Principal, case: str, action: str, fields: Mapping[str, Any], key: str | None
    ) -> None:
        """Do what `POST /v1/cases/{case}/{action}` does. key: the form's one-time key."""
        if action not in BODIES:
            raise Problem("not_found")
        try:
            body = BODIES[action].model_validate(fields)
        except ValidationError as error:
            raise from_validation(error) from None
        asked = Asked(
            action=action,
            fields=body.model_dump(by_alias=True),
            key=key if action in CREATING else None,
            print=idempotency.fingerprint(body.model_dump_json(by_alias=True).encode()),
        )
        await self._desk.act(who, case, asked)

    async def prove(self, who: Principal, case: str, content: bytes, key: str | None) -> str:
        """Store a picture as evidence; return its id."""
        who.need("cases:act")
        stored, _replayed = await self._shelf.put(who, case, content, key)
        return str(stored["id"])

    async def picture(self, who: Principal, evidence: str) -> tuple[bytes, str]:
        """Return the bytes of evidence and their media type."""
        return await self._shelf.get(who, evidence)

    async def waiting(self, who: Principal) -> Sequence[Waiting]:
        """Return what has waited too long for its first event, oldest first."""
        held = await self._store.held(
            CASES, older_than=self._waiting_shown_seconds, limit=WAITING_SHOWN
        )
        now = self.clock.wall().timestamp()
        return [
            Waiting(one.id, int(now - one.since) // 60)
            for one in held
            if not one.opened and one.tenant == who.tenant
        ]
