"""An engine that answers, our images on it, and a stack of docker-compose.yml: for tests/containers.

Nothing is built and no engine is started here: `make standins images` does (`make images` alone where
images can be pulled). .engine/env remembers where the engine is and which images stand in.
"""

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Final, NoReturn

import pytest
from aduan_servers.problems import NotHere

from aduan_standalone.deployment import values_in

ROOT: Final = Path(__file__).resolve().parents[2]
STATE: Final = Path(os.environ.get("ENGINE_STATE") or ROOT / ".engine")
REQUIRE: Final = "ADUAN_REQUIRE_ENGINE"
# What docker-compose.yml takes where nothing else is named.
OFFICIAL: Final = {"KAFKA_IMAGE": "apache/kafka:4.2.0", "MONGO_IMAGE": "mongo:8.0"}


def not_proven(reason: object) -> NoReturn:
    """Skip, or fail where an engine must be there."""
    if os.environ.get(REQUIRE, "") not in ("", "0"):
        pytest.fail(f"{REQUIRE} is set, and {reason}", pytrace=False)
    pytest.skip(f"containers not proven: {reason}")


@dataclass(frozen=True, slots=True)
class Engine:
    """A container engine that answers. environment: what its clients need, with the names of images."""

    environment: Mapping[str, str] = field(repr=False)

    def docker(self, *arguments: str, check: bool = True) -> str:
        """Run docker; return what it prints. With `check` a failure fails the test."""
        done = subprocess.run(
            ["docker", *arguments], env=self.environment, capture_output=True, text=True,
            timeout=120, check=False,
        )  # fmt: skip
        assert not check or done.returncode == 0, f"docker {arguments[0]}: {done.stderr[-1500:]}"
        return done.stdout if check else done.stdout + done.stderr

    def image(self, name: str) -> str:
        """Return which image stands for a variable such as KAFKA_IMAGE. Raises NotHere without it."""
        image = self.environment.get(name) or OFFICIAL.get(name, "")
        if not image or not self.has(image):
            raise NotHere(f"{name} {image or 'is not named'}: no such image (`make standins`)")
        return image

    def has(self, image: str) -> bool:
        """Whether the image is there."""
        return bool(self.docker("image", "ls", "--quiet", image))


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack of docker-compose.yml under a name and on ports of its own. file: its .env."""

    engine: Engine
    name: str
    file: Path

    def compose(self, *arguments: str, check: bool = True) -> str:
        """Run compose; return what it prints. With `check` a failure fails the test."""
        done = subprocess.run(
            [ROOT / "deploy/standins/compose.sh", "-p", self.name, "--env-file", self.file,
             *arguments],
            env={**self.engine.environment, "PYTHON": sys.executable},
            capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        said = done.stdout + done.stderr
        assert not check or done.returncode == 0, f"compose {' '.join(arguments)}: {said[-3000:]}"
        return done.stdout if check else said

    def containers(self) -> dict[str, Mapping[str, Any]]:
        """Return what the engine knows of each container, by the name of its service."""
        ids = self.compose("ps", "--all", "--quiet").split()
        found = json.loads(self.engine.docker("inspect", *ids))
        return {one["Config"]["Labels"]["com.docker.compose.service"]: one for one in found}

    def value(self, name: str) -> str:
        """Return a variable of its .env."""
        return values_in(self.file.read_text("utf-8"))[name]

    def smoke(self, *options: str) -> subprocess.CompletedProcess[str]:
        """Run the smoke test against this stack."""
        return subprocess.run(
            [sys.executable, ROOT / "tools" / "compose_smoke.py", "--env", self.file, *options],
            capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip


def environment() -> dict[str, str]:
    """Return this process's environment with what .engine/env remembers, which loses against it."""
    remembered = STATE / "env"
    found = values_in(remembered.read_text("utf-8")) if remembered.exists() else {}
    return found | {name: value for name, value in os.environ.items() if value}


def answering() -> Engine:
    """Return the engine that answers. Raises NotHere with the reason why there is none."""
    found = Engine(environment())
    try:
        done = subprocess.run(
            ["docker", "version", "--format", "{{.Server.Version}}"], env=found.environment,
            capture_output=True, text=True, timeout=20, check=False,
        )  # fmt: skip
        if done.returncode == 0:
            return found
    except (OSError, subprocess.TimeoutExpired):
        pass
    script = ROOT / "deploy" / "standins" / "engine.sh"
    said = subprocess.run([script, "why"], capture_output=True, text=True, check=False).stdout
    raise NotHere(said.strip() or "no engine answers (`make standins images`)")


def needs() -> ModuleType:
    """Load the module by which the build chooses what an image holds."""
    path = ROOT / "deploy" / "docker" / "needs.py"
    spec = importlib.util.spec_from_file_location("needs", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["needs"] = module
    spec.loader.exec_module(module)
    return module


def parts() -> list[str]:
    """Return what deploy/docker/parts.toml can build."""
    return list(needs().parts())
