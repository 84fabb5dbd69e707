"""`aduan env`: makes the .env that docker-compose.yml reads, from .env.example, with fresh secrets."""

import os
import tempfile
from pathlib import Path
from typing import Annotated, Final

import typer

from aduan_standalone.cli.refusal import Refusal
from aduan_standalone.deployment import completed

VAULT: Final = "ADUAN_INTAKE_VAULT_KEY"


def env(
    *,
    example: Annotated[Path, typer.Option("--example", help="Which variables there are.")] = Path(
        ".env.example"
    ),
    output: Annotated[Path, typer.Option("--output", help="The file to make.")] = Path(".env"),
    tenant: Annotated[
        str | None,
        typer.Option(
            "--tenant",
            help="Whose keys the tokens are: a Kemendagri code. A new file serves it; else one of"
            " TENANTS, by default the first.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Make a .env with fresh secrets (0600); one that is there only gets secrets that it lacks."""
    try:
        wanted = example.read_text("utf-8")
        existing = output.read_text("utf-8") if output.exists() else ""
    except OSError as error:
        raise Refusal(f"{error.filename} cannot be read: {error.strerror}.") from None
    done = completed(wanted, existing, tenant=tenant)
    for name, value in done.left.items():
        print(f"{output}: {name} is not set and was not added; {example} has {value}")
    if done.text == existing:
        print(f"{output}: no change")
        return
    try:
        _write(output, done.text)
    except OSError as error:
        raise Refusal(f"{output} cannot be written: {error.strerror}.") from None
    print(f"{output}: made {', '.join(done.made) or 'no secret'}")
    if VAULT in done.made:
        print(
            f"Keep a copy of {VAULT} in a safe place: without it nobody can reach the reporters again,"
            " and who has it can read who they are."
        )


def _write(path: Path, text: str) -> None:
    """Replace the file as a whole; at no moment may anybody else read it."""
    descriptor, part = tempfile.mkstemp(prefix=".env-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(part).replace(path)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise
