"""Does one job: claim it, look where in doubt, call the partner, record what came of it."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

import structlog

from aduan import failpoints
from aduan.cases import Cases
from aduan.clock import Clock, iso, parse_iso
from aduan.contracts.envelope import Reaction
from aduan.observability.spans import work
from aduan.privacy.scrub import scrub
from aduan.storage.port import Body
from aduan_sync_laporgub.breaker import Breaker
from aduan_sync_laporgub.domain import decide, jobs
from aduan_sync_laporgub.domain.case import AT_ONCE, Job, MirrorCase, read
from aduan_sync_laporgub.domain.outward import CONFIDENTIAL_SENTENCE
from aduan_sync_laporgub.domain.remote import OutboundEntry, OutboundReport
from aduan_sync_laporgub.domain.words import Words
from aduan_sync_laporgub.metrics import Metrics
from aduan_sync_laporgub.ports import (
    ContentGone,
    Intake,
    IntakeAway,
    Partner,
    PartnerDown,
    PartnerRefused,
    PartnerUnsure,
)

TITLE_LENGTH: Final = 80
Outcome = Literal["done", "found", "down", "unsure", "refused", "held", "waiting"]
SERVICE: Final = "sync-laporgub"
FAILURES: Final = {
    "down": "PartnerDown",
    "unsure": "PartnerUnsure",
    "refused": "PartnerRefused",
    "waiting": "IntakeAway",
}
"""What a trace calls the end of a job that did not come off."""

log = structlog.get_logger("aduan.sync")


@dataclass(frozen=True, slots=True)
class Timing:
    """Real times.

    lease: longer than any job's calls together. doubt: how long a partner may still be storing what
    it did not answer. recheck: None where a feed tells of changes.
    """

    lease: timedelta
    doubt: timedelta
    recheck: timedelta | None


class _MustHold(Exception):
    """The case has become confidential since; nothing of it may be submitted."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Does the jobs of one partner."""

    partner: Partner
    words: Words
    cases: Cases
    intake: Intake
    clock: Clock
    breaker: Breaker
    metrics: Metrics
    timing: Timing

    async def do(self, case_id: str) -> None:
        """Do the head job of a case, if it is due and nobody else has it. Raises Busy."""
        system = self.partner.system
        wall = self.clock.wall()

        def take(body: Body | None, _now: datetime) -> Reaction:
            claimed = body and jobs.claim(read(body), system, wall=wall, lease=self.timing.lease)
            return Reaction(body=claimed.body()) if claimed else Reaction()

        taken = await self.cases.command(case_id, take)
        if not taken.changed or taken.document is None or taken.document.body is None:
            return
        case = read(taken.document.body)
        job = case.head(system)
        if job is None:
            return
        with work(
            f"partner.{job.kind}",
            service=SERVICE,
            cause=job.why.traceparent,
            case_id=case_id,
            peer=system,
        ) as told:
            outcome = await self._attempt(case, job)
            told.outcome = outcome
            told.failed = FAILURES.get(outcome)
        self.metrics.calls.add(system=system, kind=job.kind, outcome=outcome)

    async def _attempt(self, case: MirrorCase, job: Job) -> Outcome:
        try:
            if job.kind == "submit":
                outcome, result = await self._submit(case, job)
            else:
                outcome, result = await self._push(case, job)
        except (PartnerDown, PartnerUnsure) as error:
            self.breaker.failed()
            stored = False if isinstance(error, PartnerDown) else None
            log.warning("partner.no_answer", system=job.system, kind=job.kind, reason=str(error))
            await self._put_back(case.id, job, stored=stored)
            return "down" if stored is False else "unsure"
        except IntakeAway:
            await self._put_back(case.id, job, stored=False)
            return "waiting"
        except ContentGone:
            await self._refused(case.id, job, "content_gone")
            return "refused"
        except PartnerRefused as error:
            self.breaker.worked()
            log.warning("partner.refused", system=job.system, kind=job.kind, reason=error.code)
            await self._refused(case.id, job, error.code)
            return "refused"
        except _MustHold:
            await self._hold(case.id, job)
            return "held"
        self.breaker.worked()
        failpoints.hit("sync.after_remote")
        await self._done(case.id, job, result, found=outcome == "found")
        return outcome

    async def _submit(self, case: MirrorCase, job: Job) -> tuple[Outcome, str]:
        if job.look_first:
            # An earlier try may have stored it, whatever became of its answer.
            tickets = await self._look(job)
            if tickets:
                self.metrics.surplus_tickets.add(len(tickets) - 1, system=job.system)
                return "found", tickets[0]
        if decide.must_hold(case, self.words):
            raise _MustHold
        report = case.report
        text = report.text
        if text is None:
            text = scrub(await self.intake.content(report.content_ref or "")).text
        outbound = OutboundReport(
            ref=job.ref,
            tenant=case.tenant,
            title=report.title or text.split("\n", 1)[0][:TITLE_LENGTH],
            text=text,
            place=report.place,
            occurred_on=report.occurred_on,
            category=case.category,
            report_class=case.report_class,
            anonymous=case.anonymous,
            secret=case.confidential,
        )
        return "done", await self.partner.submit(outbound)

    async def _look(self, job: Job) -> tuple[str, ...]:
        try:
            return await self.partner.find(job.ref, since=parse_iso(job.created_at))
        except PartnerRefused as error:
            # A refused look says nothing about the submission: still in doubt.
            raise PartnerUnsure(f"looking was refused: {error.code}") from error

    async def _push(self, case: MirrorCase, job: Job) -> tuple[Outcome, str]:
        link = case.links.get(job.system)
        if link is None:
            raise PartnerRefused("remote_gone")
        if job.look_first:
            key = await self.partner.find_entry(link.remote_ticket, job.ref)
            if key is not None:
                return "found", key
        entry = OutboundEntry(
            ref=job.ref,
            tenant=case.tenant,
            ticket=link.remote_ticket,
            title=job.title,
            text=job.text or CONFIDENTIAL_SENTENCE,
            status=job.status,
            secret=case.confidential,
        )
        return "done", await self.partner.push(entry)

    async def _done(self, id: str, job: Job, result: str, *, found: bool) -> None:
        recheck = self.timing.recheck
        pull_at = AT_ONCE if found or recheck is None else iso(self.clock.wall() + recheck)

        def record(body: Body | None, now: datetime) -> Reaction:
            if body is None:
                return Reaction()
            case = read(body)
            if job.kind == "push":
                return Reaction(body=jobs.pushed(case, job.ref, result).body())
            case, emits = jobs.linked(case, job.system, result, now=now, next_pull_at=pull_at)
            return Reaction(body=case.body(), emit=emits)

        await self.cases.command(id, record, cause=job.why)

    async def _put_back(self, id: str, job: Job, *, stored: bool | None) -> None:
        wall = self.clock.wall()
        jitter = random.random()  # noqa: S311 - spreads retries, guards nothing

        def back(body: Body | None, _now: datetime) -> Reaction:
            if body is None:
                return Reaction()
            case, emits = jobs.put_back(
                read(body),
                job.ref,
                stored=stored,
                wall=wall,
                jitter=jitter,
                doubt=self.timing.doubt,
            )
            return Reaction(body=case.body(), emit=emits)

        await self.cases.command(id, back, cause=job.why)

    async def _refused(self, id: str, job: Job, code: str) -> None:
        def give_up(body: Body | None, now: datetime) -> Reaction:
            if body is None:
                return Reaction()
            case, emits = jobs.refused(read(body), job.ref, code, now=now)
            return Reaction(body=case.body(), emit=emits)

        await self.cases.command(id, give_up, cause=job.why)

    async def _hold(self, id: str, job: Job) -> None:
        def hold(body: Body | None, now: datetime) -> Reaction:
            if body is None:
                return Reaction()
            case, emits = jobs.held_back(
                read(body), job.system, "confidential_unsupported", now=now
            )
            return Reaction(body=case.body(), emit=emits)

        await self.cases.command(id, hold, cause=job.why)
