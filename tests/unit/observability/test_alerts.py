"""The alerts: they parse, name what exists, fire when they should, keep silent when they should not."""

import re
import shutil
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from aduan_prometheus import OBSERVABILITY, ROOT, files, rules, run
from aduan_promql import problems
from typer.main import get_command

from aduan_standalone.cli.main import app
from aduan_standalone.series import every_series

RULES: Final = rules()
KNOWN: Final = {series.name: series for series in every_series()}
RUNBOOKS: Final = ROOT / "docs" / "runbooks"
PARTS: Final = (
    "## What it means to the citizen", "## How to look", "## What to do", "## It is over when",
)  # fmt: skip
CASES: Final = {
    path.name: yaml.safe_load(path.read_text("utf-8"))["tests"]
    for path in sorted((OBSERVABILITY / "alerts" / "tests").glob("*.yml"))
}


def asked(case: dict[str, Any]) -> tuple[str, bool]:
    """Return which alert a case asks for, and whether it should fire."""
    (question,) = case["promql_expr_test"]
    found = re.search(r'alertname="(\w+)"', question["expr"])
    assert found is not None
    return found[1], bool(question["exp_samples"])


def test_the_rules_are_right_for_prometheus() -> None:
    """Its own tool reads rules and configuration."""
    for what, *paths in (
        ("rules", *files()),
        ("config", OBSERVABILITY / "prometheus.yml"),
    ):
        ended = run("promtool", "check", what, *paths)
        assert 0 == ended.returncode, ended.stdout


def test_the_operator_of_kubernetes_scrapes_under_the_same_labels() -> None:
    """Its own label `service` would push ours aside, and every alert by service would be silent."""
    text = (ROOT / "deploy/k8s/components/monitoring/service-monitors.yaml").read_text("utf-8")
    endpoints = [
        one for monitor in yaml.safe_load_all(text) for one in monitor["spec"]["endpoints"]
    ]
    config = yaml.safe_load((OBSERVABILITY / "prometheus.yml").read_text("utf-8"))

    assert "aduan" in {job["job_name"] for job in config["scrape_configs"]}
    assert len(endpoints) >= 6
    for endpoint in endpoints:
        assert endpoint["honorLabels"] is True
        relabelled = {one["targetLabel"]: one for one in endpoint["relabelings"]}
        assert {"job", "component"} == set(relabelled)
        assert "aduan" == relabelled["job"]["replacement"]


def test_alertmanager_is_scraped_where_alerts_are_sent_to() -> None:
    """That it reaches nobody is known to it alone."""
    config = yaml.safe_load((OBSERVABILITY / "prometheus.yml").read_text("utf-8"))
    jobs = {job.pop("job_name"): job for job in config["scrape_configs"]}

    assert [jobs["alertmanager"]] == config["alerting"]["alertmanagers"]


def test_the_routes_are_right_for_alertmanager() -> None:
    """Its own tool reads them; a page and both kinds of tickets reach whom they should."""
    config = OBSERVABILITY / "alertmanager.yml"
    ended = run("amtool", "check-config", config)

    assert 0 == ended.returncode, ended.stdout
    for labels, receiver in (
        (("severity=page", "audience=operator"), "on-duty"),
        (("severity=ticket", "audience=operator"), "operators"),
        (("severity=ticket", "audience=coordinator"), "coordinator"),
    ):
        told = run("amtool", "config", "routes", "test", f"--config.file={config}", *labels)
        assert receiver == told.stdout.splitlines()[-1], told.stdout


def test_each_alert_fires_and_keeps_silent_in_its_cases() -> None:
    """`promtool test rules` over all cases."""
    ended = run(
        "promtool", "test", "rules", *sorted((OBSERVABILITY / "alerts/tests").glob("*.yml"))
    )

    assert 0 == ended.returncode, ended.stdout


