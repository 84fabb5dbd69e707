"""`aduan up`: all five services in one process. The host itself is `aduan_standalone.host`."""

import gc
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from aduan.clock import parse_iso
from aduan_standalone.cli.refusal import Refusal


def up(
    *,
    data: Annotated[
        Path, typer.Option("--data", help="Folder for everything this instance keeps.")
    ],
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")
    ] = 8080,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    simulators: Annotated[
        bool,
        typer.Option("--simulators", help="Also run the partners' simulators and a mail sink."),
    ] = False,
    partners: Annotated[
        Path | None,
        typer.Option(
            "--partners",
            help="Use simulators that run already and outlive this instance: the folder whose"
            " addresses.json names them (laporgub and sp4n: URLs; smtp: port; mail: folder; clock:"
            " null, or what clock.json of the data folder says).",
        ),
    ] = None,
    canary: Annotated[
        bool,
        typer.Option(
            "--canary", help="Also send a synthetic complaint every minute (docs/canary.md)."
        ),
    ] = False,
    clock_start: Annotated[
        str | None,
        typer.Option("--clock-start", help="Demo only: the domain clock begins here (ISO 8601)."),
    ] = None,
    clock_speed: Annotated[
        float,
        typer.Option("--clock-speed", min=1, help="Demo only: domain seconds in a real second."),
    ] = 1.0,
) -> None:
    """Run all five services on one port, in the foreground; prints `ready URL` when they are."""
    if simulators and partners is not None:
        raise Refusal("--simulators starts them, --partners uses those that run: name one.")
    fast = clock_start is not None or clock_speed != 1.0
    if fast and not simulators and partners is None:
        raise Refusal(
            "--clock-start and --clock-speed need --simulators or --partners:"
            " real cases run in real time."
        )
    start = _moment(clock_start)
    # Nothing of what a start makes goes away again, and looking through it is a sixth of the start.
    # The host switches the search for garbage on once it listens.
    gc.disable()
    try:
        from aduan_standalone.host import HostOptions, serve

        options = HostOptions(
            data=data,
            host=host,
            port=port,
            simulators=simulators,
            clock_start=start,
            clock_speed=clock_speed,
            partners=partners,
            canary=canary,
        )
        raise typer.Exit(serve(options))
    finally:
        gc.enable()


def _moment(text: str | None) -> datetime | None:
    try:
        return None if text is None else parse_iso(text)
    except ValueError:
        raise Refusal(f"--clock-start {text} is no moment with a time zone.") from None
