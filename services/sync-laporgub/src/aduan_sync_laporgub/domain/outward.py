"""What a partner is told about a case that it has too: one push per change, in their order."""

from datetime import datetime
from typing import Final

from aduan.clock import iso
from aduan.contracts.envelope import Cause
from aduan.contracts.values import State
from aduan_sync_laporgub.domain.case import Job, MirrorCase
from aduan_sync_laporgub.domain.partners import Partners
from aduan_sync_laporgub.domain.systems import SYSTEMS, MirrorSystem
from aduan_sync_laporgub.domain.words import Words

ANSWER_TITLE: Final = "Tanggapan"
CONFIDENTIAL_SENTENCE: Final = (
    "Perkembangan laporan ini bersifat rahasia dan hanya disampaikan kepada Bapak/Ibu pelapor."
)


def push_everywhere(
    case: MirrorCase,
    partners: Partners,
    *,
    state: State,
    text: str,
    is_answer: bool,
    not_to: MirrorSystem | None,
    why: Cause,
    now: datetime,
) -> MirrorCase:
    """Owe one push to every partner that has the case or is about to get it.

    not_to: the partner that caused the change; telling it again would be an echo.
    """
    if case.test:
        return case
    for system in SYSTEMS:
        words = partners.at(case.tenant, system)
        has_it = system in case.links or case.submitting_to(system)
        if words is None or not has_it or system == not_to or _is_ping_pong(case, system, state):
            continue
        word = words.outward(state)
        if word is None:
            continue
        number = case.refs + 1
        job = Job(
            kind="push",
            system=system,
            ref=f"aduan:{case.id}:{number}",
            created_at=iso(now),
            status=word,
            title=ANSWER_TITLE if is_answer else word.capitalize(),
            text=fitting(text or word.capitalize(), words),
            cause=(why.causation_id, why.correlation_id, why.traceparent),
        )
        case = case.model_copy(update={"refs": number, "jobs": (*case.jobs, job)})
    return case


def _is_ping_pong(case: MirrorCase, system: MirrorSystem, state: State) -> bool:
    """Whether telling this would send the case back a second time: a human decides that."""
    decision = case.decision
    stopped = decision.reason_code == "second_return" and decision.system == system
    return stopped and state == "forwarded"


def hide_pending(case: MirrorCase) -> MirrorCase:
    """Return a case that has become confidential: no text of it stays here or goes out."""
    jobs = tuple(
        job.model_copy(update={"text": CONFIDENTIAL_SENTENCE}) if job.kind == "push" else job
        for job in case.jobs
    )
    report = case.report.model_copy(
        update={
            "title": None,
            "text": None,
            "place": None,
            "content_ref": f"/internal/v1/complaints/{case.id}/content",
        }
    )
    return case.model_copy(update={"jobs": jobs, "report": report})


def fitting(text: str, words: Words) -> str:
    """Return the text within the partner's limit, leaving room for our reference."""
    limit = words.text_limit - 80
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
