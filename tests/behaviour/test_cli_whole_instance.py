"""The `aduan` command against all five services: up, feed, status, case, stop, and the demo."""

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).parents[2]
SAMPLES: Final = ROOT / "reference" / "samples" / "complaints.jsonl"
SHOWN: Final = (
    "triage", "assigned", "awaiting_reporter", "answered", "closed", "conditionally_closed",
    "returned", "forwarded", "breaches",
)  # fmt: skip


def aduan(*arguments: object, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "aduan_standalone.cli.main", *map(str, arguments)],
        capture_output=True, text=True, timeout=timeout, check=False,
    )  # fmt: skip


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A running instance with simulators; gives its data folder."""
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    monkeypatch.delenv("ADUAN_TOKEN", raising=False)
    data = tmp_path / "data"
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "aduan_standalone.cli.main", "up", "--data", str(data),
             "--port", "0", "--simulators"],
            stdout=subprocess.PIPE, stderr=log, text=True,
        )  # fmt: skip
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("ready http://127.0.0.1:"), (tmp_path / "log").read_text()
    yield data
    process.terminate()
    process.wait(30)
    process.stdout.close()


def report_of(data: Path, wanted: int) -> dict[str, Any]:
    """Return the status once all services have worked everything off."""
    deadline = time.monotonic() + 90
    while True:
        report: dict[str, Any] = json.loads(aduan("status", "--json", "--data", data).stdout)
        idle = not (report["lag"] or report["pending"] or report["in_flight"])
        if idle and report["clock_sets"] >= wanted:
            return report
        assert time.monotonic() < deadline, report
        time.sleep(0.3)


def inflow(data: Path) -> float:
    """Return how many complaints of this week the figures on /metrics count."""
    url = json.loads((data / "instance.json").read_text("utf-8"))["url"]
    with urllib.request.urlopen(f"{url}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    told = [
        line for line in lines
        if line.startswith("aduan_statistics_inflow{")
        and all(word in line for word in ('"all"', '"week"', '"current"'))
    ]  # fmt: skip
    return float(told[0].rsplit(" ", 1)[1]) if told else -1


@pytest.mark.slow
def test_every_fed_complaint_becomes_one_case_with_clocks_and_a_mirror_decision(
    instance: Path, tmp_path: Path
) -> None:
    """A second feed adds nothing; the story of one case has no gap; stop ends the instance."""
    ledger = tmp_path / "ledger"
    fed = aduan("feed", SAMPLES, "--data", instance, "--ledger", ledger, "--json")
    lines = [json.loads(line) for line in ledger.read_text("utf-8").splitlines()]
    count = len(lines)
    report = report_of(instance, count)
    again = json.loads(aduan("feed", SAMPLES, "--data", instance, "--json").stdout)
    after = report_of(instance, count)
    story = json.loads(aduan("case", lines[0]["ticket"], "--data", instance, "--json").stdout)

    assert 0 == fed.returncode, fed.stderr
    assert count == len(SAMPLES.read_text("utf-8").splitlines())
    # The LaporGub simulator may report something of its own meanwhile, hence "at least".
    assert report["received"] == report["cases"] == report["clock_sets"] >= count
    assert sum(report["mirror_decisions"].values()) == report["cases"]
    assert sum(report["states"].values()) == report["cases"]
    assert (0, 0) == (report["held"], report["dead_letters"])
    assert count == again["repeated"]
    assert after["received"] - report["received"] <= 3
    assert lines[0]["ticket"] == story["ticket"]
    assert {} == story["gaps"]
    assert [] == story["letters"]
    assert "complaint.created" == story["events"][0]["topic"]
    assert {"intake", "routing", "sla"} <= {event["service"] for event in story["events"]}
    deadline = time.monotonic() + 60
    while (counted := inflow(instance)) != report_of(instance, count)["received"]:
        assert time.monotonic() < deadline, f"the figures count {counted}"
        time.sleep(0.3)
    listed = aduan("dlq", "list", "--data", instance)
    assert "No dead letters." in listed.stdout
    stopped = aduan("stop", "--data", instance)
    assert 0 == stopped.returncode, stopped.stderr
    assert "stopped" in stopped.stdout
    assert 2 == aduan("status", "--data", instance).returncode


@pytest.mark.slow
def test_a_second_up_on_one_folder_is_refused_with_a_sentence(instance: Path) -> None:
    """And the first goes on."""
    second = aduan("up", "--data", instance, "--port", "0")

    assert 2 == second.returncode
    assert "in use" in second.stderr
    assert 0 == aduan("status", "--data", instance).returncode


@pytest.mark.slow
def test_the_demo_settles_and_its_table_shows_every_state(tmp_path: Path) -> None:
    """Exit 0; each state that the demo promises was reached by a case at least once."""
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path), "COLUMNS": "160"}
    ended = subprocess.run(
        [sys.executable, "-m", "aduan_standalone.cli.main", "demo", "--until-settled", "--exit",
         "--port", "0"],
        capture_output=True, text=True, timeout=240, env=environment, check=False,
    )  # fmt: skip
    counts = {
        state: int(found.group(1))
        if (found := re.search(rf"│ {state} .*?(\d+) +│", ended.stdout))
        else 0
        for state in SHOWN
    }

    assert 0 == ended.returncode, ended.stdout + ended.stderr
    assert all(counts.values()), ended.stdout
    assert [] == list(tmp_path.glob("aduan/*.json")), "the instance ended with the demo"
