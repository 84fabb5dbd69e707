"""Feeding a file into intake: concurrent, paced, resumable. Knows nothing of terminals."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from aduan.clock import Clock
from aduan_standalone.cli import rows as source_rows
from aduan_standalone.cli.ledger import Ledger
from aduan_standalone.cli.mapping import BadRow, RowMapping
from aduan_standalone.cli.refusal import Refusal
from aduan_standalone.cli.rows import Row
from aduan_standalone.cli.sender import Answered, Sender

PEEK: Final = 200  # rows that are looked at to find a column nobody has
REFUSALS_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast and how often. rate: complaints a second, None for as fast as intake answers."""

    concurrency: int = 16
    rate: float | None = None
    repeat: int = 1


@dataclass(slots=True)
class Tally:
    """What became of the rows: acknowledged, repeated (known), in_ledger, refused, bad."""

    counts: Counter[str] = field(default_factory=Counter)
    refusals: list[str] = field(default_factory=list)

    def add(self, what: str, words: str = "") -> None:
        """Count one row; the first few refusals are kept with their words."""
        self.counts[what] += 1
        if words and len(self.refusals) < REFUSALS_SHOWN:
            self.refusals.append(words)


Heard = Callable[[Mapping[str, Any], Answered], None]


async def feed(
    source: str,
    *,
    mapping: RowMapping,
    sender: Sender,
    ledger: Ledger,
    pace: Pace,
    clock: Clock,
    advance: Callable[[], None],
    heard: Heard | None = None,
) -> Tally:
    """Send every row of `source` that the ledger does not know; return what became of them.

    With pace.repeat > 1 the file is read that often; each round after the first adds `~2`, `~3`
    ... to the external ids, so that each round makes complaints of its own.
    advance: called once a row. heard: called with body and answer of each acknowledged complaint.
    Raises Refusal: an unreadable source, an unknown column, a rejected key, or patience at its end.
    """
    tally = Tally()
    queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue(maxsize=2 * pace.concurrency)

    async def produce() -> None:
        pacer = _Pacer(pace.rate, clock)
        for turn in range(1, pace.repeat + 1):
            with source_rows.opened(source) as rows:
                for number, row in enumerate(_checked(rows, mapping, source), start=1):
                    body = _body(row, number, turn, mapping, tally)
                    if body is None or body["external_id"] in ledger:
                        if body is not None:
                            tally.add("in_ledger")
                        advance()
                        await asyncio.sleep(0)
                        continue
                    await pacer.wait()
                    await queue.put(body)

    async def consume() -> None:
        while True:
            body = await queue.get()
            answer = await sender.send(body)
            await ledger.add(body["external_id"], answer.ticket, answer.status)
            if answer.ticket is None:
                tally.add("refused", f"{body['external_id']}: {answer.words}")
            else:
                tally.add("repeated" if answer.replayed else "acknowledged")
                if heard is not None:
                    heard(body, answer)
            advance()
            queue.task_done()

    await _until_done(produce, consume, queue, pace.concurrency)
    return tally


async def _until_done(
    produce: Callable[[], Any],
    consume: Callable[[], Any],
    queue: "asyncio.Queue[dict[str, Any]]",
    concurrency: int,
) -> None:
    """Run one producer and several consumers; the first failure of any ends all and comes out."""

    async def all_sent() -> None:
        await produce()
        await queue.join()

    done = asyncio.create_task(all_sent())
    workers = [asyncio.create_task(consume()) for _ in range(concurrency)]
    try:
        finished, _ = await asyncio.wait({done, *workers}, return_when=asyncio.FIRST_COMPLETED)
        for task in finished:
            task.result()
    finally:
        for task in (done, *workers):
            task.cancel()
        await asyncio.gather(done, *workers, return_exceptions=True)


def _checked(rows: Iterable[Row], mapping: RowMapping, source: str) -> Iterable[Row]:
    """Yield the rows, after a look at the first ones for columns that the file does not have."""
    iterator = iter(rows)
    first = list(islice(iterator, PEEK))
    if first and (absent := mapping.missing_from(first)):
        raise Refusal(
            f"{source} has no column {', '.join(absent)}; it has {', '.join(map(str, first[0]))}."
        )
    yield from first
    yield from iterator


def _body(
    row: Row, number: int, turn: int, mapping: RowMapping, tally: Tally
) -> dict[str, Any] | None:
    try:
        body = mapping.body(row)
    except BadRow as error:
        tally.add("bad", f"row {number} {error}")
        return None
    if turn > 1:
        body["external_id"] = f"{body['external_id']}~{turn}"
    return body


class _Pacer:
    """Lets one pass each 1/rate seconds, without making up for lost time in a burst."""

    def __init__(self, rate: float | None, clock: Clock) -> None:
        self._gap = 1 / rate if rate else 0.0
        self._clock = clock
        self._next = clock.monotonic()

    async def wait(self) -> None:
        if not self._gap:
            return
        now = self._clock.monotonic()
        if self._next > now:
            await asyncio.sleep(self._next - now)
        self._next = max(self._next, now) + self._gap
