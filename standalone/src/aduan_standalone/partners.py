"""The partners' simulators and the mail sink beside an instance, for demo and tests.

They keep their data outside of the instance's folder, as the real ones would. They run with it
(`aduan up --simulators`), or on their own beside one that comes and goes (`--partners FOLDER`).
"""

import asyncio
import json
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    ExitStack,
    asynccontextmanager,
)
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from aduan.clock import SystemClock, iso, parse_iso
from aduan_simulators.mailsink import process as mailsink
from aduan_simulators.orphans import die_with_parent
from aduan_standalone.cli.refusal import Refusal

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
    kept = _kept(clock)
    told = () if kept is None else (
        "--clock-wall", str(kept["anchor_wall"]), "--clock-domain", str(kept["anchor_domain"]),
        "--clock-speed", str(kept["speed"]),
    )  # fmt: skip
    mail = folder / "mail"
    mail.mkdir(parents=True, exist_ok=True)
    laporgub, sp4n = _free_ports(2)
    async with AsyncExitStack() as stack:
        # Together, because each of them takes its second or two to load.
        _, _, port = await _all_of(
            stack,
            _simulator(
                "laporgub", folder, laporgub, "--token", TOKEN, "--verify-after", "2",
                "--inbound", "3", "--inbound-every", "4", *told,
            ),
            _simulator(
                "sp4n", folder, sp4n, "--bearer", TOKEN, "--token", TOKEN, "--process-after", "1",
                "--answer-after", "3", "--close-after", "8", *told,
            ),
            mailsink.running(mail),
        )  # fmt: skip
        partners = Partners(f"http://127.0.0.1:{laporgub}", f"http://127.0.0.1:{sp4n}", port, mail)
        said = {
            "laporgub": partners.laporgub_url,
            "sp4n": partners.sp4n_url,
            "smtp": port,
            "mail": str(mail.resolve()),
            "clock": kept,
        }
        (folder / ADDRESSES).write_text(json.dumps(said) + "\n")
        yield partners


def found(folder: Path, clock: SystemClock) -> Partners:
    """Return the simulators that run already, as `folder`/addresses.json names them.

    clock: the instance's own. Raises Refusal for a file that is not there or says too little, and
    for simulators that keep another clock: the days that they write down would not fit.
    """
    path = folder / ADDRESSES
    try:
        said = json.loads(path.read_text("utf-8"))
        partners = Partners(
            str(said["laporgub"]), str(said["sp4n"]), int(said["smtp"]), Path(said["mail"])
        )
        theirs = _instants(said.get("clock"))
    except OSError as error:
        raise Refusal(f"{path} cannot be read: {error.strerror}.") from None
    except KeyError as error:
        raise Refusal(f"{path} does not say {error}.") from None
    except (AttributeError, TypeError, ValueError):
        raise Refusal(f"{path} is not what simulators write.") from None
    if theirs != _instants(_kept(clock)):
        raise Refusal(f"The simulators of {folder} keep another clock than this instance.")
    return partners


def _kept(clock: SystemClock) -> dict[str, str | float] | None:
    """Say what a clock was set by; None for real time."""
    if clock.anchor_wall is None or clock.anchor_domain is None:
        return None
    wall, domain = iso(clock.anchor_wall), iso(clock.anchor_domain)
    return {"speed": clock.speed, "anchor_wall": wall, "anchor_domain": domain}


def _instants(kept: dict[str, Any] | None) -> tuple[datetime, datetime, float] | None:
    if kept is None:
        return None
    wall, domain = parse_iso(kept["anchor_wall"]), parse_iso(kept["anchor_domain"])
    return wall, domain, float(kept["speed"])


async def _all_of(
    stack: AsyncExitStack, *starting: AbstractAsyncContextManager[int]
) -> Sequence[int]:
    """Enter all at once; each that was entered is left with the stack, also where another failed."""
    found = await asyncio.gather(*map(stack.enter_async_context, starting), return_exceptions=True)
    ports = []
    for one in found:
        if isinstance(one, BaseException):
            raise one
        ports.append(one)
    return ports


@asynccontextmanager
async def _simulator(name: str, folder: Path, port: int, *options: str) -> AsyncIterator[int]:
    data = folder / name
    data.mkdir(parents=True, exist_ok=True)
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


def _free_ports(count: int) -> Sequence[int]:
    """Return ports that nobody listens on now, no two of them the same."""
    with ExitStack() as probes:
        taken = [probes.enter_context(socket.socket()) for _ in range(count)]
        for probe in taken:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in taken]


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
