"""`aduan feed`: the terminal side of feeding."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final

import httpx
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from aduan.clock import SystemClock
from aduan_standalone.cli import instance, mapping, portal, rows
from aduan_standalone.cli.api import TIMEOUT
from aduan_standalone.cli.feeding import Heard, Pace, Tally
from aduan_standalone.cli.feeding import feed as feed_source
from aduan_standalone.cli.instance import Instance
from aduan_standalone.cli.ledger import Ledger
from aduan_standalone.cli.options import Addresses, AsJson, DataDir, err, out, print_json
from aduan_standalone.cli.refusal import Refusal
from aduan_standalone.cli.sender import Sender

WORDS: Final = {
    "acknowledged": "acknowledged",
    "repeated": "known to intake before",
    "in_ledger": "in the ledger before",
    "refused": "refused",
    "bad": "unusable rows",
}


def feed(
    source: Annotated[
        str, typer.Argument(metavar="FILE|-", help="CSV or JSON lines, plain or gz.")
    ],
    *,
    maps: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="FIELD=COLUMN",
            help="Which column fills which field (repeatable), such as place.text=kelurahan. "
            "Without it every row already has the fields of POST /v1/complaints.",
            show_default=False,
        ),
    ] = None,
    sets: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="FIELD=VALUE",
            help="A value for rows that have none (repeatable). Without the flags anonymous and "
            "confidential a complaint counts as both, so say here what was agreed.",
            show_default=False,
        ),
    ] = None,
    ledger: Annotated[
        Path | None,
        typer.Option("--ledger", help="Keep what was acknowledged here; go on from it next time."),
    ] = None,
    rate: Annotated[
        float | None, typer.Option("--rate", min=0.01, help="At most so many a second.")
    ] = None,
    repeat: Annotated[
        int, typer.Option("--repeat", min=1, help="Feed the file so many times, as new complaints.")
    ] = 1,
    concurrency: Annotated[
        int, typer.Option("--concurrency", min=1, max=512, help="Requests in flight.")
    ] = 16,
    patience: Annotated[
        float, typer.Option("--patience", min=0, help="Seconds to retry while intake is away.")
    ] = 300.0,
    data: DataDir = None,
    to: Addresses = None,
    as_json: AsJson = False,
) -> None:
    """Post every row of a file as a complaint; safe to repeat and to interrupt."""
    chosen = mapping.parse(maps or [], sets or [])
    if source == "-" and repeat > 1:
        raise Refusal("Standard input can be read only once; --repeat needs a file.")
    total = rows.count(source)
    target = instance.find(data, to)
    pace = Pace(concurrency=concurrency, rate=rate, repeat=repeat)
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=err(),
    )
    with progress, Ledger(ledger, SystemClock()) as book:
        bar = progress.add_task("feeding", total=None if total is None else total * repeat)
        tally = asyncio.run(
            run(
                source,
                target=target,
                chosen=chosen,
                book=book,
                pace=pace,
                patience_seconds=patience,
                advance=lambda: progress.advance(bar),
            )
        )
    _report(tally, as_json=as_json)


async def run(
    source: str,
    *,
    target: Instance,
    chosen: mapping.RowMapping,
    book: Ledger,
    pace: Pace,
    patience_seconds: float,
    advance: Callable[[], None],
    heard: Heard | None = None,
) -> Tally:
    """Feed `source` through an instance's portal `feed`; see `feeding.feed`. Raises Refusal."""
    limits = httpx.Limits(max_connections=pace.concurrency)
    async with httpx.AsyncClient(timeout=TIMEOUT, limits=limits) as client:
        key = await portal.mint(client, target, patience_seconds=patience_seconds)
        url = target.url_of("intake")
        return await feed_source(
            source,
            mapping=chosen,
            sender=Sender(client, url, key, patience_seconds=patience_seconds),
            ledger=book,
            pace=pace,
            clock=SystemClock(),
            advance=advance,
            heard=heard,
        )


def _report(tally: Tally, *, as_json: bool) -> None:
    counts = {name: tally.counts[name] for name in WORDS}
    if as_json:
        print_json(counts)
    else:
        out().print(", ".join(f"{n} {WORDS[name]}" for name, n in counts.items() if n) or "0 rows")
    for words in tally.refusals:
        sys.stderr.write(f"{words}\n")
    unshown = counts["refused"] + counts["bad"] - len(tally.refusals)
    if unshown > 0:
        sys.stderr.write(f"... and {unshown} more\n")
    if counts["refused"] or counts["bad"]:
        raise typer.Exit(1)
