"""What each event does to the mirror of its case. Pure; calls to partners are only owed here.

Order between producers: routing's events never run before complaint.created (the inbox holds them),
a second delivery is dropped by the inbox, and a late event finds the jobs it owes looking first.
What the partner said meanwhile lies in the same document, so either order gives one result: the
echo guard asks for references and remote keys, never for time.
"""

from datetime import datetime
from functools import partial

from aduan.cases import Handler, Handlers
from aduan.clock import iso
from aduan.contracts.envelope import Emit, Incoming, Reaction
from aduan.retention import expires_at
from aduan.storage.port import Body
from aduan_sync_laporgub.domain import decide, outward
from aduan_sync_laporgub.domain.case import Decision, MirrorCase, Origin, Report, read
from aduan_sync_laporgub.domain.partners import Partners
from aduan_sync_laporgub.views import AssignedView, CaseView, CreatedView, ProgressedView


def on_created(
    _body: Body | None, event: Incoming[CreatedView], now: datetime, *, partners: Partners
) -> Reaction:
    """Open the mirror of a complaint with the decision that nothing is due yet, and say why.

    Comes first by the inbox rule. A second delivery or one a week late is the same single decision;
    routing's events that arrived before it are drained right after it.
    """
    data = event.data
    report = Report(
        title=data.title,
        text=data.text,
        content_ref=data.content_ref,
        place=data.place.text,
        occurred_on=data.occurred_on,
        received_at=iso(data.received_at),
    )
    case = MirrorCase(
        id=event.subject,
        tenant=event.tenant,
        ticket=data.ticket,
        test=data.test,
        origin=Origin.model_validate(data.origin.model_dump()) if data.origin else None,
        report=report,
        anonymous=data.anonymous,
        confidential=data.confidential,
        report_class=data.class_hint,
        decision=Decision(kind="not_due", reason_code="undecided", at=iso(now)),
        expires_at=expires_at(event.tenant, event.subject),
    )
    case, emits = decide.first_decision(case, partners, now)
    return Reaction(body=case.body(), emit=emits)


def on_assigned(
    body: Body | None, event: Incoming[AssignedView], now: datetime, *, partners: Partners
) -> Reaction:
    """Owe the submission to the tenant's partner, or hold it; tell a partner who has the case.

    Twice: dropped by the inbox. A week late: the submission looks first whether it was made.
    Before the partner's answer to an earlier job: the push queues behind that job.
    """
    if body is None:
        return Reaction()
    case = _with_facts(read(body), event.data.case)
    case, emits = decide.follow(case, partners, event.cause, now, occurred_at=event.time)
    case = outward.push_everywhere(
        case,
        partners,
        state="assigned",
        text="Laporan diteruskan kepada perangkat daerah yang berwenang.",
        is_answer=False,
        not_to=None,
        why=event.cause,
        now=now,
    )
    return Reaction(body=case.body(), emit=emits)


def on_progressed(
    body: Body | None, event: Incoming[ProgressedView], now: datetime, *, partners: Partners
) -> Reaction:
    """Decide again (forwarding, a changed flag, an end), and push the change outward.

    Nothing is pushed to the partner that caused it. Twice: dropped by the inbox. A week late: as
    complaint.assigned. Before an assignment was seen: cannot be, one producer keeps its order.
    """
    if body is None:
        return Reaction()
    data = event.data
    case = _with_facts(read(body), data.case)
    forwarded_to = data.partner if data.to_state == "forwarded" else None
    if data.to_state == "forwarded" and forwarded_to is None:
        forwarded_to = case.forwarded_to
    case = case.model_copy(update={"forwarded_to": forwarded_to})
    moved = data.from_state != data.to_state
    emits: tuple[Emit, ...] = ()
    if moved or data.to_state != "forwarded":
        case, emits = decide.follow(case, partners, event.cause, now, occurred_at=event.time)
    if moved or data.answer is not None:
        answer = data.answer.text if data.answer is not None else None
        case = outward.push_everywhere(
            case,
            partners,
            state=data.to_state,
            text=answer or data.citizen_text,
            is_answer=answer is not None,
            not_to=data.origin,
            why=event.cause,
            now=now,
        )
    return Reaction(body=case.body(), emit=emits)


def _with_facts(case: MirrorCase, view: CaseView) -> MirrorCase:
    confidential = view.confidential or view.oversight
    became = confidential and not case.confidential
    case = case.model_copy(
        update={
            "state": view.state,
            "report_class": view.report_class,
            "category": view.category,
            "anonymous": view.anonymous,
            "confidential": confidential,
        }
    )
    return outward.hide_pending(case) if became else case


def table(partners: Partners) -> Handlers:
    """Return topic -> handler. complaint.replied has none: routing tells what became of it."""
    return {
        "complaint.created": Handler(CreatedView, partial(on_created, partners=partners)),
        "complaint.assigned": Handler(AssignedView, partial(on_assigned, partners=partners)),
        "complaint.progressed": Handler(ProgressedView, partial(on_progressed, partners=partners)),
    }
