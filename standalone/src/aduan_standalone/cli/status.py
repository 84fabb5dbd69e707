"""The numbers of the whole instance: sums over what each tells at `/<service>/ops/status`."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from rich.table import Table

from aduan_standalone.cli.api import Api
from aduan_standalone.cli.instance import SERVICES

ORDER: Final = (
    "triage",
    "assigned",
    "accepted",
    "in_progress",
    "awaiting_reporter",
    "answered",
    "closed",
    "conditionally_closed",
    "returned",
    "forwarded",
    "rejected",
    "archived",
)


def fetch(api: Api) -> dict[str, dict[str, Any]]:
    """Ask all five services. Raises Refusal when one does not answer."""
    return {name: api.get(name, f"/{name}/ops/status") for name in SERVICES}


def combine(services: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the one report.

    received .. lag: the promise's numbers. dead_letters counts poison and bug, held counts events
    that wait for an earlier one (in an inbox or as a letter). pending: events not yet published.
    ever: cases that were once in a state. jobs: stored work towards partners and recipients.
    """
    facts: dict[str, Mapping[str, Any]] = {
        name: status.get("facts", {}) for name, status in services.items()
    }
    letters: Counter[str] = Counter()
    for status in services.values():
        letters.update(status["dead_letters"])
    return {
        "received": facts["intake"].get("received", 0),
        "cases": facts["routing"].get("cases", 0),
        "clock_sets": facts["sla"].get("clock_sets", 0),
        "mirror_decisions": dict(facts["sync-laporgub"].get("mirror_decisions", {})),
        "notification_decisions": dict(facts["notify"].get("notification_decisions", {})),
        "states": in_order(facts["routing"].get("states", {})),
        "held": _total(services, "held") + letters["held"],
        "dead_letters": letters["poison"] + letters["bug"],
        "lag": _total(services, "lag"),
        "pending": _total(services, "pending"),
        "in_flight": _total(services, "in_flight"),
        "jobs": sum(int(facts[name].get("jobs", 0)) for name in SERVICES),
        "ever": in_order(facts["routing"].get("ever", {})),
        "warned": facts["sla"].get("warned", 0),
        "breached": facts["sla"].get("breached", 0),
    }


def in_order(states: Mapping[str, int]) -> dict[str, int]:
    """Return counts by state in the order of the lifecycle; unknown names come last."""
    known = {state: states[state] for state in ORDER if state in states}
    return known | {state: n for state, n in states.items() if state not in known}


def table(report: Mapping[str, Any]) -> Table:
    """Return the report for people."""
    found = Table(show_header=False, box=None, pad_edge=False)
    for name, value in report.items():
        if isinstance(value, Mapping):
            words = ", ".join(f"{key} {count}" for key, count in value.items()) or "none"
        else:
            words = str(value)
        found.add_row(name.replace("_", " "), words)
    return found


def _total(services: Mapping[str, Mapping[str, Any]], key: str) -> int:
    return sum(int(status[key]) for status in services.values())
