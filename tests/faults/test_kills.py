"""Kill -9 at every failpoint and at random moments: nothing acknowledged is lost or doubled."""

import asyncio
import os
import random
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from aduan_faults import STALLED_SECONDS, Checker, Instance, Ledger, Poster, Verdict

from aduan import failpoints

SEED = int(os.environ.get("ADUAN_SEED", "1"))
TIMES = int(os.environ.get("ADUAN_KILLS_AT_EACH", "2"))
RANDOM_KILLS = int(os.environ.get("ADUAN_RANDOM_KILLS", "20"))
COMPLAINTS = int(os.environ.get("ADUAN_COMPLAINTS", "1000"))
PER_DEATH = 12
# So many deaths' complaints may be without an answer before a start without a failpoint.
PILED = 2
# This share of the random kills is followed by another one while the next start recovers.
DIES_AGAIN = 0.25
# How long a failpoint may take to be reached under load; some need a due clock or a partner.
REACHED_WITHIN = 120.0
# Only these wait for something to fall due. On a flying clock a case is told about twenty times, so
# that hundreds of deaths would be followed by an hour of letters: the others die in real time.
OF_TIMERS = ("tick.after_decide", "tick.after_commit")
OTHERS = tuple(point for point in failpoints.POINTS if point not in OF_TIMERS)


@pytest.mark.parametrize(
    ("points", "fast"), [(OF_TIMERS, True), (OTHERS, False)], ids=["flying-clock", "real-clock"]
)
async def test_a_death_at_each_failpoint_loses_and_doubles_nothing(
    tmp_path: Path, points: Sequence[str], *, fast: bool
) -> None:
    """Every listed point is reached and ends the process; afterwards all counts agree."""
    began = time.monotonic()
    ledger = Ledger(tmp_path / "ledger.jsonl")
    async with Instance(tmp_path, fast=fast) as instance:
        poster = Poster(instance, ledger, SEED)
        dice = random.Random(SEED)
        await instance.start_until_ready()
        await poster.mint()
        await instance.kill()
        open_posts: list[asyncio.Task[None]] = []
        async with asyncio.TaskGroup() as tasks:
            for number, point in enumerate(point for point in points for _ in range(TIMES)):
                # The recovery from one death may meet the next one.
                lives = await instance.start(f"{point}:{dice.randint(1, 4)}")
                first = number * PER_DEATH
                ids = [f"{point}-{n}" for n in range(first, first + PER_DEATH)]
                open_posts.append(tasks.create_task(poster.post_all(ids)))
                if lives:
                    assert await instance.died(REACHED_WITHIN), f"{point} was never reached"
                    ledger.in_flight_at_deaths += poster.under_way
                open_posts = [post for post in open_posts if not post.done()]
                if len(open_posts) > PILED:
                    await instance.start_until_ready()
                    await asyncio.wait(open_posts)
                    await instance.kill()
            await instance.start_until_ready()

        verdict = await Checker(instance, ledger).check()
        await instance.stop()
    assert verdict.acknowledged == len(points) * TIMES * PER_DEATH
    assert instance.deaths >= len(points) * TIMES
    _tell(instance, ledger, verdict, began)


def _tell(instance: Instance, ledger: Ledger, verdict: Verdict, began: float) -> None:
    seconds = time.monotonic() - began
    flying = ledger.in_flight_at_deaths
    print(f"\n{instance.deaths} deaths, {flying} in flight, {verdict}, {seconds:.0f} s in all")


async def _acknowledged(count: int, ledger: Ledger, posting: "asyncio.Task[None]") -> None:
    """Wait for so many, however long a busy machine takes, as long as they become more."""
    most, deadline = -1, 0.0
    while (reached := len(ledger.acknowledged)) < count and not posting.done():
        if reached > most:
            most, deadline = reached, time.monotonic() + STALLED_SECONDS
        assert time.monotonic() < deadline, f"stuck at {reached} acknowledged complaints"
        await asyncio.sleep(0.005)


async def test_random_kills_under_load_lose_and_double_nothing(tmp_path: Path) -> None:
    """Seeded moments all through the load, with requests in flight; some deaths meet a recovery."""
    began = time.monotonic()
    ledger = Ledger(tmp_path / "ledger.jsonl")
    async with Instance(tmp_path, fast=False) as instance:
        poster = Poster(instance, ledger, SEED)
        dice = random.Random(SEED)
        await instance.start_until_ready()
        await poster.mint()
        posting = asyncio.create_task(poster.post_all([f"r-{n}" for n in range(COMPLAINTS)]))
        for reached in sorted(dice.randrange(COMPLAINTS) for _ in range(RANDOM_KILLS)):
            await _acknowledged(reached, ledger, posting)
            await asyncio.sleep(dice.random() * 0.2)
            ledger.in_flight_at_deaths += poster.under_way
            await instance.kill()
            if dice.random() < DIES_AGAIN:
                await instance.start_and_kill(dice.random() * 3)
            await instance.start_until_ready()
        await _acknowledged(COMPLAINTS, ledger, posting)
        await posting

        verdict = await Checker(instance, ledger).check()
        await instance.stop()
    assert verdict.acknowledged == COMPLAINTS
    assert instance.deaths >= RANDOM_KILLS
    assert ledger.in_flight_at_deaths > RANDOM_KILLS, "most kills met an idle instance"
    _tell(instance, ledger, verdict, began)


def test_every_listed_failpoint_is_in_the_code_and_no_other() -> None:
    """The list is closed: a point that nobody hits, or hits without listing, is a mistake."""
    root = Path(__file__).parents[2]
    sources = [*root.glob("libs/**/*.py"), *root.glob("services/**/*.py")]
    text = "\n".join(path.read_text() for path in sources if path.name != "failpoints.py")
    import re

    hits = re.findall(r'failpoints\.hit\(\s*"([a-z_.]+)"', text)
    direct = re.findall(r'partial\(failpoints\.hit, "([a-z_.]+)"', text)

    assert sorted(set(hits + direct)) == sorted(failpoints.POINTS + failpoints.OF_GROUPS)


@pytest.mark.parametrize("wrong", ["nowhere", "intake.after_commit:x"])
def test_an_unknown_failpoint_ends_the_start(wrong: str) -> None:
    """A spelling slip must not switch a fault test off."""
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "-c", "import aduan.failpoints"],
        env={**os.environ, "ADUAN_FAIL_AT": wrong},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert done.returncode != 0
