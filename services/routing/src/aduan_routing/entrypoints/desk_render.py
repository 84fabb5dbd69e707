"""Renders the officers' pages: the frame that all share, a case, the sign-in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from jinja2 import Environment
from starlette.responses import HTMLResponse, Response

from aduan.web.pages.forms import one_time_key
from aduan.web.problems import Problem
from aduan_routing.entrypoints import desk_words as words
from aduan_routing.entrypoints.desk_session import Session, Sessions
from aduan_routing.entrypoints.desk_view import case_facts
from aduan_routing.entrypoints.workbench import Workbench

PATH: Final = "/meja"
ANSWER_SUFFIX: Final = "/jawab"
"""The one form with photos; its body may be larger (see the app's body limits)."""


@dataclass(frozen=True, slots=True)
class Pages:
    """What the pages need."""

    workbench: Workbench
    sessions: Sessions
    pages: Environment


async def case_page(
    desk: Pages,
    session: Session,
    case: str,
    *,
    done: str | None = None,
    problem: Problem | None = None,
    action: str | None = None,
    sent: Mapping[str, str] | None = None,
) -> Response:
    """Show a case; problem, action, sent: what was refused just now, so nothing must be typed twice."""
    try:
        seen, known = await desk.workbench.see(session.who, case)
    except Problem as absent:
        return page(desk, session, "meja_galat.html", {}, status=absent.status)
    content = desk.workbench.content(session.who, seen)
    reference = desk.workbench.reference(session.who)
    facts = case_facts(known, content, reference, desk.workbench.clock.now())
    errors = words.field_errors(problem) if problem is not None else {}
    facts |= {
        "done": done,
        "errors": errors,
        "summary": {f"{action}-{name}": sentence for name, sentence in errors.items()},
        "refused": words.refusal(problem) if problem is not None and not problem.errors else None,
        "tried": action,
        "sent": sent or {},
        "one_time_key": one_time_key(),
        "answer_suffix": ANSWER_SUFFIX,
    }
    status = problem.status if problem is not None else 200
    return page(desk, session, "kasus.html", facts, status=status)


def page(
    desk: Pages, session: Session, name: str, facts: Mapping[str, Any], *, status: int = 200
) -> Response:
    """Return a page in the frame of who is signed in."""
    reference = desk.workbench.reference(session.who)
    office = reference.offices.get(session.who.opd or reference.tenant.coordinator)
    shared = {
        "signed_in": True,
        "city": reference.tenant.name,
        "unit": office.name if office is not None else "",
        "role": session.role,
        "tabs": words.state_tabs(session.role),
        "csrf": session.csrf,
        "path": PATH,
    }
    html = desk.pages.get_template(name).render({**shared, **facts})
    return HTMLResponse(html, status_code=status)


def sign_in(desk: Pages, *, problem: str | None = None, status: int = 200) -> Response:
    """Return the sign-in. problem: why the last try did not work."""
    page = desk.pages.get_template("masuk.html")
    shown = {"signed_in": False, "city": "", "unit": "", "path": PATH, "problem": problem}
    return HTMLResponse(page.render(shown), status_code=status)
