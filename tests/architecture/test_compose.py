"""What is deployed by compose is what the settings classes read; and what images are made of is closed."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import uvicorn
import yaml
from aduan_containers import needs, parts
from pydantic import SecretStr
from pydantic_settings import BaseSettings

import aduan_intake.settings
import aduan_notify.settings
import aduan_routing.settings
import aduan_sla.settings
import aduan_standalone.canary.settings
import aduan_sync_laporgub.settings
from aduan.settings import BusSettings, load, variable
from aduan.web.keys import KeyRecord
from aduan_sla.statistics.settings import StatisticsSettings
from aduan_standalone.deployment import values_in

ROOT: Final = Path(__file__).resolve().parents[2]
COMPOSE: Final[dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES: Final[dict[str, dict[str, Any]]] = COMPOSE["services"]
EXAMPLE: Final = (ROOT / ".env.example").read_text("utf-8")
# Which class reads the variables of which container.
SETTINGS: Final[Mapping[str, type[BaseSettings]]] = {
    "intake": aduan_intake.settings.Settings,
    "routing": aduan_routing.settings.Settings,
    "sla": aduan_sla.settings.Settings,
    "sync-laporgub": aduan_sync_laporgub.settings.Settings,
    "notify": aduan_notify.settings.Settings,
    "statistics": StatisticsSettings,
    "canary": aduan_standalone.canary.settings.Settings,
    "topics": BusSettings,
}
# Beside them: what the deployer's commands read by themselves.
ALSO: Final = {"migrate": {"ADUAN_STORE"}}
# Required by a validator, with a partner's address, and not by its lack of a default.
WITH_PARTNERS: Final = {
    "intake_url", "intake_portal_key", "seal_key", "laporgub_token", "sp4n_bearer", "sp4n_token",
}  # fmt: skip
SECRET_WORDS: Final = re.compile(r"PASSWORD|TOKEN|BEARER|_KEY$|_KEYS$|PASSWORD_OF")
PUBLIC: Final = {"ADUAN_SYNC_LAPORGUB_INTAKE_URL"}
INSIDE: Final = re.compile(r"\$\{([A-Z][A-Z0-9_]*)(:?[-?])?([^}]*)\}")


def environment(service: str) -> dict[str, str | None]:
    """Return a container's environment."""
    found: dict[str, str | None] = SERVICES[service].get("environment") or {}
    return found


def strings(value: object) -> Iterator[str]:
    """Yield every text of a document."""
    match value:
        case str():
            yield value
        case dict():
            for one in value.values():
                yield from strings(one)
        case list():
            for one in value:
                yield from strings(one)


@pytest.mark.parametrize("service", [*SETTINGS, *ALSO])
def test_every_variable_of_a_container_is_known_to_what_runs_in_it(service: str) -> None:
    """A misspelt one would be ignored, and the default taken without a word."""
    known = ALSO.get(service, set())
    if (kind := SETTINGS.get(service)) is not None:
        known = known | {variable(kind, field) for field in kind.model_fields}

    assert set() == {name for name in environment(service) if name.startswith("ADUAN_")} - known


@pytest.mark.parametrize("service", SETTINGS)
def test_no_required_variable_is_missing(service: str) -> None:
    """The stack starts with what it is given."""
    kind = SETTINGS[service]
    required = {name for name, field in kind.model_fields.items() if field.is_required()}
    required |= WITH_PARTNERS & kind.model_fields.keys() if service == "sync-laporgub" else set()

    assert set() == {variable(kind, name) for name in required} - environment(service).keys()


def test_a_partner_whose_address_was_emptied_is_not_connected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An operator empties a line of .env rather than taking it out; nobody must then call nowhere."""
    monkeypatch.setenv("ADUAN_BUS", "kafka://kafka:9092")
    monkeypatch.setenv("ADUAN_STORE", "mongodb://mongo/aduan_sync_laporgub")
    monkeypatch.setenv("ADUAN_SYNC_LAPORGUB_REFERENCE_DIR", "reference")
    for partner in ("LAPORGUB", "SP4N"):
        monkeypatch.setenv(f"ADUAN_SYNC_LAPORGUB_{partner}_URL", "")
    settings = load(aduan_sync_laporgub.settings.Settings)

    assert (settings.laporgub_url, settings.sp4n_url) == (None, None)


def test_a_stack_without_simulators_does_not_ask_for_what_they_are_shown() -> None:
    """Compose looks at every service's variables, also where its profile is off."""
    required = {
        name for text in strings(COMPOSE) for name, how, _ in INSIDE.findall(text) if how == ":?"
    }

    assert "MONGO_ROOT_PASSWORD" in required
    assert set() == {name for name in required if re.search(r"_(LAPORGUB|SP4N)_[A-Z]+$", name)} - {
        "MONGO_SYNC_LAPORGUB_PASSWORD"
    }
    for simulator, names in {
        "laporgub": {"ADUAN_SYNC_LAPORGUB_LAPORGUB_TOKEN"},
        "sp4n": {"ADUAN_SYNC_LAPORGUB_SP4N_BEARER", "ADUAN_SYNC_LAPORGUB_SP4N_TOKEN"},
    }.items():
        assert dict.fromkeys(names) == environment(simulator)


