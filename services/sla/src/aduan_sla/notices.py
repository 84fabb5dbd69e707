"""From what the domain wants to say to the events that say it."""

from datetime import datetime
from typing import Final

from pydantic import BaseModel

from aduan.clock import iso
from aduan.contracts.envelope import Emit, derived_id
from aduan.contracts.events import SlaBreached, SlaElapsed, SlaScheduled, SlaWarned
from aduan.contracts.values import Correction, TimerName
from aduan_sla.domain.case import SlaCase
from aduan_sla.domain.policy import Rulebook
from aduan_sla.domain.telling import Notice, Told, audience

_TIMERS: Final[dict[str, TimerName]] = {
    "auto_close": "auto_close",
    "reply_timeout": "reply_timeout",
    "debt": "debt_due",
}


def scheduled(case: SlaCase, cause: str, undone: tuple[Told, ...] = ()) -> Emit:
    """Return sla.scheduled: all clocks of the case. cause: the id of what changed them."""
    corrects = tuple(
        Correction.model_validate(
            {"clock": one.clock, "instance": one.number, "due_at": one.due_at}
        )
        for one in undone
        if one.level == 0
    )
    data = SlaScheduled(clocks=case.clocks, nearest=case.nearest, cause=cause, corrects=corrects)
    return Emit("sla.scheduled", data)


def emit(
    notice: Notice,
    case_id: str,
    case: SlaCase,
    rules: Rulebook,
    now: datetime,
    *,
    provisional: bool,
) -> Emit:
    """Return the event of one notice. Its id says what it says, so a repeat has the same one.

    It occurred when the notice became due; now is when that was found out.
    """
    mark: object = notice.level
    data: BaseModel
    if notice.kind == "warn":
        topic, mark = "sla.warned", notice.clock.policy.warn_share
        data = SlaWarned.model_validate({**_common(notice, case, rules), "share": mark})
    elif notice.kind == "breach":
        topic = "sla.breached"
        found = {"detected_at": now, "level": notice.level, "provisional": provisional}
        data = SlaBreached.model_validate({**_common(notice, case, rules), **found})
    else:
        topic = "sla.elapsed"
        data = SlaElapsed(
            timer=_TIMERS[notice.clock.name],
            instance=notice.clock.number,
            started_at=notice.clock.started_at,
            due_at=notice.due_at,
        )
    clock = notice.clock
    id = derived_id(case_id, topic, clock.name, clock.number, mark, iso(notice.due_at))
    return Emit(topic, data, event_id=id, occurred_at=notice.at)


def _common(notice: Notice, case: SlaCase, rules: Rulebook) -> dict[str, object]:
    policy = notice.clock.policy
    return {
        "clock": notice.clock.name,
        "instance": notice.clock.number,
        "policy": policy.id,
        "policy_version": policy.version,
        "legal_basis": policy.legal_basis,
        "due_at": notice.due_at,
        "audience": audience(notice.clock, case.state, case.opd, notice.level, rules),
        "opd": case.opd,
        "area": case.area,
        "report_class": case.report_class,
        "state": None if case.last is None else case.last.state,
    }
