"""Our own images: what is in them, and as whom they run."""

import json
from typing import Final

import pytest
from aduan_containers import ROOT, Engine, needs, parts

INSTALLED: Final = (
    "import importlib.metadata as m, json, sysconfig;"
    "print(json.dumps([d.name for d in m.distributions(path=[sysconfig.get_path('purelib')])]))"
)
COMPILERS: Final = ("gcc", "cc", "g++", "c++", "clang", "make", "ld")
# With these a process can write nowhere and may do nothing special.
CLOSED: Final = (
    "--rm", "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--network", "none",
    "--security-opt", "no-new-privileges:true",
)  # fmt: skip
SERVICES: Final = ("intake", "routing", "sla", "sync-laporgub", "notify", "statistics")


@pytest.mark.parametrize("part", parts())
def test_an_image_runs_as_nobody_special_and_knows_its_health(images: Engine, part: str) -> None:
    """Neither root nor a compiler, and an orchestrator is told how to ask."""
    (found,) = json.loads(images.docker("image", "inspect", f"aduan/{part}:dev"))
    shell = " ".join(f"command -v {name};" for name in COMPILERS)
    said = images.docker(
        "run", *CLOSED, "--entrypoint", "sh", f"aduan/{part}:dev", "-c", f"{shell} id -u"
    )

    assert found["Config"]["User"] == "10001:10001"
    assert found["Config"]["Healthcheck"]["Test"][:2] == ["CMD", "python"]
    assert said.split() == ["10001"]


@pytest.mark.parametrize("part", parts())
def test_an_image_holds_what_its_part_declares_and_nothing_else(images: Engine, part: str) -> None:
    """What is not there cannot be attacked, and need not be renewed."""
    module = needs()
    folders, _ = module.declared_by(ROOT / module.part_named(part)["distribution"], ROOT, ())
    local = module.local_distributions(ROOT)
    own = {name for name, folder in local.items() if folder in folders}
    outside = {*module.requirements(part, ROOT), *module.requirements("library", ROOT)}

    said = images.docker(
        "run", *CLOSED, "--entrypoint", "python", f"aduan/{part}:dev", "-c", INSTALLED
    )

    assert own | outside == {module.normal(name) for name in json.loads(said)}


@pytest.mark.parametrize("part", SERVICES)
def test_a_service_without_settings_says_which_and_ends(images: Engine, part: str) -> None:
    """On a read-only root, without a network, as nobody: one sentence, and no traceback."""
    said = images.docker("run", *CLOSED, f"aduan/{part}:dev", check=False)

    assert "cannot start: ADUAN_BUS is missing; " in said
    assert "Traceback" not in said


def test_the_health_check_is_red_where_nobody_listens(images: Engine) -> None:
    """A check that always says yes would send people to a dead service."""
    said = images.docker(
        "run", *CLOSED, "--entrypoint", "sh", "aduan/intake:dev", "-c",
        "python -IS /opt/aduan/health.py; echo code $?",
    )  # fmt: skip

    assert said.split() == ["code", "1"]


def test_neither_tests_nor_secrets_are_in_an_image(images: Engine) -> None:
    """What an image is made of is a closed list, and the biggest one has all of it."""
    said = images.docker(
        "run", *CLOSED, "--entrypoint", "sh", "aduan/tools:dev", "-c",
        "find /opt/aduan -name 'test*' -o -name 'samples'; find / -xdev -name '.env*' 2>/dev/null",
        check=False,
    )  # fmt: skip

    assert not said.strip()