@pytest.mark.parametrize("service", ["intake", "routing", "notify"])
def test_a_service_with_pages_can_be_told_which_proxy_to_believe(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else all who come through it are one sender of forms, and none has come by https."""
    assert "${FORWARDED_ALLOW_IPS:-127.0.0.1}" == environment(service)["FORWARDED_ALLOW_IPS"]
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "172.18.0.1")

    assert "172.18.0.1" == uvicorn.Config("unused:app").forwarded_allow_ips


def test_who_hears_alerts_is_said_in_a_file_of_ones_own() -> None:
    """Nobody has to change a file of ours, which the next release brings anew."""
    (mounted,) = (
        one
        for one in SERVICES["alertmanager"]["volumes"]
        if isinstance(one, dict) and one["target"] == "/etc/alertmanager/alertmanager.yml"
    )
    found = INSIDE.fullmatch(mounted["source"])

    assert found is not None
    assert ("ALERTMANAGER_CONFIG", ":-") == found.group(1, 2)
    assert (ROOT / found[3]).exists()


@pytest.mark.parametrize("service", SETTINGS)
def test_every_secret_of_a_service_is_given_from_outside(service: str) -> None:
    """A secret or a key record is a variable of .env, required or left out; never a text here."""
    kind = SETTINGS[service]
    secret = {
        variable(kind, name)
        for name, field in kind.model_fields.items()
        if any(word in str(field.annotation) for word in (SecretStr.__name__, KeyRecord.__name__))
    }
    given = {name: value for name, value in environment(service).items() if name in secret}

    for name, value in given.items():
        assert value is None or re.fullmatch(r"\$\{[A-Z0-9_]+:\?[^}]+\}", value), name


def test_no_secret_has_a_default_anywhere() -> None:
    """A password that everybody knows is worse than a start that fails."""
    for text in strings(COMPOSE):
        for name, how, _ in INSIDE.findall(text):
            assert not SECRET_WORDS.search(name) or how == ":?", f"{name}{how}"
    for service, found in SERVICES.items():
        for name, value in (found.get("environment") or {}).items():
            if SECRET_WORDS.search(name) and value is not None:
                assert re.fullmatch(r"\$\{[A-Z0-9_]+:\?[^}]+\}", value), f"{service}: {name}"


def test_the_example_explains_every_variable_and_holds_no_secret() -> None:
    """What compose can take is in .env.example, set or commented out, and nothing else is."""
    taken = {name for text in strings(COMPOSE) for name, _, _ in INSIDE.findall(text)}
    taken |= {
        name
        for found in SERVICES.values()
        for name, value in (found.get("environment") or {}).items()
        if value is None
    }
    told = set(re.findall(r"^#?([A-Z][A-Z0-9_]*)=", EXAMPLE, re.MULTILINE))
    values = values_in(EXAMPLE)

    # these are read by compose itself and by the people who run `aduan`
    assert taken | {"COMPOSE_PROFILES", "ADUAN_TOKEN"} >= told
    assert taken - {"ADUAN_NOTIFY_SMTP_TLS"} <= told
    assert [] == [name for name, value in values.items() if SECRET_WORDS.search(name) and value]


def test_what_stands_in_the_example_is_what_compose_takes_by_default() -> None:
    """A commented-out line shows the default; two that differ would mislead."""
    shown = dict(re.findall(r"^#([A-Z][A-Z0-9_]*)=(.+)$", EXAMPLE, re.MULTILINE))
    defaults = {
        name: default
        for text in strings(COMPOSE)
        for name, how, default in INSIDE.findall(text)
        if how == ":-"
    }

    examples = {
        name: value
        for name, value in shown.items()
        if name.startswith("ADUAN_") and name not in defaults
    }

    assert examples.keys() == {
        "ADUAN_NOTIFY_SMTP_START_TLS",
        "ADUAN_OTLP_ENDPOINT",
        "ADUAN_TRACE_RATIO",
    }
    assert shown.items() <= defaults.items() | examples.items()


def test_every_container_is_closed_and_limited() -> None:
    """Also those that cannot be started here."""
    for name, found in SERVICES.items():
        assert found["cap_drop"] == ["ALL"], name
        assert found["security_opt"] == ["no-new-privileges:true"], name
        assert found["init"] and found["mem_limit"] and found["pids_limit"], name
        assert found.get("read_only") or name == "kafka", name
        assert "container_name" not in found and "privileged" not in found, name
        assert found["profiles"] in (["core"], ["simulators"], ["observability"], ["tools"]), name
        for port in found.get("ports", ()):
            assert port.startswith("${BIND:-127.0.0.1}:"), name


def test_one_image_is_built_for_every_part_and_from_one_file() -> None:
    """The table of parts and the stack know the same."""
    built = {
        found["build"]["args"]["SERVICE"]: found["build"]["dockerfile"]
        for found in SERVICES.values()
        if "build" in found
    }

    assert dict.fromkeys(parts(), "deploy/docker/Dockerfile") == built


def test_no_dockerfile_names_a_frontend() -> None:
    """A `syntax` line would have to be pulled before the first build."""
    files = [*(ROOT / "deploy").rglob("Dockerfile")]

    assert len(files) >= 2
    assert [] == [
        file for file in files if re.search(r"^#\s*syntax", file.read_text(), re.MULTILINE)
    ]


def test_an_image_takes_from_the_lock_what_its_part_declares_with_all_that_needs() -> None:
    """By the lock's own words about who asked for what; and nothing that only others need."""
    module = needs()
    intake = module.requirements("intake", ROOT)
    simulators = module.requirements("simulators", ROOT)
    library = module.requirements("library", ROOT)

    assert {"pillow", "limits", "wrapt", "starlette"} <= intake.keys()
    assert {"httptools", "uvloop", "pycparser"} <= library.keys()
    assert {"twisted", "hyperlink"} <= simulators.keys()
    assert {"faust-streaming", "rocksdict", "click"} <= module.requirements(
        "statistics", ROOT
    ).keys()
    assert not {"twisted", "confluent-kafka", "typer", "hatchling"} & intake.keys()
    assert all("--hash=sha256:" in package.text for package in intake.values())


def test_a_package_of_two_locks_keeps_what_asked_for_it_in_either() -> None:
    """Else the one who needs it in the first lock would go without it."""
    module = needs()
    one = module.locked_in(
        "a==1 \\\n    --hash=x\n    # via -r one.in\nb==2 \\\n    --hash=y\n    # via a\n"
    )
    two = module.locked_in(
        "b==2 \\\n    --hash=y\n    # via\n    #   -r two.in\n    #   c\nc==3 \\\n    --hash=z\n"
    )

    assert {"a", "b"} == module.closure(["a"], [*one, *two]).keys()
    assert {"b", "c"} == module.closure(["c"], [*one, *two]).keys()


def test_a_package_that_no_lock_has_is_named() -> None:
    """The build ends there, not the service."""
    module = needs()

    with pytest.raises(module.Unknown, match="flask is in no lock"):
        module.closure(["flask"], module.locked_in("a==1\n"))


def test_what_ci_installs_has_a_name_and_a_reason_each() -> None:
    """A list that nobody can explain only grows."""
    lines = (ROOT / "requirements" / "debian.txt").read_text("utf-8").splitlines()
    entries = [line.split(maxsplit=1) for line in lines if not line.startswith("#")]

    assert {"docker.io", "debootstrap", "iptables"} <= {entry[0] for entry in entries}
    assert all(len(entry) == 2 for entry in entries)


def test_every_distribution_is_built_by_the_dockerfile() -> None:
    """A new one that is not copied would be found missing at the first start."""
    text = (ROOT / "deploy" / "docker" / "Dockerfile").read_text("utf-8")
    folders = {path.relative_to(ROOT) for path in needs().local_distributions(ROOT).values()}

    assert folders
    assert [] == [folder for folder in folders if f"COPY {folder}/pyproject.toml" not in text]
    assert tomllib.loads((ROOT / "deploy/docker/parts.toml").read_text("utf-8"))
