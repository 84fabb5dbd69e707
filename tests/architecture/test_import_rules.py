"""The arrows between packages: kept today, and caught when somebody breaks one."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
SOURCES: Final = [*ROOT.glob("*/src"), *ROOT.glob("*/*/src")]
IMPURE: Final = frozenset(
    {
        "aiosmtplib",
        "asyncio",
        "fastapi",
        "httpx",
        "os",
        "pathlib",
        "prometheus_client",
        "random",
        "secrets",
        "socket",
        "sqlite3",
        "starlette",
        "structlog",
        "subprocess",
        "threading",
        "time",
        "uvicorn",
    }
)
IMPURE_OF_OURS: Final = (
    "aduan.engine",
    "aduan.messaging",
    "aduan.observability",
    "aduan.service",
    "aduan.settings",
    "aduan.sqlite",
    "aduan.storage.sqlite",
    "aduan.web.app",
    "aduan.web.edge",
    "aduan.web.keys",
)


def lint_imports(tree: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter with the sources of `tree`."""
    places = [str(path) for path in (*tree.glob("*/src"), *tree.glob("*/*/src"))]
    return subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=tree,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(places)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of all sources, to be broken."""
    tree = tmp_path_factory.mktemp("tree")
    for source in SOURCES:
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(source, tree / source.relative_to(ROOT), ignore=ignore)
    shutil.copy2(ROOT / "pyproject.toml", tree / "pyproject.toml")
    return tree


def test_the_arrows_are_kept(copy: Path) -> None:
    """The tree as it is has no forbidden import."""
    result = lint_imports(copy)

    assert 0 == result.returncode, result.stdout


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        (
            "services/intake/src/aduan_intake",
            "import aduan_sla",
            "services know nothing of each other",
        ),
        (
            "services/sync-laporgub/src/aduan_sync_laporgub",
            "from aduan_routing import py as x",
            "services know nothing of each other",
        ),
        ("simulators/src/aduan_simulators", "import aduan_notify", "services know nothing"),
        ("libs/aduan/src/aduan", "import aduan_intake", "the library knows no service"),
        ("services/sla/src/aduan_sla", "import aduan_standalone", "the single process"),
        ("libs/aduan/src/aduan/contracts", "import aduan.web.app", "stand at the bottom"),
        ("libs/aduan/src/aduan/contracts", "import sqlite3", "stand at the bottom"),
        ("services/notify/src/aduan_notify", "import motor", "one module knows the document"),
        ("libs/aduan/src/aduan/storage", "import pymongo", "one module knows the document"),
        ("standalone/src/aduan_standalone/cli", "import confluent_kafka", "one module administers"),
        ("services/sla/src/aduan_sla/statistics", "import faust", "one module knows Faust"),
        (
            "standalone/src/aduan_standalone/cli",
            "import aduan_sla.entrypoints.statistics_stream",
            "nothing imports the worker on Faust",
        ),
        ("services/sla/src/aduan_sla/domain", "import httpx", "rules are pure"),
        ("services/sla/src/aduan_sla/domain", "from aduan import engine", "rules are pure"),
    ],
)
def test_a_forbidden_import_is_caught(module: str, line: str, contract: str, copy: Path) -> None:
    """Each rule has been broken on purpose, and the check said which."""
    broken = copy / module / "broken_on_purpose.py"
    broken.write_text(f'"""Breaks a rule."""\n\n{line}\n', "utf-8")
    try:
        result = lint_imports(copy)
    finally:
        broken.unlink()

    assert 1 == result.returncode, result.stdout + result.stderr
    assert any(contract in found and "BROKEN" in found for found in result.stdout.splitlines()), (
        result.stdout
    )


def domain_modules() -> list[Path]:
    """Return every module that holds rules: `domain.py`, or anything in a `domain` folder."""
    found = [path for source in SOURCES for path in source.rglob("*.py")]
    return [path for path in found if path.stem == "domain" or "domain" in path.parts]


def names_in(text: str) -> list[str]:
    """Return the modules that a source imports, with their full names."""
    names: list[str] = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names.extend(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.extend([node.module, *(f"{node.module}.{alias.name}" for alias in node.names)])
    return names


def impure(text: str) -> list[str]:
    """Return the imports that a rule must not have."""
    return [
        name
        for name in names_in(text)
        if name.partition(".")[0] in IMPURE or name.startswith(IMPURE_OF_OURS)
    ]


def test_rules_read_no_clock_no_file_and_no_network() -> None:
    """A rule gets everything as an argument, so it can be played through in a test."""
    found = {
        str(path.relative_to(ROOT)): impure(path.read_text("utf-8")) for path in domain_modules()
    }

    assert found
    assert {} == {path: names for path, names in found.items() if names}


@pytest.mark.parametrize(
    "line",
    [
        "import httpx",
        "from time import time",
        "from aduan.storage.sqlite import SqliteStore",
        "from aduan.messaging import port",
        "from aduan import engine",
    ],
)
def test_an_impure_import_is_seen(line: str) -> None:
    """The check above can fail."""
    assert impure(line)


def clock_readings(text: str) -> list[int]:
    """Return the lines that ask the machine what time it is."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Attribute)
        and (
            (node.attr in {"now", "utcnow", "today"} and ast.unparse(node.value) in CLOCKS)
            or ast.unparse(node) in {"time.time", "time.localtime", "time.gmtime"}
        )
    ]


CLOCKS: Final = frozenset({"datetime", "datetime.datetime", "date", "datetime.date", "dt.datetime"})


def test_only_one_module_reads_the_clock() -> None:
    """A clock used in most places is a clock used in none."""
    found = {
        str(path.relative_to(ROOT)): lines
        for source in SOURCES
        for path in source.rglob("*.py")
        if (lines := clock_readings(path.read_text("utf-8")))
    }

    assert ["libs/aduan/src/aduan/clock.py"] == list(found)


@pytest.mark.parametrize("line", ["datetime.now(UTC)", "date.today()", "time.time()"])
def test_a_reading_of_the_clock_is_seen(line: str) -> None:
    """The check above can fail; a clock that was passed in is no reading."""
    assert [1] == clock_readings(line)
    assert [] == clock_readings("clock.now()")
