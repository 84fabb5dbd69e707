"""Takes due rows of the ledger and brings their letters to the provider, each decided once.

Order of one letter: find out where it goes, open a line to the provider, write `sending` durably,
hand it over, write the answer. A process that dies in between leaves `sending`; after the lease the
next try is written down as a possible repeat before it is made, with the same Message-ID.

A case's letters go out one after another, on one line as long as it is good: the answer to one and
the claim of the next are one write, so a case never has two letters in doubt. Cases go side by side.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Final

import structlog

from aduan import failpoints
from aduan.cases import Cases
from aduan.clock import Clock, iso
from aduan.contracts.envelope import NOTHING, Reaction
from aduan.contracts.values import CANARY_TENANT
from aduan.errors import Busy
from aduan.messaging.partition import Partitions, every_partition
from aduan.observability.spans import work
from aduan.storage.port import Body, Document
from aduan_notify.adapters.directory import Directory
from aduan_notify.domain import ledger, sending
from aduan_notify.domain.address import is_address, masked
from aduan_notify.domain.ledger import Decision, Row
from aduan_notify.entrypoints.pace import Pace
from aduan_notify.entrypoints.recipients import Recipients, Unsendable
from aduan_notify.metrics import Metrics
from aduan_notify.ports import Answer, ContactsAway, Letter, Line, MailAway, Mailer

PER_PARTITION: Final = 50
# So long that a case costs little, so short that addresses are still those of the sending.
PER_TURN: Final = 20

FAILURES: Final = {"deferred": "Deferred", "refused": "Refused", "unknown": "OutcomeUnknown"}
"""What a trace calls an answer of the provider that is none of success."""

log = structlog.get_logger("aduan_notify.postman")


@dataclass(frozen=True, slots=True)
class _Mark:
    """What became of a row, to be written. change: pure; None where the row was decided before."""

    reason: str
    change: Callable[[Body, datetime], Body | None]


@dataclass(slots=True)
class _Turn:
    """One case while its letters go out. marks: what is known and not written yet."""

    id: str
    body: Body
    directory: Directory
    letters: deque[tuple[Row, Sequence[str]]] = field(default_factory=deque)
    marks: list[_Mark] = field(default_factory=list)


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
        echo: Mailer,
        metrics: Metrics,
        pace: Pace,
        public_url: str,
        partitions: Partitions = every_partition,
    ) -> None:
        """echo: takes the letters about canaries, instead of the provider."""
        self._cases = cases
        self._clock = clock
        self._directories = directories
        self._recipients = recipients
        self._mailer = mailer
        self._echo = echo
        self._metrics = metrics
        self._pace = pace
        self._public_url = public_url
        self._partitions = partitions

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
        self._metrics.due.set(sum(document.tenant != CANARY_TENANT for document in due))
        queue = deque(document.id for document in due)
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

    async def _due(self) -> Sequence[Document]:
        found: list[Document] = []
        wall = iso(self._clock.wall())
        for partition in await self._cases.partitions_due("due", self._partitions(), high=wall):
            page = await self._cases.find("due", equal=(partition,), high=wall, limit=PER_PARTITION)
            found += page.documents
        return found

    async def _attend(self, id: str) -> None:
        body = await self._cases.get(id)
        if body is None:
            return  # its retention ended meanwhile
        rows = sending.due_rows(body, self._clock.wall())[:PER_TURN]
        directory = self._directories.get(body["tenant"])
        if directory is None:
            await self._write(id, [_settled(row, "skipped", "no_address") for row in rows])
            return
        turn = _Turn(id, body, directory)
        await self._address(turn, rows)
        if turn.letters:
            call = asyncio.ensure_future(self._bring(turn))
            try:
                await asyncio.shield(call)
            except asyncio.CancelledError:
                # A clean stop lets the letter in hand end, so that only a crash can leave a doubt.
                turn.letters.clear()
                await call
                raise
        elif turn.marks:
            await self._write(id, turn.marks)

    async def _address(self, turn: _Turn, rows: Sequence[Row]) -> None:
        """Find out where each letter goes, and mark those that go nowhere now."""
        asked = self._recipients.asking(turn.id)
        for row in rows:
            try:
                with _of(row, turn.id, "letter.address"):
                    to = await asked.of(turn.body, row, turn.directory)
            except Unsendable as why:
                turn.marks.append(_settled(row, "skipped", why.reason))
            except ContactsAway as error:
                self._metrics.away.add(what="contacts")
                log.warning("postman.contacts_away", error=str(error))
                turn.marks.append(self._postponed(row, "contacts_away"))
            else:
                if all(is_address(address) for address in to):
                    turn.letters.append((row, to))
                else:
                    turn.marks.append(_settled(row, "failed", "bad_address"))

    async def _bring(self, turn: _Turn) -> None:
        """Hand over the letters of a turn, one after another. Raises MailAway, Busy."""
        try:
            while turn.letters:
                async with self._provider_of(turn.body).line() as line:
                    # A stop takes the letters back, perhaps while the line was being made.
                    while turn.letters:
                        await self._hand_over(turn, line, *turn.letters.popleft())
                        if not line.is_clean:
                            break
                    # Another line may take its time, and nothing is in doubt longer than it must.
                    await self._flush(turn)
        except MailAway:
            self._metrics.away.add(what="mail")
            raise

    def _provider_of(self, body: Body) -> Mailer:
        return self._echo if body["tenant"] == CANARY_TENANT else self._mailer

    async def _flush(self, turn: _Turn) -> None:
        marks, turn.marks = turn.marks, []
        if marks:
            await self._write(turn.id, marks)

    async def _hand_over(self, turn: _Turn, line: Line, row: Row, to: Sequence[str]) -> None:
        marks, turn.marks = turn.marks, []
        claimed = await self._write(turn.id, marks, partial(self._claim, seen=turn.body, row=row))
        if claimed is None:
            return  # another worker was faster, or the case changed
        now = ledger.row_of(claimed, row["id"])
        if now["repeats"] > row["repeats"]:
            self._metrics.possible_repeats.add()
        letter = self._letter(claimed, now, turn.directory)
        began = self._clock.monotonic()
        with _of(row, turn.id, "letter.send") as told:
            answer = await line.send(letter, to)
            told.outcome = answer.kind
            told.failed = FAILURES.get(answer.kind)
        if claimed["tenant"] != CANARY_TENANT:
            self._metrics.provider.observe(self._clock.monotonic() - began)
        if answer.kind in ("accepted", "accepted_partly"):
            failpoints.hit("notify.after_provider_ok")
        turn.marks.append(self._answered(now, answer, to))

    async def _write(
        self,
        id: str,
        marks: Sequence[_Mark],
        claim: Callable[[Body, datetime], Body | None] | None = None,
    ) -> Body | None:
        """Write what became of rows and claim another one, together; None where it was not claimed."""
        counted: list[str] = []
        claimed: list[Body | None] = [None]

        def decide(body: Body | None, now: datetime) -> Reaction:
            counted.clear()
            claimed[0] = None
            if body is None:
                return NOTHING
            after = body
            for mark in marks:
                if (marked := mark.change(after, now)) is not None:
                    after = marked
                    if body["tenant"] != CANARY_TENANT:
                        counted.append(mark.reason)
            if claim is not None and (taken := claim(after, now)) is not None:
                claimed[0] = after = taken
            return NOTHING if after is body else Reaction(body=after)

        await self._cases.command(id, decide)
        for reason in counted:
            self._metrics.deliveries.add(reason=reason)
        return claimed[0]

    def _claim(self, body: Body, now: datetime, *, seen: Body, row: Row) -> Body | None:
        """Return the case with the row `sending`; None where it may not go out, or not by us.

        seen: the case from which the recipients were taken.
        """
        if self._recipients.refusal(body, row) is not None:
            return None  # the next look says why
        if row["unit"] is None and body["opd"] != seen["opd"]:
            return None  # it would go to the office that had the case before
        return sending.claim(body, row["id"], now, self._clock.wall(), self._pace.lease)

    def _letter(self, body: Body, row: Row, directory: Directory) -> Letter:
        subject, text = directory.write(
            body, row, public_url=self._public_url, now=self._clock.now()
        )
        return Letter(f"{row['id']}@{directory.message_domain}", directory.sender, subject, text)

    def _answered(self, row: Row, answer: Answer, to: Sequence[str]) -> _Mark:
        shown = [masked(address) for address in to]
        if answer.kind in ("accepted", "accepted_partly"):
            return _settled(row, "delivered", answer.kind, to=shown, code=answer.code)
        if answer.kind == "refused":
            return _settled(row, "failed", "refused", to=shown, code=answer.code)
        if sending.tried_for(row, self._clock.wall()) > self._pace.give_up_after:
            return _settled(row, "failed", "gave_up", to=shown, code=answer.code)
        reason = "deferred" if answer.kind == "deferred" else "outcome_unknown"
        return self._postponed(row, reason, code=answer.code)

    def _postponed(self, row: Row, reason: str, *, code: int | None = None) -> _Mark:
        # Asking intake again costs a write per letter, so it starts with a longer rest.
        tries = max(row["tries"], 3) if reason == "contacts_away" else row["tries"]
        again_at = self._clock.wall() + self._pace.again_after(tries)

        def change(body: Body, now: datetime) -> Body | None:
            return sending.postpone(body, row["id"], reason, now, again_at, code=code)

        return _Mark(reason, change)


def _of(row: Row, case_id: str, name: str) -> work:
    """Return a part of the work on a letter as a span: it belongs to the trace of the cause."""
    return work(
        name,
        service="notify",
        cause=row.get("trace"),
        answers=(Unsendable,),
        case_id=case_id,
        event_id=row["cause_id"],
    )


def _settled(
    row: Row,
    decision: Decision,
    reason: str,
    *,
    to: Sequence[str] = (),
    code: int | None = None,
) -> _Mark:
    def change(body: Body, now: datetime) -> Body | None:
        return sending.settle(body, row["id"], decision, reason, now, to=to, code=code)

    return _Mark(reason, change)
