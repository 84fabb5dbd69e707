"""Breaks the code on purpose, patch by patch, and expects a named test to notice.

Each tests/mutants/*.patch begins with comment lines: `# test: tests/...::name` (may repeat) and
`# breaks: words`; then a unified diff. It is applied in a temporary copy of the tree and the test
is run there. A test that stays green, or a patch that no longer applies, fails the run: a guard
counts only as long as somebody can show that it bites.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
PATCHES: Final = ROOT / "tests" / "mutants"
SOURCES: Final = (
    "libs", "services", "simulators", "standalone", "examples", "tests", "tools", "reference",
    "requirements", "docs", "deploy",
)  # fmt: skip
FILES: Final = ("pyproject.toml", "docker-compose.yml", ".env.example")
TIMEOUT_SECONDS: Final = 300


@dataclass(frozen=True, slots=True)
class Mutant:
    """One patch: what it breaks, and the tests that must turn red."""

    path: Path
    tests: tuple[str, ...]
    breaks: str

    @classmethod
    def read(cls, path: Path) -> "Mutant":
        """Read the comment lines. Raises ValueError when the test or the words are missing."""
        tests: list[str] = []
        breaks = ""
        for line in path.read_text("utf-8").splitlines():
            if line.startswith("# test:"):
                tests.append(line.removeprefix("# test:").strip())
            elif line.startswith("# breaks:"):
                breaks = line.removeprefix("# breaks:").strip()
            elif not line.startswith("#"):
                break
        if not tests or not breaks:
            raise ValueError(f"{path.name} needs `# test:` and `# breaks:` before its diff")
        return cls(path, tuple(tests), breaks)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one mutant. good: the test failed as it should; None: it cannot run here."""

    mutant: Mutant
    good: bool | None
    words: str
    seconds: float


def copy_tree(target: Path) -> None:
    """Copy what tests need, without caches and environments."""
    ignore = shutil.ignore_patterns("__pycache__", "*.egg-info", ".hypothesis", ".mypy_cache")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target / name, ignore=ignore)
    for name in FILES:
        if (ROOT / name).exists():
            shutil.copy2(ROOT / name, target / name)


def environment(tree: Path) -> dict[str, str]:
    """Return an environment in which the copy's packages win over the installed ones."""
    packages = sorted(str(path) for path in tree.glob("*/src")) + sorted(
        str(path) for path in tree.glob("*/*/src")
    )
    return os.environ | {
        "PYTHONPATH": os.pathsep.join(packages),
        "PYTHONDONTWRITEBYTECODE": "1",
        # what the test servers need is fetched once for all copies
        "ADUAN_SERVERS_CACHE": os.environ.get("ADUAN_SERVERS_CACHE") or str(ROOT / ".servers"),
        "ADUAN_WHOLE": "1",
        # or every run of a few tests, none of which uses a server, would be red by itself
        "ADUAN_REQUIRE_SERVERS": "",
    }


def run_tests(tree: Path, tests: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    """Run the named tests in a copy of the tree."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests],
        cwd=tree,
        env=environment(tree),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )


def judge(mutant: Mutant) -> Outcome:
    """Apply one patch in a fresh copy, run its tests, say what happened."""
    began = time.monotonic()

    def outcome(words: str, *, good: bool | None = False) -> Outcome:
        return Outcome(mutant, good, words, time.monotonic() - began)

    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        tree = Path(folder)
        copy_tree(tree)
        applied = subprocess.run(
            ["git", "apply", "--whitespace=nowarn", str(mutant.path)],
            cwd=tree,
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"GIT_CEILING_DIRECTORIES": str(tree.parent)},
        )
        if applied.returncode != 0:
            first = (applied.stderr.strip().splitlines() or ["?"])[0]
            return outcome(f"does not apply: {first}")
        try:
            result = run_tests(tree, mutant.tests)
        except subprocess.TimeoutExpired:
            return outcome("noticed (time-out)", good=True)
    if result.returncode == 1:
        return outcome("noticed", good=True)
    if result.returncode == 0 and " passed" not in result.stdout:
        return outcome("not judged: skipped here", good=None)
    if result.returncode == 0:
        return outcome("SURVIVED: the test stays green")
    return outcome(f"the test cannot run (pytest exit {result.returncode})")


def baseline(tests: tuple[str, ...]) -> str | None:
    """Return why the tests cannot judge anything: they must be green without a mutant."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        copy_tree(Path(folder))
        result = run_tests(Path(folder), tests)
    return None if result.returncode == 0 else result.stdout[-3000:] + result.stderr[-1000:]


def lines(outcomes: Iterator[Outcome]) -> Iterator[tuple[str, bool | None]]:
    """Yield the table line by line, with whether each is good."""
    for found in outcomes:
        mark = {True: "ok ", False: "BAD", None: "-- "}[found.good]
        name = found.mutant.path.stem
        yield (
            f"{mark} {name:<34} {found.words:<28} {found.seconds:5.1f} s  {found.mutant.breaks}",
            found.good,
        )


def main() -> int:
    """Judge all mutants, or those whose names are given. Exit 1 if one is not noticed."""
    parser = argparse.ArgumentParser(description=__doc__, add_help=True)
    parser.add_argument("names", nargs="*", help="stems of patches; default: all")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    paths = [
        path
        for path in sorted(PATCHES.glob("*.patch"))
        if not arguments.names or path.stem in arguments.names
    ]
    if not paths:
        print("no such mutant")
        return 1
    mutants = [Mutant.read(path) for path in paths]
    every = tuple(dict.fromkeys(test for mutant in mutants for test in mutant.tests))
    if (why := baseline(every)) is not None:
        print(f"the named tests are not green without a mutant:\n{why}")
        return 1
    counts = {True: 0, False: 0, None: 0}
    with ThreadPoolExecutor(max_workers=arguments.jobs) as pool:
        for line, good in lines(iter(pool.map(judge, mutants))):
            print(line, flush=True)
            counts[good] += 1
    print(f"{counts[True]} noticed, {counts[False]} not, {counts[None]} cannot be judged here")
    return 1 if counts[False] else 0


if __name__ == "__main__":
    raise SystemExit(main())
