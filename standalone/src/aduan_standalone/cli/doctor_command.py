"""`aduan doctor`: looks at everything that an installation rests on, and says what to do.

Exit codes: 0 well, or with warnings; 1 something is broken; 2 not possible as asked.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.table import Table
from rich.text import Text

from aduan.clock import SystemClock
from aduan_standalone.broker.wanted import PRINCIPALS
from aduan_standalone.cli.instance import SERVICES, addresses
from aduan_standalone.cli.options import AsJson, out, print_json
from aduan_standalone.cli.refusal import Refusal
from aduan_standalone.doctor.examining import examine
from aduan_standalone.doctor.findings import Finding, in_order, verdict
from aduan_standalone.doctor.findings import as_json as report

STYLES: Final = {"error": "bold red", "warning": "yellow", "not checked": "dim", "ok": "green"}


def doctor(
    *,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data", help="Data folder of an instance on this machine.", show_default=False
        ),
    ] = None,
    service: Annotated[
        list[str] | None,
        typer.Option("--service", help="Only this service (repeatable).", show_default=False),
    ] = None,
    to: Annotated[
        list[str] | None,
        typer.Option(
            "--to",
            help="Also ask whether services are ready: URL, or service=URL (repeatable).",
            show_default=False,
        ),
    ] = None,
    prefix: Annotated[
        str, typer.Option("--prefix", help="Databases are named PREFIX_SERVICE.")
    ] = "aduan",
    replication: Annotated[
        int | None,
        typer.Option(
            "--replication",
            min=1,
            max=9,
            show_default=False,
            help="Copies that topics should have, as for `aduan topics plan`.",
        ),
    ] = None,
    principals: Annotated[
        str, typer.Option("--principals", help="How the services are called at the brokers.")
    ] = PRINCIPALS,
    seconds: Annotated[
        float, typer.Option("--seconds", min=1, max=120, help="Time for each look.")
    ] = 10.0,
    as_json: AsJson = False,
) -> None:
    """Look at settings, connections, topics, rights, indexes, keys, disk and clocks; change nothing.

    With --data: an instance in a folder. Else: what ADUAN_BUS, ADUAN_STORE and the services' own
    variables name, with the rights that they carry.
    """  # fmt: skip
    # They bring clients of everything along; no other command needs those.
    from aduan_standalone.doctor import distributed, standalone

    clock = SystemClock()
    if data is not None:
        if service or to:
            raise Refusal("--service and --to belong to services in processes of their own.")
        mode, checks = "standalone", standalone.checks(data, os.environ, clock, patience=seconds)
    else:
        if not distributed.given() and not to:
            raise Refusal("Name a folder with --data, or set ADUAN_BUS and ADUAN_STORE, or --to.")
        if strange := [name for name in service or () if name not in SERVICES]:
            raise Refusal(f"{strange[0]} is not a service; they are {', '.join(SERVICES)}.")
        if "{service}" not in principals:
            raise Refusal("--principals is a pattern such as User:aduan-{service}.")
        asked = distributed.Question(
            patience=seconds,
            principals=principals,
            services=tuple(service or SERVICES),
            urls=addresses(to or ()),
            prefix=prefix,
            replication=replication,
        )
        mode, checks = "distributed", distributed.checks(asked, os.environ, clock)
    found = in_order(examine(checks, patience=seconds))
    if as_json:
        print_json(report(mode, found))
    else:
        out().print(table(found))
        out().print(Text(summary(found)))
    if verdict(found) == "error":
        raise typer.Exit(1)


def table(findings: Sequence[Finding]) -> Table:
    """Return the findings for people: the worst first."""
    shown = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    for one in findings:
        words = Text(f"{one.where}: {one.what}")
        if one.remedy:
            words.append(f"\n  -> {one.remedy}")
        shown.add_row(Text(one.severity, STYLES[one.severity]), one.check, words)
    return shown


def summary(findings: Sequence[Finding]) -> str:
    """Return the last line."""
    counts = report("", findings)["counts"]
    return ", ".join(f"{count} {severity}" for severity, count in counts.items() if count)
