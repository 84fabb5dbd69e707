"""One performance: the instance, the feed, the cast and the picture, until settled or Ctrl-C."""

import asyncio
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
from rich.live import Live
from rich.text import Text

from aduan.clock import SystemClock, parse_iso
from aduan_simulators.people import script
from aduan_simulators.people.cast import Cast
from aduan_simulators.people.city import City
from aduan_simulators.people.town import NotNow
from aduan_standalone.cli import feed_command, instance, mapping, portal, rows
from aduan_standalone.cli.api import TIMEOUT
from aduan_standalone.cli.feeding import Pace
from aduan_standalone.cli.instance import SERVICES
from aduan_standalone.cli.ledger import Ledger
from aduan_standalone.cli.options import out
from aduan_standalone.cli.refusal import FAILED, Refusal
from aduan_standalone.cli.sender import Answered
from aduan_standalone.cli.show import child, keys
from aduan_standalone.cli.show.observer import Observer
from aduan_standalone.cli.show.settled import Quiet
from aduan_standalone.cli.show.view import Picture, frame

CLOCK_START: Final = "2026-12-01T01:00:00Z"  # a Tuesday, 08:00 WIB
CLOCK_SPEED: Final = 86_400.0  # a day a second: a fortnight passes while one looks
FEED_RATE: Final = 40.0
GIVE_UP_SECONDS: Final = 180.0
LOOK_SECONDS: Final = 0.75
CLOCKS_EVERY: Final = 3  # looks: the list of all deadlines is long, so it is asked for less often
START_PATIENCE_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Play:
    """What was asked for. samples: a file that needs no mapping."""

    data: Path
    port: int
    seed: int
    samples: Path
    until_settled: bool
    leave: bool


async def perform(play: Play) -> None:
    """Run the demo. Raises Refusal when it cannot start, or does not settle in time."""
    task = asyncio.current_task()
    assert task is not None
    # SIGTERM ends it as Ctrl-C does: in order, and with it the instance.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        await _perform(play)
    except* Refusal as refusals:
        # The parts run in a group; the person at the terminal wants the one sentence.
        raise refusals.exceptions[0] from None


async def _perform(play: Play) -> None:
    total = rows.count(str(play.samples))
    arguments = ("--port", str(play.port), "--simulators", "--canary", "--clock-start", CLOCK_START)
    speed = ("--clock-speed", str(CLOCK_SPEED))
    async with (
        child.running(play.data, (*arguments, *speed)) as process,
        httpx.AsyncClient(timeout=TIMEOUT) as client,
    ):
        target = instance.find(play.data, None)
        ring = keys.KeyRing(client, target)
        tokens: dict[str, str] = {}
        city = City(client, {name: target.url_of(name) for name in SERVICES}, ring)
        cast = Cast(city, script.load(), seed=play.seed, tokens=tokens)
        picture = Picture(to_feed=total or 0)
        for line in await _hints(client, target, ring):
            out().print(Text(line))
        show = _Show(play, cast, picture, Observer(client, target))
        async with asyncio.TaskGroup() as parts:
            feeding = parts.create_task(show.feed(tokens))
            feeding.add_done_callback(lambda _: cast.no_more())
            playing = parts.create_task(cast.run())
            watching = parts.create_task(_watch(process))
            await show.run()
            for part in (feeding, playing, watching):
                part.cancel()


async def _hints(
    client: httpx.AsyncClient, target: instance.Instance, ring: keys.KeyRing
) -> list[str]:
    portal_key = await portal.mint(client, target, patience_seconds=START_PATIENCE_SECONDS)
    try:
        return await keys.hints(target, ring, portal_key)
    except NotNow as error:
        raise Refusal(f"The desk gave no keys ({error}).", code=FAILED) from None


class _Show:
    """Keeps the picture up to date until it is over."""

    def __init__(self, play: Play, cast: Cast, picture: Picture, observer: Observer) -> None:
        self._play = play
        self._cast = cast
        self._picture = picture
        self._observer = observer
        self._clock = SystemClock()
        self._began = self._clock.monotonic()
        self._looks = 0

    async def feed(self, tokens: dict[str, str]) -> None:
        """Feed the samples and collect the reporters' tokens."""

        def heard(_: Mapping[str, Any], answer: Answered) -> None:
            if answer.body is not None and answer.ticket is not None:
                tokens[answer.ticket] = str(answer.body["reporter_token"])

        def advance() -> None:
            self._picture.fed += 1

        await feed_command.run(
            str(self._play.samples),
            target=instance.find(self._play.data, None),
            chosen=mapping.parse([]),
            book=Ledger(None, self._clock),
            pace=Pace(concurrency=8, rate=FEED_RATE),
            patience_seconds=START_PATIENCE_SECONDS,
            advance=advance,
            heard=heard,
        )

    async def run(self) -> None:
        """Show frames until settled (where that was asked for), else until cancelled.

        Raises Refusal when a demo that must settle does not, in GIVE_UP_SECONDS.
        """
        console = out()
        quiet = Quiet()
        with Live(frame(self._picture), console=console, auto_refresh=False) as live:
            while True:
                calm = await self._look(quiet)
                self._picture.settled = self._picture.settled or (calm and self._cast.finished)
                live.update(frame(self._picture), refresh=True)
                if self._picture.settled and self._play.leave:
                    return
                if self._play.until_settled and not self._picture.settled:
                    self._check_patience()
                await asyncio.sleep(LOOK_SECONDS)

    async def _look(self, quiet: Quiet) -> bool:
        report = await self._observer.report()
        picture = self._picture
        if self._looks % CLOCKS_EVERY == 0:
            clocks = await self._observer.clocks()
            picture.clocks = picture.clocks if clocks is None else clocks
            canary = await self._observer.canary()
            picture.canary = picture.canary if canary is None else canary
        self._looks += 1
        picture.scenes, picture.missing = dict(self._cast.scenes), self._cast.missing
        picture.domain_now = self._domain_now()
        if report is None:
            return False
        picture.report = report
        return quiet.look(report, self._clock.monotonic())

    def _domain_now(self) -> datetime:
        passed = timedelta(seconds=(self._clock.monotonic() - self._began) * CLOCK_SPEED)
        return parse_iso(CLOCK_START) + passed

    def _check_patience(self) -> None:
        if self._clock.monotonic() - self._began < GIVE_UP_SECONDS:
            return
        missing = "; ".join(self._cast.missing) or "events still come"
        raise Refusal(
            f"The demo has not settled within {GIVE_UP_SECONDS:.0f} s: {missing}.", code=FAILED
        )


async def _watch(process: asyncio.subprocess.Process) -> None:
    """End the performance when the instance dies."""
    code = await process.wait()
    raise Refusal(f"The instance ended by itself with code {code}.", code=FAILED)
