"""Schedules that found something once, or that a mutant shows to be telling; few, so always run.

The whole simulation is in test_simulation.py; a seed here is one that a known mistake turns red.
"""

import tempfile
from pathlib import Path

import pytest
from aduan_simulation import Simulation

TELLING = (0, 5, 17, 19, 25, 28, 51, 59, 241, 298)
FAST = Path("/dev/shm") if Path("/dev/shm").is_dir() else None


@pytest.mark.parametrize("seed", TELLING)
async def test_schedules_that_told_once_still_hold(seed: int) -> None:
    """Nothing is lost, doubled or stuck in them."""
    with tempfile.TemporaryDirectory(dir=FAST) as folder:
        await Simulation(Path(folder), seed).play(steps=30)
