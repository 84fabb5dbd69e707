"""The same figures from sla's own documents: the official ones, and what the stream is checked against.

A document of sla knows no kind of matter, and of oversight only the class: by `all` and by unit the
two agree for every case that both have heard to its end.
"""

from collections.abc import Iterable, Sequence

from aduan.contracts.values import State
from aduan.storage.port import Body
from aduan_sla.domain.case import from_body
from aduan_sla.domain.facts import Fact
from aduan_sla.domain.statistics.facts import Answered, CaseFacts, Clocks, Opened, Shown
from aduan_sla.domain.statistics.reading import OVERSIGHT_CLASS, RESPONSES, ClockView, decided


def facts_in(body: Body) -> CaseFacts:
    """Return what a document of sla says of its case."""
    case = from_body(body)
    oversight = case.report_class == OVERSIGHT_CLASS
    last = case.last
    responses = [fact.at for fact in case.facts if fact.state in RESPONSES]
    views = (ClockView.model_validate(view, from_attributes=True) for view in case.clocks)
    return CaseFacts(
        tenant=case.tenant,
        opened=Opened(case.opening.received_at, oversight),
        shown=None if last is None else _shown(last, oversight=oversight, area=case.area),
        responded_at=min(responses, default=None),
        answered=_answered(case.facts),
        clocks=Clocks(0, decided(views)),
    )


def _shown(last: Fact, *, oversight: bool, area: str | None) -> Shown:
    state: State = last.state  # type: ignore[assignment]  # a fact holds a state of routing
    return Shown(last.seq, state, oversight=oversight, opd=last.opd, area=area)


def _answered(facts: Sequence[Fact]) -> Answered | None:
    entries = [
        fact
        for before, fact in _with_before(facts)
        if fact.state == "answered" and (before is None or before.state != "answered")
    ]
    return Answered(entries[-1].seq, entries[-1].at) if entries else None


def _with_before(facts: Sequence[Fact]) -> Iterable[tuple[Fact | None, Fact]]:
    return zip((None, *facts), facts, strict=False)
