"""Random schedules of the real storage, relay, inbox and dead-letter code against a model."""

import os
import tempfile
from pathlib import Path

import pytest
from aduan_simulation import Simulation

CHUNKS = 20
SCHEDULES = int(os.environ.get("ADUAN_SCHEDULES", "2000"))
ONE_SEED = os.environ.get("ADUAN_SEED")
# Files that live in memory: the schedules test logic and crashes, not the disk.
FAST = Path("/dev/shm") if Path("/dev/shm").is_dir() else None


async def _play(seed: int) -> None:
    with tempfile.TemporaryDirectory(dir=FAST) as folder:
        simulation = Simulation(Path(folder), seed)
        try:
            await simulation.play(steps=30)
        except AssertionError as error:
            raise AssertionError(f"{error}\nADUAN_SEED={seed}: {simulation.steps}") from error


@pytest.mark.parametrize("chunk", range(CHUNKS))
async def test_nothing_is_lost_doubled_or_stuck_in_any_schedule(chunk: int) -> None:
    """Crashes at every step, repeats, rewinds, zombies, log loss, poison, skips, a late group."""
    if ONE_SEED is not None:
        await _play(int(ONE_SEED))
        return
    for seed in range(chunk, SCHEDULES, CHUNKS):
        await _play(seed)
