"""The tools that guard the tests: shown to notice, and shown to complain."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
CODE: Final = "def double(x: int) -> int:\n    return x + x\n"
TEST: Final = (
    "from number import double\n\n\ndef test_twice() -> None:\n    assert double(3) == 6\n"
)


def tool(name: str) -> ModuleType:
    """Load one of tools/*.py as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a small project with one rule and one test."""
    (tmp_path / "libs" / "x" / "src").mkdir(parents=True)
    (tmp_path / "libs" / "x" / "src" / "number.py").write_text(CODE, "utf-8")
    (tmp_path / "tests" / "mutants").mkdir(parents=True)
    (tmp_path / "tests" / "test_number.py").write_text(TEST, "utf-8")
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\n", "utf-8")
    return tmp_path


def patch(tree: Path, name: str, old: str, new: str, test: str = "test_twice") -> None:
    """Write a mutant of the rule."""
    (tree / "tests" / "mutants" / f"{name}.patch").write_text(
        f"# test: tests/test_number.py::{test}\n# breaks: the rule\n"
        "--- a/libs/x/src/number.py\n+++ b/libs/x/src/number.py\n"
        f"@@ -1,2 +1,2 @@\n def double(x: int) -> int:\n-{old}\n+{new}\n",
        "utf-8",
    )


def run_mutants(
    tree: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[int, str]:
    """Run the tool over the small project; return its exit code and what it printed."""
    mutants = tool("mutants")
    monkeypatch.setattr(mutants, "ROOT", tree)
    monkeypatch.setattr(mutants, "PATCHES", tree / "tests" / "mutants")
    monkeypatch.setattr(sys, "argv", ["mutants"])
    code = mutants.main()
    return code, capsys.readouterr().out


RIGHT: Final = "    return x + x"


@pytest.mark.parametrize(
    ("old", "new", "code", "words"),
    [
        (RIGHT, "    return x + x + 1", 0, "noticed"),
        (RIGHT, "    return 2 * x", 1, "SURVIVED"),
        ("    return x * 2", "    return x", 1, "does not apply"),
        (RIGHT, "    return x +", 1, "cannot run"),
    ],
    ids=["noticed", "survived", "stale", "no code"],
)
def test_a_mutant_counts_only_when_its_test_turns_red(
    old: str,
    new: str,
    code: int,
    words: str,
    tree: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A survivor, a patch that no longer applies and a broken program each fail the run."""
    patch(tree, "broken", old, new)
    ended, printed = run_mutants(tree, monkeypatch, capsys)

    assert code == ended
    assert words in printed


def test_a_mutant_whose_test_is_skipped_here_is_neither_noticed_nor_a_survivor(
    tree: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A machine without servers says what it could not judge, and is not red for it."""
    path = tree / "tests" / "test_number.py"
    path.write_text(f"import pytest\n\npytestmark = pytest.mark.skip('no server')\n{TEST}", "utf-8")
    patch(tree, "broken", RIGHT, "    return x + x + 1")
    ended, printed = run_mutants(tree, monkeypatch, capsys)

    assert 0 == ended
    assert "1 cannot be judged here" in printed


def test_a_test_that_is_red_without_a_mutant_proves_nothing(
    tree: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Otherwise every patch would count as noticed."""
    (tree / "tests" / "test_number.py").write_text(TEST.replace("6", "7"), "utf-8")
    patch(tree, "broken", RIGHT, "    return x + x + 1")
    ended, printed = run_mutants(tree, monkeypatch, capsys)

    assert 1 == ended
    assert "not green without a mutant" in printed


def test_a_mutant_without_a_named_test_is_refused(tree: Path) -> None:
    """Whoever writes a patch says what must notice it."""
    path = tree / "tests" / "mutants" / "nameless.patch"
    path.write_text("# breaks: the rule\n--- a/x\n+++ b/x\n", "utf-8")
    with pytest.raises(ValueError, match="# test:"):
        tool("mutants").Mutant.read(path)


def test_a_run_ends_with_what_did_not_run(tmp_path: Path) -> None:
    """A tier that this machine cannot run is listed with its reason, never silently left out."""
    tests = tmp_path / "tests"
    (tests / "integration").mkdir(parents=True)
    (tests / "unit").mkdir()
    (tests / "conftest.py").write_text((ROOT / "tests/conftest.py").read_text("utf-8"), "utf-8")
    (tests / "unit" / "test_a.py").write_text("def test_a() -> None:\n    pass\n", "utf-8")
    (tests / "integration" / "test_b.py").write_text(
        "import pytest\n\n\n@pytest.mark.skip('no broker answers')\ndef test_b() -> None:\n    pass\n",
        "utf-8",
    )
    (tmp_path / "pyproject.toml").write_text(
        f'[tool.pytest.ini_options]\ntestpaths = ["tests"]\npythonpath = ["{ROOT}/tests/support"]\n',
        "utf-8",
    )
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"],
        cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60,
        env=os.environ | {"ADUAN_REQUIRE_SERVERS": "", "ADUAN_CONTAINERS_OUTCOME": ""},
    )  # fmt: skip
    shown = result.stdout.partition("not run here")[2]

    assert "integration: 1 skipped: no broker answers" in shown
    assert "e2e: no test collected" in shown
    assert "unit:" not in shown
    assert "1 passed, 1 skipped" in result.stdout.splitlines()[-1]


SKIPPED: Final = "import pytest\n\n@pytest.mark.skip('containers not proven: no engine answers')\n"


@pytest.mark.parametrize(
    ("test", "code", "words"),
    [
        ("def test_c() -> None:\n    pass\n", 0, "containers: ok: 1 passed"),
        ("def test_c() -> None:\n    assert not 1\n", 1, "containers: FAILED: 1 of 1 tests"),
        (
            f"{SKIPPED}def test_c() -> None:\n    pass\n", 0,
            "containers: NOT PROVEN: no engine answers",
        ),
        (
            f"{SKIPPED}def test_c() -> None:\n    pass\n\ndef test_d() -> None:\n    pass\n", 0,
            "containers: ok: 1 passed; not proven: no engine answers",
        ),
        (
            "import pytest\n\n@pytest.fixture\ndef broken() -> None:\n    raise ValueError\n\n"
            "def test_c(broken: None) -> None:\n    pass\n", 1,
            "containers: FAILED: 1 of 1 tests",
        ),
    ],
    ids=["ok", "failed", "not proven", "in part", "not even started"],
)  # fmt: skip
def test_the_last_session_repeats_how_the_containers_went(
    tmp_path: Path, test: str, code: int, words: str
) -> None:
    """They run alone and before the others, so their own lines are far up; a failure is no ok."""
    tests = tmp_path / "tests"
    (tests / "containers").mkdir(parents=True)
    (tests / "unit").mkdir()
    (tests / "conftest.py").write_text((ROOT / "tests/conftest.py").read_text("utf-8"), "utf-8")
    (tests / "containers" / "test_c.py").write_text(test, "utf-8")
    (tests / "unit" / "test_a.py").write_text("def test_a() -> None:\n    pass\n", "utf-8")
    (tmp_path / "pyproject.toml").write_text(
        f'[tool.pytest.ini_options]\ntestpaths = ["tests"]\npythonpath = ["{ROOT}/tests/support"]\n',
        "utf-8",
    )
    outcome = tmp_path / "outcome"
    outcome.touch()
    first, second = (
        subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", which],
            cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60,
            env=os.environ | {"ADUAN_REQUIRE_SERVERS": "", "ADUAN_CONTAINERS_OUTCOME": str(outcome)},
        )
        for which in ("tests/containers", "--ignore=tests/containers")
    )  # fmt: skip

    assert (code, 0) == (first.returncode, second.returncode)
    assert words in second.stdout.partition("not run here")[2]


def test_the_locks_are_pinned_as_the_proof_reads_them() -> None:
    """The proof takes every version of the lock as a constraint, markers included."""
    lock = (ROOT / "requirements" / "runtime.lock").read_text("utf-8")
    pins = [pin.strip() for pin in tool("prove").PIN.findall(lock)]

    assert sum("--hash" not in line and "==" in line for line in lock.splitlines()) == len(pins)
    assert any(pin.startswith("uvloop==") and "sys_platform" in pin for pin in pins)
    assert not any("\\" in pin for pin in pins)
