"""Each distribution declares what it imports, and nothing else; one version, one source of pins.

In the shared environment an undeclared import passes every other test and fails at the first place
where the service is installed alone.
"""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import files, packages_distributions
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
FOLDERS: Final = sorted(
    path.parent for path in (*ROOT.glob("*/pyproject.toml"), *ROOT.glob("*/*/pyproject.toml"))
)
NOT_IMPORTED: Final = {
    "tzdata": "the time zone of WIB where the system has no zone files",
    "uvloop": "uvicorn takes it where it is installed",
    "httptools": "uvicorn takes it where it is installed",
    "python-multipart": "FastAPI reads forms with it",
    "rocksdict": "Faust keeps its table with it",
    "click": "kept below what Faust takes",
}
BUILDS: Final = {"hatchling"}


def normal(name: str) -> str:
    """Return a distribution's name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def project(folder: Path) -> dict[str, Any]:
    """Return the [project] table."""
    found: dict[str, Any] = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
    return found


def declared(folder: Path) -> set[str]:
    """Return the names of the declared dependencies, extras of the distribution included."""
    table = project(folder)
    lines = [*table.get("dependencies", [])]
    for extra in table.get("optional-dependencies", {}).values():
        lines.extend(extra)
    return {normal(re.split(r"[\s\[<>=!~;@]", line, maxsplit=1)[0]) for line in lines}


def imports(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield (module, where) for every import in the sources, local ones included.

    module: the top-level one; the whole name where several distributions share the top level.
    """
    for path in sorted((folder / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            for name in names:
                top = name.partition(".")[0]
                yield name if top in shared() else top, str(path.relative_to(ROOT))


@cache
def shared() -> dict[str, str]:
    """Return the top-level names that several distributions fill, and the modules they hold.

    Each file below such a name -> the distribution that brings it; the name itself -> nobody.
    """
    found: dict[str, str] = {}
    for top, names in packages_distributions().items():
        if len(set(names)) == 1:
            continue
        found[top] = ""
        for name in set(names):
            for file in files(name) or ():
                if file.parts[0] == top and file.suffix == ".py":
                    parts = file.with_suffix("").parts
                    found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = name
    return found


@cache
def providers() -> dict[str, str]:
    """Return module -> distribution: ours by their folder, others by their metadata."""
    others = {module: names[0] for module, names in packages_distributions().items()}
    ours = {next((folder / "src").iterdir()).name: project(folder)["name"] for folder in FOLDERS}
    return {module: normal(name) for module, name in (others | ours).items()}


def distribution_of(module: str) -> str:
    """Return which distribution brings a module."""
    if module in shared():
        return normal(shared()[module])
    return providers().get(module, normal(module))


def test_there_is_a_distribution_for_every_source_folder() -> None:
    """A folder without pyproject.toml could not be installed."""
    sources = {path.parent for path in (*ROOT.glob("*/src"), *ROOT.glob("*/*/src"))}

    assert sources == set(FOLDERS)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_everything_that_is_imported_is_declared(folder: Path) -> None:
    """By name, directly: what another dependency happens to bring may go tomorrow."""
    own = next((folder / "src").iterdir()).name
    known = declared(folder)
    undeclared = {
        (module, where)
        for module, where in imports(folder)
        if module not in sys.stdlib_module_names
        and module not in {own, "__future__"}
        and distribution_of(module) not in known
    }

    assert set() == undeclared


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_everything_that_is_declared_is_used(folder: Path) -> None:
    """A left-over dependency is weight and risk for nothing."""
    used = {distribution_of(module) for module, _ in imports(folder)}

    assert set() == declared(folder) - used - set(NOT_IMPORTED)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_third_party_dependency_is_locked(folder: Path) -> None:
    """What a distribution declares is installed from the hashed lock and from nowhere else."""
    ours = {normal(project(other)["name"]) for other in FOLDERS}

    assert set() == declared(folder) - ours - set(locked("runtime")) - set(locked("statistics"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_distribution_cannot_be_uploaded_and_names_its_terms(folder: Path) -> None:
    """Ours are installed from this tree; a stranger's upload of that name must not be mixed in."""
    table = project(folder)

    assert "Private :: Do Not Upload" in table["classifiers"]
    assert "Apache-2.0" == table["license"]
    assert ">=3.11" == table["requires-python"]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_distribution_is_built_by_the_locked_backend(folder: Path) -> None:
    """Wheels are built from this tree without the network, with what runtime.lock has."""
    whole = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))

    assert {"requires": ["hatchling"], "build-backend": "hatchling.build"} == whole["build-system"]


def test_all_distributions_have_one_version() -> None:
    """They are released together."""
    assert 1 == len({project(folder)["version"] for folder in FOLDERS})


def locked(name: str) -> dict[str, list[str]]:
    """Return distribution -> hashes of a lock file."""
    found: dict[str, list[str]] = {}
    current = ""
    for line in (ROOT / "requirements" / f"{name}.lock").read_text("utf-8").splitlines():
        if pin := re.match(r"([A-Za-z0-9._-]+)==", line):
            current = normal(pin[1])
            found[current] = []
        elif digest := re.search(r"--hash=(sha256:[0-9a-f]{64})", line):
            found[current].append(digest[1])
    return found


@pytest.mark.parametrize("name", ["runtime", "statistics", "dev"])
def test_every_locked_version_has_its_hashes_and_no_address(name: str) -> None:
    """Whoever serves the files cannot change them, and the lock does not say who does."""
    text = (ROOT / "requirements" / f"{name}.lock").read_text("utf-8")

    assert all(locked(name).values())
    assert not re.search(r"https?://|file://|--index-url|--find-links|--extra-index", text)


@pytest.mark.parametrize("other", ["statistics", "dev"])
def test_the_locks_agree(other: str) -> None:
    """A package in both has the same hashes, so the same version."""
    runtime, more = locked("runtime"), locked(other)

    assert {name: runtime[name] for name in runtime.keys() & more.keys()} == {
        name: more[name] for name in runtime.keys() & more.keys()
    }


def test_faust_is_pinned_by_hand() -> None:
    """Its releases changed what happens at a rebalance; nobody gets another one by the way."""
    asked = (ROOT / "requirements" / "statistics.in").read_text("utf-8")

    assert re.search(r"^faust-streaming==0\.15\.3$", asked, re.MULTILINE)
    assert not set(locked("runtime")) & {"faust-streaming", "mode-streaming", "rocksdict"}


def test_everything_that_is_asked_for_is_used_somewhere() -> None:
    """The lists have what distributions declare, what builds them, and nothing else."""
    files = [ROOT / "requirements" / f"{name}.in" for name in ("runtime", "statistics")]
    lines = [line for file in files for line in file.read_text("utf-8").splitlines()]
    asked = {normal(re.split(r"[\s;<>=]", line)[0]) for line in lines if line[:1].isalpha()}
    everything = set[str]().union(*(declared(folder) for folder in FOLDERS))
    ours = {normal(project(folder)["name"]) for folder in FOLDERS}
    direct = {name for name in everything - ours if name not in {"starlette", "pydantic-core"}}

    assert direct | BUILDS | set(NOT_IMPORTED) == asked
