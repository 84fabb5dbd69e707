"""The house itself: verbs, hooks and papers are what they say."""

import re
import subprocess
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
VERBS: Final = (
    "help", "install", "demo", "test", "lint", "types", "prove", "mutants", "bench", "faults",
    "servers", "cluster", "stop", "clean",
)  # fmt: skip
ADRS: Final = sorted((ROOT / "docs" / "adr").glob("*.md"))
MUTANTS: Final = sorted((ROOT / "tests" / "mutants").glob("*.patch"))


def test_every_verb_has_one_line_of_help() -> None:
    """A newcomer types make and knows what he can do."""
    result = subprocess.run(
        ["make", "--no-print-directory", "help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    shown = {line.split()[1]: line for line in result.stdout.splitlines()}

    assert set(VERBS) <= set(shown)
    assert all(len(line) <= 110 for line in shown.values())


def test_ci_runs_what_a_person_runs() -> None:
    """The same two verbs, so that green here is green there."""
    text = (ROOT / ".ci" / "run").read_text("utf-8")

    assert "set -euo pipefail" in text
    assert "make lint" in text
    assert "make test" in text


def test_hooks_run_the_tools_of_the_lock_and_nothing_from_elsewhere() -> None:
    """One version of each tool: a hook with its own would disagree with make."""
    text = (ROOT / ".pre-commit-config.yaml").read_text("utf-8")

    assert {"local"} == set(re.findall(r"repo: (\S+)", text))
    assert {"system"} == set(re.findall(r"language: (\S+)", text))


@pytest.mark.parametrize("path", ADRS, ids=lambda path: path.stem)
def test_a_decision_has_its_parts_on_one_page(path: Path) -> None:
    """Number, dated status, context, decision and consequences; one page."""
    text = path.read_text("utf-8")

    assert re.fullmatch(r"\d{4}-[a-z0-9-]+", path.stem)
    assert re.search(
        r"^Status: (accepted|superseded by \d{4}), \d{4}-\d{2}-\d{2}", text, re.MULTILINE
    )
    for part in ("## Context", "## Decision", "## Consequences"):
        assert part in text
    assert len(text.split()) < 700


def test_no_decision_number_is_used_twice() -> None:
    """Numbers are not reused, and the first five are there."""
    numbers = [path.stem[:4] for path in ADRS]

    assert sorted(set(numbers)) == numbers
    assert ["0001", "0002", "0003", "0004", "0005"] == numbers[:5]


@pytest.mark.parametrize("path", MUTANTS, ids=lambda path: path.stem)
def test_a_mutant_names_a_test_that_exists(path: Path) -> None:
    """A patch whose test was renamed would prove nothing."""
    named = re.findall(r"^# test: (\S+?)::(\w+)", path.read_text("utf-8"), re.MULTILINE)

    assert named
    for file, function in named:
        text = (ROOT / file).read_text("utf-8")
        assert re.search(rf"def {function}\b", text), f"{function} is not in {file}"


def links(text: str) -> list[str]:
    """Return the local targets of a Markdown text, without their anchors."""
    return [
        target.partition("#")[0]
        for target in re.findall(r"\]\(([^)\s]+)\)", text)
        if not re.match(r"[a-z]+:|#", target)
    ]


def papers() -> list[Path]:
    """Return every Markdown file of the project."""
    folders = [*ROOT.glob("*/README.md"), *ROOT.glob("*/*/README.md")]
    return [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *folders]


@pytest.mark.parametrize("path", papers(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(path: Path) -> None:
    """A reader who follows a link inside the project arrives."""
    targets = links(path.read_text("utf-8"))

    assert [] == [target for target in targets if not (path.parent / target).exists()]
