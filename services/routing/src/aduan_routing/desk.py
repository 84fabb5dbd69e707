"""The desk: what officers may see and do with the cases, whether by API or by page."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import structlog

from aduan.cases import Cases
from aduan.clock import Clock
from aduan.contracts.envelope import Reaction
from aduan.storage.port import Body, Page
from aduan.ticket import NotATicket, read_ticket
from aduan.web.etags import must_match
from aduan.web.idempotency import storage_key
from aduan.web.keys import Principal
from aduan.web.problems import Problem
from aduan_routing.domain.case import EVIDENCE
from aduan_routing.domain.commands import Given, command
from aduan_routing.domain.lifecycle import LIFECYCLE
from aduan_routing.domain.rules import RuleBook, Rules
from aduan_routing.domain.telling import Who
from aduan_routing.domain.words import read
from aduan_routing.metrics import Metrics

KEYS_KEPT: Final = 200  # idempotency keys per case; the oldest go first

audit: Final = structlog.get_logger("aduan.audit")


@dataclass(frozen=True, slots=True)
class Seen:
    """A case that the asker may see."""

    id: str
    body: Body


@dataclass(frozen=True, slots=True)
class Asked:
    """A command as it came. key: the Idempotency-Key; print: a fingerprint of the body."""

    action: str
    fields: Mapping[str, Any]
    key: str | None = None
    print: str = ""
    headers: Mapping[str, str] | None = None


class Desk:
    """Sees and acts with the rights of one principal at a time."""

    def __init__(self, *, cases: Cases, clock: Clock, rules: RuleBook, metrics: Metrics) -> None:
        self.cases = cases
        self.store = cases.store
        self.clock = clock
        self.metrics = metrics
        self._rules = rules

    def rules(self, tenant: str) -> Rules:
        """Return a tenant's rules. Raises not_found for a key of another installation's tenant."""
        if tenant not in self._rules:
            raise Problem("not_found")
        return self._rules[tenant]

    async def page(
        self,
        who: Principal,
        *,
        state: str | None,
        opd: str | None,
        after: tuple[str | int, ...] | None = None,
        limit: int = 100,
    ) -> Page:
        """Return cases by their nearest deadline. An office's key sees its own, by the query itself.

        Raises not_yours where an office asks for another's.
        """
        if who.opd is not None and opd not in (None, who.opd):
            raise Problem("not_yours")
        unit = who.opd or opd
        if unit is None:
            index = "due" if state is None else "state"
        else:
            index = "opd" if state is None else "opd_state"
        equal = tuple(part for part in (who.tenant, unit, state) if part is not None)
        return await self.cases.find(index, equal=equal, after=after, limit=limit)

    async def see(self, who: Principal, text: str) -> Seen:
        """Return a case by id or ticket. Raises not_found also for a case of somebody else."""
        found = await self.cases.get(text)
        if found is not None:
            return _visible(who, text, found)
        try:
            ticket = read_ticket(text)
        except NotATicket:
            raise Problem("not_found") from None
        named = await self.cases.get_by_key(f"ticket:{who.tenant}:{ticket}")
        if named is None:
            raise Problem("not_found")
        return _visible(who, *named)

    async def act(self, who: Principal, text: str, asked: Asked) -> tuple[Seen, bool]:
        """Run a command; return the case after it, and whether it repeated an earlier call.

        Raises scope_missing, not_yours, not_found, transition_not_allowed, invalid,
        unknown_reference, idempotency_key_reused, precondition_failed.
        """
        actor = actor_for(who, asked.action)
        seen = await self.see(who, text)
        rules = self.rules(who.tenant)
        given = Given(
            asked.fields, await self._evidence(seen.id, asked.fields.get("evidence") or ())
        )
        place = storage_key(who.opd or "coordinator", asked.action, asked.key or "")
        replayed = False

        def run(body: Body | None, now: datetime) -> Reaction:
            nonlocal replayed
            if body is None:
                raise Problem("not_found")
            replayed = False
            if asked.key is not None and place in body["idempotency"]:
                # The right to the case may have gone since; a repeat tells nothing new to its own.
                _visible(who, seen.id, body)
                if body["idempotency"][place] != asked.print:
                    raise Problem("idempotency_key_reused")
                replayed = True
                return Reaction()
            _visible(who, seen.id, body)
            must_match(asked.headers or {}, body["revision"])
            reaction = command(body, asked.action, given, actor, now, rules)
            if asked.key is None:
                return reaction
            kept = [*body["idempotency"].items(), (place, asked.print)][-KEYS_KEPT:]
            return Reaction({**(reaction.body or body), "idempotency": dict(kept)}, reaction.emit)

        try:
            outcome = await self.cases.command(seen.id, run, tenant=who.tenant)
        except Problem:
            self.metrics.commands.add(action=asked.action, outcome="refused")
            raise
        self.metrics.commands.add(
            action=asked.action, outcome="done" if outcome.changed else "already"
        )
        if outcome.changed:
            audit.info("case.acted", case_id=seen.id, action=asked.action, by=who.key_id)
        document = outcome.document
        assert document is not None, "the command saw it"
        assert document.body is not None, "the command saw it"
        return Seen(seen.id, document.body), replayed

    def words(self, who: Principal, seen: Seen, purpose: str) -> Mapping[str, str]:
        """Return every text of a case; of a confidential one only with content:read, and audited."""
        body = seen.body
        if body["confidential"]:
            who.need("content:read")
            audit.info("content.opened", case_id=seen.id, purpose=purpose, by=who.key_id)
        return read(body, self.rules(body["tenant"]).vault)

    async def _evidence(self, id: str, wanted: Any) -> dict[str, Mapping[str, Any]]:
        found: dict[str, Mapping[str, Any]] = {}
        for proof in wanted:
            document = await self.store.get(EVIDENCE, proof)
            if document is not None and document.body is not None and document.body["case"] == id:
                found[proof] = {"id": proof, "sha256": document.body["sha256"]}
        return found


def _visible(who: Principal, id: str, body: Body) -> Seen:
    # A trial of a portal is never sent to an office.
    # One of oversight is not for the office that it may be about.
    theirs = body["opd"] == who.opd and not body["test"] and not body["withheld"]
    own = who.opd is None or theirs
    if body["tenant"] != who.tenant or not own:
        raise Problem("not_found")
    return Seen(id, body)


def actor_for(who: Principal, action: str) -> Who:
    """Return as whom a key acts. Raises scope_missing, or not_yours for a key without an office."""
    by = {step.by for step in LIFECYCLE if step.action == action}
    if "office" in by and (who.opd is not None or "coordinator" not in by):
        who.need("cases:act")
        if who.opd is None:
            raise Problem("not_yours", "Only the key of an office may do this.")
        return Who("office", who.opd, who.key_id)
    who.need("cases:coordinate")
    return Who("coordinator", None, who.key_id)
