"""Runs the sink as a process of its own, for the demo and for tests."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from aduan_simulators.orphans import die_with_parent

START_SECONDS: Final = 20.0
STOP_SECONDS: Final = 5.0
GREETING: Final = "mailsink 127.0.0.1:"


class SinkDidNotStart(RuntimeError):
    """The sink ended, or said nothing useful, before it listened."""


@asynccontextmanager
async def running(folder: Path, *options: str, port: int = 0) -> AsyncIterator[int]:
    """Run the sink until the block is left; give the port it listens on (127.0.0.1).

    folder: outside of any data folder. options: more arguments of the command.
    Raises SinkDidNotStart.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "aduan_simulators.mailsink",
        "--port",
        str(port),
        "--dir",
        str(folder),
        *options,
        stdout=asyncio.subprocess.PIPE,
        preexec_fn=die_with_parent,
    )
    try:
        yield await _port(process)
    finally:
        await _end(process)


async def _port(process: asyncio.subprocess.Process) -> int:
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), START_SECONDS)
    except TimeoutError:
        raise SinkDidNotStart("the mail sink said nothing") from None
    text = line.decode().strip()
    if not text.startswith(GREETING):
        raise SinkDidNotStart("the mail sink ended at once")
    return int(text.removeprefix(GREETING))


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
