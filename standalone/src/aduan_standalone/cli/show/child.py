"""The instance that a demo plays on: `aduan up` as a child process, ended with the demo."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from aduan_simulators.orphans import die_with_parent
from aduan_standalone.cli.refusal import FAILED, Refusal

READY: Final = "ready "
READY_WITHIN_SECONDS: Final = 60.0
END_WITHIN_SECONDS: Final = 20.0
LOG_FILE: Final = "demo.log"


@asynccontextmanager
async def running(
    data: Path, arguments: Sequence[str]
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run `aduan up` on `data` until the block is left; ready when the block begins.

    Its log goes to `demo.log` in the folder. Raises Refusal when it does not become ready; then its
    last words are in the sentence.
    """
    log = data / LOG_FILE
    with log.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "aduan_standalone.cli.main",
            "up",
            "--data",
            str(data),
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            # Ctrl-C in the terminal is for us alone: we end the child in order, after the cast.
            start_new_session=True,
            preexec_fn=die_with_parent,
        )
    assert process.stdout is not None
    drain: asyncio.Task[None] | None = None
    try:
        await _until_ready(process, log)
        drain = asyncio.create_task(_drain(process.stdout))
        yield process
    finally:
        await _end(process)
        if drain is not None:
            drain.cancel()
            await asyncio.gather(drain, return_exceptions=True)


async def _until_ready(process: asyncio.subprocess.Process, log: Path) -> None:
    assert process.stdout is not None
    try:
        async with asyncio.timeout(READY_WITHIN_SECONDS):
            while line := await process.stdout.readline():
                if line.decode(errors="replace").startswith(READY):
                    return
    except TimeoutError:
        raise Refusal(
            f"The instance was not ready within {READY_WITHIN_SECONDS:.0f} s; see {log}.",
            code=FAILED,
        ) from None
    code = await process.wait()
    words = (await asyncio.to_thread(log.read_text, errors="replace")).strip().splitlines()
    last = words[-1].removeprefix("aduan: ") if words else f"exit code {code}"
    raise Refusal(f"The instance did not start: {last}", code=code or FAILED)


async def _drain(stream: asyncio.StreamReader) -> None:
    """Read on, so that the child never blocks on a full pipe."""
    while await stream.read(65_536):
        pass


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(END_WITHIN_SECONDS):
            await process.wait()
    except TimeoutError:
        # It has its own session, so this ends whatever it started as well.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
