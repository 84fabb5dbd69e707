"""The options that every command shares, and how results are printed."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

DataDir = Annotated[
    Path | None, typer.Option("--data", help="Data folder of the instance.", show_default=False)
]
Addresses = Annotated[
    list[str] | None,
    typer.Option(
        "--to",
        help="Address of the instance, or service=URL for each (repeatable). The token comes from "
        "ADUAN_TOKEN, else from the file that `up` wrote for its port.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable JSON on standard output.")]


def out() -> Console:
    """Return the console for results."""
    return Console(highlight=False)


def err() -> Console:
    """Return the console for progress and remarks, which are no results."""
    return Console(stderr=True, highlight=False)


def print_json(value: Any) -> None:
    """Print one JSON document and nothing else."""
    json.dump(value, sys.stdout, ensure_ascii=False, indent=1)
    sys.stdout.write("\n")