@pytest.mark.parametrize(
    ("expr", "fires"), [("vector(0) > 1", True), ("vector(1)", False)], ids=["never", "always"]
)
def test_a_rule_that_never_fires_or_always_does_is_noticed(
    tmp_path: Path, expr: str, fires: bool
) -> None:
    """Each alert is broken so; each of its cases of the other kind turns red."""
    shutil.copytree(OBSERVABILITY / "alerts" / "tests", tmp_path / "tests")
    for path in files():
        broken = yaml.safe_load(path.read_text("utf-8"))
        for group in broken["groups"]:
            for rule in group["rules"]:
                rule |= {"expr": expr}
                rule.pop("for", None)
        (tmp_path / path.name).write_text(yaml.safe_dump(broken), "utf-8")
    red: set[str] = set()
    for path in sorted((tmp_path / "tests").glob("*.yml")):
        ended = run("promtool", "test", "rules", path)
        red |= set(re.findall(r'alertname=\\"(\w+)\\"', ended.stdout))

    assert set(RULES) == red
    assert {(name, fires) for name in RULES} <= {
        asked(case) for cases in CASES.values() for case in cases
    }


def test_each_alert_has_a_case_of_each_kind_in_its_own_file() -> None:
    """And no case asks for an alert that is gone."""
    for path in files():
        names = {
            rule["alert"]
            for group in yaml.safe_load(path.read_text("utf-8"))["groups"]
            for rule in group["rules"]
        }
        cases = [asked(case) for case in CASES[f"{path.stem}_test.yml"]]
        assert {(name, kind) for name in names for kind in (True, False)} == set(cases)
        for case in CASES[f"{path.stem}_test.yml"]:
            assert case["name"].startswith(f"{asked(case)[0]} ")


@pytest.mark.parametrize("name", sorted(RULES))
def test_an_alert_asks_for_what_exists(name: str) -> None:
    """A renamed metric would make it silent for ever. So would its case, which invents series."""
    assert [] == problems(RULES[name]["expr"], KNOWN)


def test_the_cases_feed_series_that_exist() -> None:
    """A case with an invented metric proves nothing."""
    for cases in CASES.values():
        for case in cases:
            for series in case["input_series"]:
                assert [] == problems(series["series"], KNOWN), case["name"]


@pytest.mark.parametrize("name", sorted(RULES))
def test_an_alert_says_who_hears_it_what_it_means_and_where_help_is(name: str) -> None:
    """Severity, audience, summary, description in plain words, and its runbook."""
    rule = RULES[name]

    assert {"severity", "audience"} == set(rule["labels"])
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert rule["labels"]["audience"] in {"operator", "coordinator"}
    assert "page" != rule["labels"]["severity"] or "operator" == rule["labels"]["audience"]
    assert {"summary", "description", "runbook_url"} == set(rule["annotations"])
    assert f"docs/runbooks/{name}.md" == rule["annotations"]["runbook_url"]
    assert len(rule["annotations"]["description"].split()) >= 10
    assert not re.search(r"aduan_\w", rule["annotations"]["description"]), "plain words"


@pytest.mark.parametrize("name", sorted(RULES))
def test_a_runbook_has_its_four_parts_and_its_commands_exist(name: str) -> None:
    """Whoever is woken finds what it means, how to look, what to do, and when it is over."""
    text = (RUNBOOKS / f"{name}.md").read_text("utf-8")
    group: Any = get_command(app)

    assert text.startswith(f"# {name}\n")
    assert list(PARTS) == re.findall(r"^## .*", text, re.MULTILINE)
    severity = "Page." if RULES[name]["labels"]["severity"] == "page" else "Ticket"
    assert f"*{severity}" in text
    assert ("coordinator of the city" in text) == (
        RULES[name]["labels"]["audience"] == "coordinator"
    )
    for command, below in re.findall(r"`aduan ([a-z-]+)(?: ([a-z]+))?", text):
        assert command in group.commands, command
        if hasattr(group.commands[command], "commands"):
            assert below in group.commands[command].commands, (command, below)
    for runbook in re.findall(r"\]\((\w+)\.md\)", text):
        assert runbook in RULES


def test_every_runbook_belongs_to_an_alert_and_stands_in_the_index() -> None:
    """A page that no alert opens is never read."""
    pages = {path.stem for path in RUNBOOKS.glob("*.md")} - {"README"}
    index = (RUNBOOKS / "README.md").read_text("utf-8")

    assert set(RULES) == pages
    assert {*re.findall(r"^\| \[(\w+)\]\(\1\.md\)", index, re.MULTILINE)} == pages
    for name, rule in RULES.items():
        heard = (
            "page" if rule["labels"]["severity"] == "page"
            else {"operator": "operators", "coordinator": "coordinator"}[rule["labels"]["audience"]]
        )  # fmt: skip
        assert f"| [{name}]({name}.md) | {heard} |" in index
