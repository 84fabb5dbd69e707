"""Takes due rows of the ledger and brings their letters to the provider, each decided once.

Order of one letter: find out where it goes, open a line to the provider, write `sending` durably,
hand it over, write the answer. A process that dies in between leaves `sending`; after the lease the
next try is written down as a possible repeat before it is made, with the same Message-ID.
"""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Final

import structlog

from aduan import failpoints
from aduan.cases import Cases
from aduan.clock import Clock, iso
from aduan.contracts.envelope import NOTHING, Reaction
from aduan.contracts.topics import PARTITIONS
from aduan.errors import Busy
from aduan.storage.port import Body
from aduan_notify.adapters.directory import Directory
from aduan_notify.domain import ledger, sending
from aduan_notify.domain.address import is_address, masked
from aduan_notify.domain.ledger import Decision, Row
from aduan_notify.entrypoints.pace import Pace
from aduan_notify.entrypoints.recipients import Recipients, Unsendable
from aduan_notify.metrics import Metrics
from aduan_notify.ports import Answer, ContactsAway, Letter, Line, MailAway, Mailer

PER_PARTITION: Final = 50

log = structlog.get_logger("aduan_notify.postman")


class Postman:
    """The one worker of notify. `run` ends only by cancellation or a bug."""

    def __init__(
        self,
        *,
        cases: Cases,
        clock: Clock,
        directories: Mapping[str, Directory],
        recipients: Recipients,
        mailer: Mailer,
        metrics: Metrics,
        pace: Pace,
        public_url: str,
    ) -> None:
        self._cases = cases
        self._clock = clock
        self._directories = directories
        self._recipients = recipients
        self._mailer = mailer
        self._metrics = metrics
        self._pace = pace
        self._public_url = public_url

    async def run(self) -> None:
        """Look, deliver, rest; longer and longer while the provider or the store is away."""
        failures = 0
        while True:
            try:
                done = await self.round()
                failures = 0
            except (MailAway, Busy) as error:
                failures += 1
                done = 0
                log.warning("postman.waits", error=type(error).__name__, failures=failures)
            if not done:
                await asyncio.sleep(self._pace.pause_seconds(failures))

    async def round(self) -> int:
        """Attend to every case that has a letter due; return how many. Raises MailAway, Busy."""
        due = await self._due()
        self._metrics.due.set(len(due))
        queue = deque(due)
        trouble: list[MailAway | Busy] = []

        async def walk() -> None:
            while queue and not trouble:
                try:
                    await self._attend(queue.popleft())
                except (MailAway, Busy) as error:
                    trouble.append(error)

        async with asyncio.TaskGroup() as tasks:
            for _ in range(min(self._pace.concurrency, len(queue))):
                tasks.create_task(walk())
        if trouble:
            raise trouble[0]
        return len(due)

    async def _due(self) -> Sequence[str]:
        found: list[str] = []
        for partition in range(PARTITIONS):
            page = await self._cases.find(
                "due", equal=(partition,), high=iso(self._clock.wall()), limit=PER_PARTITION
            )
            found += [document.id for document in page.documents]
        return found

    async def _attend(self, id: str) -> None:
        body = await self._cases.get(id)
        if body is None:
            return  # its retention ended meanwhile
        for row in sending.due_rows(body, self._clock.wall()):
            await self._bring(id, body, row)

    async def _bring(self, id: str, body: Body, row: Row) -> None:
        directory = self._directories.get(body["tenant"])
        if directory is None:
            await self._settle(id, row, "skipped", "no_address")
            return
        try:
            to = await self._recipients.of(id, body, row, directory)
        except Unsendable as why:
            await self._settle(id, row, "skipped", why.reason)
            return
        except ContactsAway as error:
            self._metrics.away.add(what="contacts")
            log.warning("postman.contacts_away", error=str(error))
            await self._postpone(id, row, "contacts_away")
            return
        if not all(is_address(address) for address in to):
            await self._settle(id, row, "failed", "bad_address")
            return
        try:
            async with self._mailer.line() as line:
                call = asyncio.ensure_future(self._call(id, body, row, directory, line, to))
                try:
                    await asyncio.shield(call)
                except asyncio.CancelledError:
                    # A clean stop lets the call end, so that only a crash can leave a doubt.
                    await call
                    raise
        except MailAway:
            self._metrics.away.add(what="mail")
            raise

    async def _call(
        self,
        id: str,
        body: Body,
        row: Row,
        directory: Directory,
        line: Line,
        to: Sequence[str],
    ) -> None:
        claimed = await self._claim(id, body, row)
        if claimed is None:
            return  # another worker was faster, or the case changed
        letter = self._letter(claimed, row["id"], directory)
        began = self._clock.monotonic()
        answer = await line.send(letter, to)
        self._metrics.provider.observe(self._clock.monotonic() - began)
        if answer.kind in ("accepted", "accepted_partly"):
            failpoints.hit("notify.after_provider_ok")
        await self._note(id, ledger.row_of(claimed, row["id"]), answer, to)

    async def _claim(self, id: str, seen: Body, row: Row) -> Body | None:
        """Write `sending`; None where the row may not go out any more, not there, or not by us.

        seen: the case from which the recipients were taken.
        """
        claimed: list[Body | None] = [None]

        def take(body: Body | None, now: datetime) -> Reaction:
            claimed[0] = None
            if body is None or self._recipients.refusal(body, row) is not None:
                return NOTHING  # the next look says why
            if row["unit"] is None and body["opd"] != seen["opd"]:
                return NOTHING  # it would go to the office that had the case before
            changed = sending.claim(body, row["id"], now, self._clock.wall(), self._pace.lease)
            claimed[0] = changed
            return NOTHING if changed is None else Reaction(body=changed)

        await self._cases.command(id, take)
        found = claimed[0]
        if found is not None and ledger.row_of(found, row["id"])["repeats"] > row["repeats"]:
            self._metrics.possible_repeats.add()
        return found

    def _letter(self, body: Body, row_id: str, directory: Directory) -> Letter:
        row = ledger.row_of(body, row_id)
        subject, text = directory.write(
            body, row, public_url=self._public_url, now=self._clock.now()
        )
        return Letter(f"{row_id}@{directory.message_domain}", directory.sender, subject, text)

    async def _note(self, id: str, row: Row, answer: Answer, to: Sequence[str]) -> None:
        shown = [masked(address) for address in to]
        if answer.kind in ("accepted", "accepted_partly"):
            await self._settle(id, row, "delivered", answer.kind, to=shown, code=answer.code)
        elif answer.kind == "refused":
            await self._settle(id, row, "failed", "refused", to=shown, code=answer.code)
        elif sending.tried_for(row, self._clock.wall()) > self._pace.give_up_after:
            await self._settle(id, row, "failed", "gave_up", to=shown, code=answer.code)
        else:
            reason = "deferred" if answer.kind == "deferred" else "outcome_unknown"
            await self._postpone(id, row, reason, code=answer.code)

    async def _settle(
        self,
        id: str,
        row: Row,
        decision: Decision,
        reason: str,
        *,
        to: Sequence[str] = (),
        code: int | None = None,
    ) -> None:
        change = partial(sending.settle, decision=decision, reason=reason, to=to, code=code)

        def decide(body: Body | None, now: datetime) -> Reaction:
            return NOTHING if body is None else Reaction(body=change(body, row["id"], now=now))

        outcome = await self._cases.command(id, decide)
        if outcome.changed:
            self._metrics.deliveries.add(reason=reason)

    async def _postpone(self, id: str, row: Row, reason: str, *, code: int | None = None) -> None:
        # Asking intake again costs a write per letter, so it starts with a longer rest.
        tries = max(row["tries"], 3) if reason == "contacts_away" else row["tries"]
        again_at = self._clock.wall() + self._pace.again_after(tries)

        def decide(body: Body | None, now: datetime) -> Reaction:
            if body is None:
                return NOTHING
            waiting = sending.postpone(body, row["id"], reason, now, again_at, code=code)
            return Reaction(body=waiting)

        outcome = await self._cases.command(id, decide)
        if outcome.changed:
            self._metrics.deliveries.add(reason=reason)
