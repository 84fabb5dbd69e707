"""`aduan dev-servers`: the tests' own broker and database on fixed ports, in a checkout only.

The software that starts them belongs to the tests, so it runs as a child and is never imported.
"""

import subprocess
import sys
from pathlib import Path
from typing import Final

import typer

import aduan_standalone
from aduan_standalone.cli.refusal import Refusal

dev_servers: Final = typer.Typer(
    name="dev-servers",
    help="Kafka and MongoDB on this machine, for developers: needs a checkout.",
    no_args_is_help=True,
)


@dev_servers.command("up")
def bring_up() -> None:
    """Start both on ports 19092 and 27117; prints the lines that point services at them."""
    _run("up")


@dev_servers.command("down")
def bring_down() -> None:
    """Stop both and remove their data."""
    _run("down")


def _run(verb: str) -> None:
    """Run the checkout's own script; its exit code is ours."""
    script = script_in(Path(aduan_standalone.__file__))
    if script is None:
        raise Refusal("dev-servers needs a checkout of Aduan: this is an installed copy.")
    done = subprocess.run([sys.executable, str(script), verb], check=False)  # noqa: S603 - our own
    if done.returncode != 0:
        raise typer.Exit(1)


def script_in(module: Path) -> Path | None:
    """Return the script of the checkout around a module's source; None where there is none."""
    parents = module.resolve().parents
    # ROOT/standalone/src/aduan_standalone/__init__.py
    script = parents[3] / "tests" / "servers" / "dev.py" if len(parents) > 3 else None
    return script if script is not None and script.is_file() else None
