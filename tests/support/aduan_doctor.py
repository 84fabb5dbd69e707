"""`aduan doctor` as a person runs it, and what it said."""

import hashlib
import json
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from aduan_standalone.cli.main import app, main

COMMAND = re.compile(r"`aduan ([a-z-]+)(?: ([a-z]+))?")


@dataclass(frozen=True)
class Said:
    """What one run printed, how it ended, and its findings."""

    code: int
    out: str
    err: str
    findings: list[dict[str, str]]

    def of(self, severity: str) -> list[dict[str, str]]:
        """Return the findings of a severity."""
        return [one for one in self.findings if one["severity"] == severity]

    def about(self, check: str, where: str) -> list[dict[str, str]]:
        """Return what is said about a part, at a place."""
        return [one for one in self.findings if one["check"] == check and where in one["where"]]

    def worst(self, check: str, where: str) -> dict[str, str]:
        """Return the first of these, which is the worst."""
        found = self.about(check, where)
        assert found, [(one["check"], one["where"]) for one in self.findings]
        return found[0]


def doctor(capsys: pytest.CaptureFixture[str], *arguments: object, table: bool = False) -> Said:
    """Run it for scripts. table: also for people, which must come to the same end."""
    capsys.readouterr()  # what other commands said before
    said = _run(capsys, *arguments, "--json")
    report = json.loads(said.out)
    found = report["findings"]
    assert (1 if report["verdict"] == "error" else 0) == said.code
    for one in found:
        check_remedy(one)
    if not table:
        return Said(said.code, said.out, said.err, found)
    shown = _run(capsys, *arguments)
    assert shown.code == said.code, "the table and the JSON disagree"
    return Said(said.code, shown.out + said.out, shown.err + said.err, found)


def _run(capsys: pytest.CaptureFixture[str], *arguments: object) -> Said:
    with pytest.raises(SystemExit) as end:
        main(["doctor", *map(str, arguments)])
    told = capsys.readouterr()
    return Said(int(end.value.code or 0), told.out, told.err, [])


def check_remedy(finding: dict[str, str]) -> None:
    """A finding that is not well has a remedy, and a command in it exists."""
    assert finding["remedy"] or finding["severity"] in {"ok", "not checked"}, finding
    group: Any = get_command(app)
    for name, below in COMMAND.findall(finding["remedy"]):
        assert name in group.commands, finding
        if below and hasattr(group.commands[name], "commands"):
            assert below in group.commands[name].commands, finding


@contextmanager
def unchanged(folder: Path) -> Iterator[None]:
    """Fail where the block left anything in a folder different: bytes, names, modes, times."""
    before = _picture(folder)
    yield
    assert before == _picture(folder)


def _picture(folder: Path) -> dict[str, tuple[str, int, int]]:
    return {
        str(path.relative_to(folder)): (
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
            stat.S_IMODE(path.stat().st_mode),
            path.stat().st_mtime_ns,
        )
        for path in sorted(folder.rglob("*"))
    }
