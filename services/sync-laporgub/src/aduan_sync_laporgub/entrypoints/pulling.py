"""Fetches what a partner says about one ticket and takes it over."""

import random
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from aduan.cases import Cases
from aduan.clock import Clock, iso
from aduan.contracts.envelope import Reaction
from aduan.contracts.events import MirrorChanged
from aduan.observability.spans import work
from aduan.privacy.scrub import scrub
from aduan.storage.port import Body
from aduan_sync_laporgub.breaker import Breaker
from aduan_sync_laporgub.domain import inward, jobs
from aduan_sync_laporgub.domain.case import AT_ONCE, Link, read, tell
from aduan_sync_laporgub.domain.remote import RemoteState
from aduan_sync_laporgub.domain.words import UNKNOWN, Words
from aduan_sync_laporgub.entrypoints.calling import FAILURES, SERVICE, Timing
from aduan_sync_laporgub.metrics import Metrics
from aduan_sync_laporgub.ports import Partner, PartnerDown, PartnerRefused, PartnerUnsure

log = structlog.get_logger("aduan.sync")


@dataclass(frozen=True, slots=True)
class Puller:
    """Looks after the tickets of one partner."""

    partner: Partner
    words: Words
    cases: Cases
    clock: Clock
    breaker: Breaker
    metrics: Metrics
    timing: Timing
    seal: inward.Seal

    async def do(self, case_id: str) -> None:
        """Fetch and take over, if it is due and nobody else does. Raises Busy."""
        system = self.partner.system
        wall = self.clock.wall()
        until = iso(wall + self.timing.lease)

        def take(body: Body | None, _now: datetime) -> Reaction:
            if body is None:
                return Reaction()
            case = read(body)
            link = case.links.get(system)
            if link is None or link.next_pull_at is None or link.next_pull_at > iso(wall):
                return Reaction()
            link = link.model_copy(
                update={"next_pull_at": until, "pull_tries": link.pull_tries + 1}
            )
            return Reaction(body=case.with_link(system, link).body())

        taken = await self.cases.command(case_id, take)
        if not taken.changed or taken.document is None or taken.document.body is None:
            return
        link = read(taken.document.body).links[system]
        # What the partner did is no consequence of the complaint: a trace of its own.
        with work(
            "partner.pull", service=SERVICE, begins=True, case_id=case_id, peer=system
        ) as told:
            told.outcome = await self._pull(case_id, link, wall)
            told.failed = FAILURES.get(told.outcome)
            self.metrics.calls.add(system=system, kind="pull", outcome=told.outcome)

    async def _pull(self, case_id: str, link: Link, wall: datetime) -> str:
        system = self.partner.system
        try:
            remote = await self.partner.read(link.remote_ticket)
        except (PartnerDown, PartnerUnsure) as error:
            self.breaker.failed()
            log.warning("partner.no_answer", system=system, kind="pull", reason=str(error))
            wait = jobs.back_off(link.pull_tries, random.random())  # noqa: S311 - spreads retries
            await self._again(case_id, iso(wall + wait))
            return "down" if isinstance(error, PartnerDown) else "unsure"
        except PartnerRefused as error:
            self.breaker.worked()
            await self._give_up(case_id, error.code)
            return "refused"
        self.breaker.worked()
        await self._take_over(case_id, _scrubbed(remote), wrote=link.wrote)
        return "done"

    async def _take_over(
        self, case_id: str, remote: RemoteState, *, wrote: tuple[str, ...]
    ) -> None:
        """Take over what was read. wrote: what we had written there before we read."""
        system = self.partner.system
        wall = self.clock.wall()
        recheck = self.timing.recheck
        again = iso(wall + recheck) if recheck is not None else None

        told: list[MirrorChanged] = []

        def take_over(body: Body | None, now: datetime) -> Reaction:
            told.clear()
            if body is None:
                return Reaction()
            case = read(body)
            link = case.links[system]
            if link.wrote != wrote:
                # We wrote while we were reading: what was read is old, look again.
                link = link.model_copy(update={"next_pull_at": AT_ONCE})
                return Reaction(body=case.with_link(system, link).body())
            # A change that was announced while we were reading asks for another look.
            asked = link.next_pull_at == AT_ONCE
            case, emits = inward.take_over(
                case,
                system,
                remote,
                self.words,
                seal=self.seal,
                now=now,
                wall=wall,
                next_pull_at=AT_ONCE if asked else again,
            )
            told.extend(emit.data for emit in emits if isinstance(emit.data, MirrorChanged))
            return Reaction(body=case.body(), emit=emits)

        await self.cases.command(case_id, take_over)
        for news in told:
            self.metrics.news.add(system=system, kind=news.kind)
            if news.reason_code == UNKNOWN:
                self.metrics.unknown_words.add(system=system)
                log.error("partner.unknown_word", system=system, raw_status=news.raw_status)

    async def _again(self, case_id: str, at: str) -> None:
        system = self.partner.system

        def again(body: Body | None, _now: datetime) -> Reaction:
            if body is None:
                return Reaction()
            case = read(body)
            link = case.links[system]
            if link.next_pull_at == AT_ONCE:
                return Reaction()
            link = link.model_copy(update={"next_pull_at": at})
            return Reaction(body=case.with_link(system, link).body())

        await self.cases.command(case_id, again)

    async def _give_up(self, case_id: str, code: str) -> None:
        system = self.partner.system

        def stop(body: Body | None, _now: datetime) -> Reaction:
            if body is None:
                return Reaction()
            case = read(body)
            link = case.links[system].model_copy(update={"next_pull_at": None})
            case = case.with_link(system, link)
            return Reaction(
                body=case.body(), emit=(tell(case, "failed", system=system, reason_code=code),)
            )

        await self.cases.command(case_id, stop)


def _scrubbed(remote: RemoteState) -> RemoteState:
    entries = tuple(replace(entry, text=scrub(entry.text).text) for entry in remote.entries)
    return replace(remote, entries=entries)
