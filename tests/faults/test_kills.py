"""Kill -9 at every failpoint and at random moments: nothing acknowledged is lost or doubled."""

import asyncio
import os
import random
from pathlib import Path

import pytest
from aduan_faults import Checker, Instance, Ledger, Poster

from aduan import failpoints

SEED = int(os.environ.get("ADUAN_SEED", "1"))
TIMES = int(os.environ.get("ADUAN_KILLS_AT_EACH", "2"))
RANDOM_KILLS = int(os.environ.get("ADUAN_RANDOM_KILLS", "20"))
COMPLAINTS = int(os.environ.get("ADUAN_COMPLAINTS", "1000"))
PER_DEATH = 12
# How long a failpoint may take to be reached under load; some need a due clock or a partner.
REACHED_WITHIN = 40.0


async def test_a_death_at_each_failpoint_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """Every listed point is reached and ends the process; afterwards all counts agree."""
    instance, ledger = Instance(tmp_path), Ledger(tmp_path / "ledger.jsonl")
    poster = Poster(instance, ledger, SEED)
    dice = random.Random(SEED)
    await instance.start_until_ready()
    await poster.mint()
    number = 0
    for point in failpoints.POINTS:
        for _ in range(TIMES):
            await instance.kill()
            lives = await instance.start(f"{point}:{dice.randint(1, 4)}")
            ids = [f"{point}-{number + n}" for n in range(PER_DEATH)]
            number += PER_DEATH
            posting = asyncio.create_task(poster.post_all(ids))
            if lives:
                assert await instance.died(REACHED_WITHIN), f"{point} was never reached"
                ledger.in_flight_at_deaths += poster.under_way
            await instance.start_until_ready()
            async with asyncio.timeout(60):
                await posting

    verdict = await Checker(instance, ledger).check()
    await instance.stop()
    assert verdict.acknowledged == len(failpoints.POINTS) * TIMES * PER_DEATH
    assert instance.deaths >= len(failpoints.POINTS) * TIMES
    print(f"\n{instance.deaths} deaths, {verdict}")


async def test_random_kills_under_load_lose_and_double_nothing(tmp_path: Path) -> None:
    """Seeded moments, with requests in flight."""
    instance, ledger = Instance(tmp_path, fast=False), Ledger(tmp_path / "ledger.jsonl")
    poster = Poster(instance, ledger, SEED)
    dice = random.Random(SEED)
    await instance.start_until_ready()
    await poster.mint()
    posting = asyncio.create_task(poster.post_all([f"r-{n}" for n in range(COMPLAINTS)]))
    for _ in range(RANDOM_KILLS):
        await asyncio.sleep(dice.random() * 0.6)
        ledger.in_flight_at_deaths += poster.under_way
        await instance.kill()
        await instance.start_until_ready()
    async with asyncio.timeout(300):
        await posting

    verdict = await Checker(instance, ledger).check()
    await instance.stop()
    assert verdict.acknowledged == COMPLAINTS
    assert ledger.in_flight_at_deaths > 0
    print(f"\n{instance.deaths} deaths, {ledger.in_flight_at_deaths} in flight, {verdict}")


def test_every_listed_failpoint_is_in_the_code_and_no_other() -> None:
    """The list is closed: a point that nobody hits, or hits without listing, is a mistake."""
    root = Path(__file__).parents[2]
    sources = [*root.glob("libs/**/*.py"), *root.glob("services/**/*.py")]
    text = "\n".join(path.read_text() for path in sources if path.name != "failpoints.py")
    import re

    hits = re.findall(r'failpoints\.hit\(\s*"([a-z_.]+)"', text)
    direct = re.findall(r'partial\(failpoints\.hit, "([a-z_.]+)"', text)

    assert sorted(set(hits + direct)) == sorted(failpoints.POINTS)


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
