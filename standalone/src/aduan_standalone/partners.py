"""The partners' simulators and the mail sink beside an instance, for demo and tests.

They keep their data outside of the instance's folder, as the real ones would.
"""

import asyncio
import json
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aduan.clock import SystemClock, iso
from aduan_simulators.mailsink import process as mailsink
from aduan_simulators.orphans import die_with_parent

ADDRESSES: Final = "addresses.json"
TOKEN: Final = "simulator"  # noqa: S105 - the simulators' own, known to everybody
_START_SECONDS: Final = 20.0


@dataclass(frozen=True, slots=True)
class Partners:
    """Where the simulators answer, and where the sink keeps its letters."""

    laporgub_url: str
    sp4n_url: str
    smtp_port: int
    mail: Path


@asynccontextmanager
async def running(folder: Path, clock: SystemClock) -> AsyncIterator[Partners]:
    """Run LaporGub, SP4N-LAPOR! and the mail sink until the block is left.

    clock: the instance's own, so that what partners write down fits its days.
    """
    wall = clock.anchor_wall or clock.wall()
    told = ("--clock-wall", iso(wall), "--clock-domain", iso(clock.anchor_domain or wall),
            "--clock-speed", str(clock.speed))  # fmt: skip
    async with AsyncExitStack() as stack:
        laporgub = await stack.enter_async_context(
            _simulator(
                "laporgub", folder, "--token", TOKEN, "--verify-after", "2",
                "--inbound", "3", "--inbound-every", "4", *told,
            )
        )  # fmt: skip
        sp4n = await stack.enter_async_context(
            _simulator(
                "sp4n", folder, "--bearer", TOKEN, "--token", TOKEN, "--process-after", "1",
                "--answer-after", "3", "--close-after", "8", *told,
            )
        )  # fmt: skip
        mail = folder / "mail"
        mail.mkdir(parents=True, exist_ok=True)
        port = await stack.enter_async_context(mailsink.running(mail))
        partners = Partners(f"http://127.0.0.1:{laporgub}", f"http://127.0.0.1:{sp4n}", port, mail)
        said = {"laporgub": partners.laporgub_url, "sp4n": partners.sp4n_url, "mail": str(mail)}
        (folder / ADDRESSES).write_text(json.dumps(said) + "\n")
        yield partners


@asynccontextmanager
async def _simulator(name: str, folder: Path, *options: str) -> AsyncIterator[int]:
    data = folder / name
    data.mkdir(parents=True, exist_ok=True)
    port = _free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"aduan_simulators.{name}", "--data", str(data),
        "--port", str(port), *options,
        stdin=asyncio.subprocess.DEVNULL, preexec_fn=die_with_parent,
    )  # fmt: skip
    try:
        await _until_open(port)
        yield port
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _until_open(port: int) -> None:
    async with asyncio.timeout(_START_SECONDS):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            return
