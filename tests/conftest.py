"""What holds for every test: no randomness that cannot be repeated, and a list of what did not run."""

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest
import structlog
from hypothesis import settings

ROOT: Final = Path(__file__).resolve().parent
TIERS: Final = (
    ("unit", "rules and tables, pure and fast"),
    ("contracts", "schemas, golden examples, compatibility"),
    ("behaviour", "whole cases through the front door, on the embedded engine"),
    ("architecture", "import directions, packaging, the house itself"),
    ("integration", "one suite per port, on every engine that answers"),
    ("e2e", "separate processes and pages"),
    ("faults", "crashes, repeats, lost logs, full disks"),
    ("containers", "images, the stack of docker-compose.yml, testcontainers"),
)

# The container tier has a session of its own, before the others: this file carries its outcome over.
OUTCOME: Final = "ADUAN_CONTAINERS_OUTCOME"
CONTAINERS: Final = "containers"

pytest_plugins = ("aduan_server_fixtures",)

settings.register_profile("aduan", deadline=None, print_blob=True)
settings.load_profile("aduan")

_collected: set[str] = set()


def tier_of(nodeid: str) -> str:
    """Return the folder under tests/ that a test stands in."""
    parts = nodeid.split("::", 1)[0].split("/")
    return parts[parts.index("tests") + 1] if "tests" in parts[:-1] else "?"


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name bytes by their length: two workers must agree on each name, and bytes may hold a clock."""
    return f"{len(val)} bytes" if isinstance(val, bytes) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Remember which tiers have tests in this run; leave out what only runs when it is asked for."""
    _collected.update(tier_of(item.nodeid) for item in items)
    if os.environ.get("ADUAN_WHOLE"):
        return
    for item in items:
        if item.get_closest_marker("by_hand") is not None:
            item.add_marker(pytest.mark.skip(reason="takes long: ADUAN_WHOLE=1 make test"))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tell the controller of a parallel run which tiers have tests."""
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["tiers"] = sorted(_collected)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a worker of a parallel run collected."""
    _collected.update(getattr(node, "workeroutput", {}).get("tiers", ()))


def outcome_of(stats: Mapping[str, Sequence[Any]]) -> str:
    """Say in words how the container tier went: what failed, or was not proven, is never ok.

    stats: the reports of a session by outcome, as the terminal reporter has them.
    """
    ours = {
        outcome: [
            report for report in reports if tier_of(getattr(report, "nodeid", "")) == CONTAINERS
        ]
        for outcome, reports in stats.items()
    }
    bad = len(ours.get("failed", [])) + len(ours.get("error", []))
    good = len(ours.get("passed", []))
    reasons = sorted(
        {
            reason_of(report).removeprefix("containers not proven: ")
            for report in ours.get("skipped", [])
        }
    )
    if bad:
        return f"FAILED: {bad} of {bad + good} tests"
    if not good:
        return f"NOT PROVEN: {'; '.join(reasons) or 'no test ran'}"
    return f"ok: {good} passed" + (f"; not proven: {'; '.join(reasons)}" if reasons else "")


def reason_of(report: Any) -> str:
    """Return why a test was skipped."""
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else "no reason given"
    return str(reason).removeprefix("Skipped: ")


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """End with what this machine could not run, and why: never silently."""
    skipped: Counter[tuple[str, str]] = Counter()
    for report in terminalreporter.stats.get("skipped", []):
        skipped[tier_of(report.nodeid), reason_of(report)] += 1
    whole = config.args == [str(ROOT)] or config.args == ["tests"]
    absent = [(tier, words) for tier, words in TIERS if whole and tier not in _collected]
    carried = Path(os.environ.get(OUTCOME) or os.devnull)
    if CONTAINERS in _collected and carried != Path(os.devnull):
        carried.write_text(json.dumps(outcome_of(terminalreporter.stats)), "utf-8")
    terminalreporter.section("not run here")
    for (tier, reason), count in sorted(skipped.items()):
        terminalreporter.write_line(f"{tier}: {count} skipped: {reason}")
    before = carried.read_text("utf-8")
    for tier, words in absent:
        said = (
            json.loads(before) if tier == CONTAINERS and before else f"no test collected ({words})"
        )
        terminalreporter.write_line(f"{tier}: {said}")
    if not skipped and not absent:
        terminalreporter.write_line("nothing: every collected test ran")


@pytest.fixture(autouse=True)
def _no_bound_log_ids() -> Iterator[None]:
    """Keep the ids that one test bound to its log lines out of the next one."""
    structlog.contextvars.clear_contextvars()
    yield
    structlog.contextvars.clear_contextvars()
