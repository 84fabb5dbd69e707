"""The container tier: real images and the real stack, on whatever engine answers.

Without an engine or without images each test is skipped with the reason, and fails where
ADUAN_REQUIRE_ENGINE=1. It runs in a session of its own, whose outcome the next session repeats.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Final

import pytest
from aduan_containers import ROOT, Engine, Stack, answering, not_proven, parts
from aduan_servers import ports
from aduan_servers.problems import NotHere

PUBLISHED: Final = (
    "INTAKE", "ROUTING", "SLA", "SYNC_LAPORGUB", "NOTIFY", "STATISTICS", "PROMETHEUS",
    "ALERTMANAGER", "GRAFANA",
)  # fmt: skip


@pytest.fixture(scope="session")
def engine() -> Engine:
    """Return the engine that answers."""
    try:
        return answering()
    except NotHere as reason:
        not_proven(reason)


@pytest.fixture(scope="session")
def images(engine: Engine) -> Engine:
    """Return the engine once our own images are there."""
    missing = [part for part in parts() if not engine.has(f"aduan/{part}:dev")]
    if missing:
        not_proven(f"there is no image of {', '.join(missing)} (`make images`)")
    return engine


@pytest.fixture(scope="session")
def stack(images: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Start the whole stack once, with secrets of its own, and leave nothing of it behind."""
    try:
        for name in ("KAFKA_IMAGE", "MONGO_IMAGE"):
            images.image(name)
    except NotHere as reason:
        not_proven(reason)
    file = tmp_path_factory.mktemp("stack") / "env"
    subprocess.run(
        [sys.executable, "-m", "aduan_standalone.cli.main", "env", "--output", file,
         "--example", ROOT / ".env.example"],
        check=True, capture_output=True,
    )  # fmt: skip
    chosen = zip(PUBLISHED, ports.reserve(len(PUBLISHED)), strict=True)
    with file.open("a", encoding="utf-8") as text:
        text.writelines(f"{name}_PORT={port}\n" for name, port in chosen)
    found = Stack(images, f"aduan-test-{os.getpid()}", file)
    try:
        found.compose("up", "--detach", "--wait", "--pull", "never")
        yield found
    finally:
        found.compose("--profile", "*", "down", "--volumes", "--remove-orphans", "-t", "5")
