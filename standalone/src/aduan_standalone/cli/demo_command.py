"""`aduan demo`: the terminal side. What it shows is put together in `cli.show`."""

import asyncio
import os
import shutil
import tempfile
from pathlib import Path
from typing import Annotated, Final

import typer

from aduan_standalone.cli.refusal import Refusal

SAMPLES: Final = Path("reference", "samples", "complaints.jsonl")


def demo(
    *,
    until_settled: Annotated[
        bool,
        typer.Option("--until-settled", help="Say when nothing moves any more; fail after 180 s."),
    ] = False,
    leave: Annotated[
        bool, typer.Option("--exit", help="End once settled, instead of staying up for a look.")
    ] = False,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")
    ] = 8080,
    data: Annotated[
        Path | None,
        typer.Option("--data", help="Keep everything here; without it the folder is thrown away."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Another seed, another play.")] = 1,
    samples: Annotated[
        Path | None, typer.Option("--samples", help="Other complaints than reference/samples.")
    ] = None,
) -> None:
    """Run all five services, feed them the samples, and let a cast carry the cases through."""
    from aduan_standalone.cli.show.stage import Play, perform

    if leave and not until_settled:
        raise Refusal("--exit needs --until-settled: without it there is nothing to wait for.")
    source = samples if samples is not None else shipped_samples()
    thrown_away = Path(tempfile.mkdtemp(prefix="aduan-demo-")) if data is None else None
    folder = thrown_away / "data" if thrown_away is not None else Path(data or ".")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    play = Play(
        data=folder, port=port, seed=seed, samples=source, until_settled=until_settled, leave=leave
    )
    try:
        asyncio.run(perform(play))
    except (KeyboardInterrupt, asyncio.CancelledError):
        typer.echo("Stopped.")
    finally:
        if thrown_away is not None:
            # With the simulators' folder, which stands beside the data.
            shutil.rmtree(thrown_away, ignore_errors=True)


def shipped_samples() -> Path:
    """Return reference/samples/complaints.jsonl of the checkout. Raises Refusal outside of one."""
    named = os.environ.get("ADUAN_REFERENCE_DIR")
    places: list[Path] = [Path(named).parent] if named else []
    places += [*Path(__file__).resolve().parents, Path.cwd()]
    for folder in places:
        if (folder / SAMPLES).is_file():
            return folder / SAMPLES
    raise Refusal(f"There is no {SAMPLES} here; name complaints with --samples FILE.")
