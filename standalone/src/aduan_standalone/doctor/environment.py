"""The variables: which are missing, not valid, or read by nobody."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Final

from pydantic_settings import BaseSettings

from aduan.settings import BusSettings, Complaint, read, variables
from aduan.variables import nearest, unknown
from aduan_standalone.cli.instance import SERVICES
from aduan_standalone.doctor.findings import Finding, ok

# What the commands, the tests and the processes beside the five services read.
OTHERS: Final = (
    "ADUAN_FAIL_AT",
    "ADUAN_REFERENCE_DIR",
    "ADUAN_TOKEN",
)
# Of the tests and of development alone.
FOREIGN: Final = (
    "ADUAN_TEST_",
    "ADUAN_REQUIRE_",
    "ADUAN_CONTAINERS_",
    "ADUAN_SERVERS_CACHE",
    "ADUAN_SEED",
    "ADUAN_WHOLE",
    "ADUAN_KILLS_AT_EACH",
    "ADUAN_RANDOM_KILLS",
    "ADUAN_COMPLAINTS",
    "ADUAN_SCHEDULES",
    "ADUAN_REAL_ROWS",
)


# Processes beside the five services, with settings of their own.
BESIDE: Final[Mapping[str, tuple[str, str]]] = {
    "statistics": ("aduan_sla.statistics.settings", "StatisticsSettings"),
    "canary": ("aduan_standalone.canary.settings", "Settings"),
}


def settings_class(service: str) -> type[BaseSettings]:
    """Return the settings of a service, or of a process beside them."""
    module, name = BESIDE.get(service, (f"aduan_{service.replace('-', '_')}.settings", "Settings"))
    kind: type[BaseSettings] = getattr(import_module(module), name)
    return kind


def prefix_of(service: str) -> str:
    """Return how the variables of a service begin."""
    return f"ADUAN_{service.replace('-', '_').upper()}_"


def is_given(service: str, environment: Mapping[str, str]) -> bool:
    """Whether the environment says anything about a service."""
    return any(name.upper().startswith(prefix_of(service)) for name in environment)


def known() -> frozenset[str]:
    """Return every variable that somebody reads."""
    kinds: list[type[BaseSettings]] = [BusSettings, *map(settings_class, (*SERVICES, *BESIDE))]
    return frozenset((*(name for kind in kinds for name in variables(kind)), *OTHERS))


def of_service(
    service: str, environment: Mapping[str, str]
) -> tuple[BaseSettings | None, list[Finding]]:
    """Return a service's settings, None where it could not start with them, and what is to say."""
    kind = settings_class(service)
    settings, complaints = read(kind, environment)
    found = [_finding(service, one) for one in complaints]
    if not found:
        count = sum(name in environment for name in variables(kind))
        found = [ok("settings", f"{service}: {count} variables, all valid", prefix_of(service))]
    return settings, found


def strangers(environment: Mapping[str, str], *, but: Sequence[str] = ()) -> list[Finding]:
    """Return a finding for each variable that nobody reads.

    but: beginnings that were looked at already, with their service.
    """
    names = known()
    prefixes = [*map(prefix_of, (*SERVICES, *BESIDE)), "ADUAN_KAFKA_", "ADUAN_MONGO_", "ADUAN_"]
    found = []
    for name, near in unknown(environment, names, prefixes=prefixes, others=FOREIGN).items():
        if name.startswith(tuple(but)):
            continue
        meant = near or nearest(name, names)
        remedy = f"name it {meant}, or take it away" if meant else "take it away"
        found.append(Finding("settings", "warning", "nobody reads this variable", name, remedy))
    return found or [ok("settings", "every ADUAN_ variable is known", "environment")]


def _finding(service: str, complaint: Complaint) -> Finding:
    words = f"{service} cannot start: {complaint}"
    if "unknown" in complaint.words:
        remedy = f"name it as {service}'s settings do, or take it away: it is read by nobody"
    elif "missing" in complaint.words:
        remedy = f"set {complaint.name} for {service}, then start it again"
    else:
        remedy = f"correct {complaint.name} for {service}, then start it again"
    return Finding("settings", "error", words, complaint.name, remedy)
