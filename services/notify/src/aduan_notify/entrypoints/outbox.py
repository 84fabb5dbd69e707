"""The outbox as a page for people: which letter went out, which did not, and why.

Server-rendered, works without script. Letters are written again from the ledger for the page, so
nothing of them is stored; recipients are masked.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final
from urllib.parse import parse_qs, urlencode

from fastapi import APIRouter, Query, Request
from jinja2 import Environment
from starlette.datastructures import MutableHeaders
from starlette.responses import HTMLResponse, RedirectResponse, Response

from aduan.cases import Cases
from aduan.clock import Clock, parse_iso
from aduan.storage.port import Body
from aduan.web import cursors
from aduan.web.keys import Authenticator, Principal, key_in
from aduan.web.problems import Problem
from aduan_notify.adapters.directory import Directory
from aduan_notify.domain.case import DECIDED
from aduan_notify.domain.ledger import Row
from aduan_notify.entrypoints.outbox_words import AUDIENCES, CAUSES, DECISIONS, REASONS
from aduan_notify.entrypoints.shapes import Kind

PATH: Final = "/notify/outbox"
SIGN_IN: Final = "/notify/sign-in"
COOKIE: Final = "aduan_notify"
STAYS_SECONDS: Final = 8 * 3600
PER_PAGE: Final = 20
WRONG_KEY: Final = "Kunci tidak berlaku atau tidak berhak membuka halaman ini."

Counts = Callable[[], Awaitable[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Outbox:
    """What the page needs. open_to: the tenant whose outbox is shown without a key, or None."""

    cases: Cases
    clock: Clock
    authenticator: Authenticator
    directories: Mapping[str, Directory]
    pages: Environment
    counts: Counts
    public_url: str
    secure_cookies: bool
    open_to: str | None = None


def router(outbox: Outbox) -> APIRouter:
    """Return the page, and the sign-in with a key of scope deliveries:read."""
    routes = APIRouter(include_in_schema=False)

    @routes.get(PATH)
    async def page(
        request: Request,
        decision: Annotated[Kind | None, Query()] = None,
        cursor: Annotated[str | None, Query(max_length=1024)] = None,
    ) -> Response:
        """The letters of one tenant, by complaint, the latest first."""
        tenant = await _tenant(outbox, request)
        if tenant is None:
            return _sign_in_page(outbox, problem=None)
        index = "latest" if decision is None else f"{decision}_at"
        name = f"outbox:{index}"
        after = cursors.decode(name, cursor, (str, str)) if cursor else None
        found = await outbox.cases.find(
            index, equal=(tenant,), after=after, limit=PER_PAGE, descending=True
        )
        directory = outbox.directories[tenant]
        facts = {
            "cases": [
                _case(outbox, directory, one.body, decision) for one in found.documents if one.body
            ],
            "counts": (await outbox.counts())["notification_decisions"],
            "kinds": [(kind, DECISIONS[kind]) for kind in DECIDED],
            "decision": decision,
            "path": PATH,
            "older": _older(name, decision, found.after),
            "newest": _newest(decision) if cursor else None,
            "brand": directory.mail.brand,
            "city": directory.tenant.name,
        }
        return HTMLResponse(outbox.pages.get_template("outbox.html").render(facts))

    @routes.post(SIGN_IN)
    async def sign_in(request: Request) -> Response:
        """Take a key from the form and keep it in a cookie that no script can read."""
        form = parse_qs((await request.body()).decode("utf-8", "replace"), max_num_fields=4)
        key = form.get("key", [""])[0].strip()
        if await _principal(outbox, key) is None:
            return _sign_in_page(outbox, problem=WRONG_KEY)
        answer = RedirectResponse(PATH, status_code=303)
        answer.set_cookie(
            COOKIE,
            key,
            max_age=STAYS_SECONDS,
            path="/notify",
            secure=outbox.secure_cookies,
            httponly=True,
            samesite="strict",
        )
        return answer

    return routes


async def _tenant(outbox: Outbox, request: Request) -> str | None:
    key = key_in(request.headers) or request.cookies.get(COOKIE)
    who = await _principal(outbox, key)
    if who is not None and who.tenant in outbox.directories:
        return who.tenant
    return outbox.open_to


async def _principal(outbox: Outbox, key: str | None) -> Principal | None:
    """Return who has this key, if it may read the whole ledger of its tenant. Raises Busy."""
    try:
        who = await outbox.authenticator.authenticate(key)
        who.need("deliveries:read")
    except Problem:
        return None
    return who if who.opd is None and who.portal is None else None


def _sign_in_page(outbox: Outbox, *, problem: str | None) -> Response:
    page = outbox.pages.get_template("sign_in.html")
    answer = HTMLResponse(page.render(problem=problem, action=SIGN_IN), status_code=401)
    MutableHeaders(raw=answer.raw_headers)["WWW-Authenticate"] = 'Bearer realm="aduan"'
    return answer


def _newest(decision: str | None) -> str:
    return f"{PATH}?{urlencode({'decision': decision})}" if decision else PATH


def _older(name: str, decision: str | None, after: tuple[str | int, ...] | None) -> str | None:
    if after is None:
        return None
    chosen = {"decision": decision} if decision else {}
    return f"{PATH}?{urlencode({**chosen, 'cursor': cursors.encode(name, after)})}"


def _case(
    outbox: Outbox, directory: Directory, body: Body, decision: str | None
) -> Mapping[str, Any]:
    wanted = {"pending": ("pending", "sending")}.get(decision or "", (decision,))
    rows = [row for row in body["rows"] if decision is None or row["decision"] in wanted]
    newest: Sequence[Row] = sorted(rows, key=lambda row: row["decided_at"], reverse=True)
    return {
        "ticket": body["ticket"],
        "confidential": body["confidential"] or body["oversight"],
        "rows": [_row(outbox, directory, body, row) for row in newest],
    }


def _row(outbox: Outbox, directory: Directory, body: Body, row: Row) -> Mapping[str, Any]:
    written: tuple[str, str] | None = None
    if row["decision"] != "skipped":
        written = directory.write(
            body, row, public_url=outbox.public_url, now=parse_iso(row["occurred_at"])
        )
    hidden = body["confidential"] or body["oversight"]
    return {
        "id": row["id"],
        # Of a confidential case not even the step is shown to whoever reads over a shoulder.
        "cause": "Laporan rahasia" if hidden else CAUSES[row["cause"]],
        "audience": AUDIENCES[row["audience"]],
        "unit": directory.name_of(row["unit"]) if row["unit"] and not hidden else None,
        "decision": row["decision"],
        "decision_words": DECISIONS[row["decision"]],
        "reason": REASONS[row["reason"]],
        "to": row["to"],
        "repeats": row["repeats"],
        "at": row["decided_at"],
        "subject": written[0] if written else None,
        "text": written[1] if written else None,
    }
