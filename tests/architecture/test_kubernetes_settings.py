"""Manifests, compose and settings classes agree: each variable is known, none is missing, secrets stay out."""

import copy
import ipaddress
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, get_args

import pytest
import yaml
from aduan_manifests import (
    OVERLAYS,
    ROOT,
    Environment,
    Key,
    Resource,
    environment_of,
    keys_of,
    named,
    names,
    of_kind,
    rendered,
    tool,
)
from pydantic import SecretStr

import aduan_intake.settings
import aduan_notify.settings
import aduan_routing.settings
import aduan_sla.settings
import aduan_standalone.canary.settings
import aduan_sync_laporgub.settings
from aduan.settings import BusSettings, ServiceSettings, load, variable
from aduan_sla.statistics.settings import StatisticsSettings
from aduan_standalone.cli.instance import SERVICES
from aduan_standalone.cli.migrating import VARIABLE, database_of

Part = ServiceSettings | StatisticsSettings | aduan_standalone.canary.settings.Settings
SETTINGS: Final[Mapping[str, type[Part]]] = {
    "intake": aduan_intake.settings.Settings,
    "routing": aduan_routing.settings.Settings,
    "sla": aduan_sla.settings.Settings,
    "sync-laporgub": aduan_sync_laporgub.settings.Settings,
    "notify": aduan_notify.settings.Settings,
    "statistics": StatisticsSettings,
    "canary": aduan_standalone.canary.settings.Settings,
}
# Options of the command say the rest.
CANARY: Final = "canary"
SERVING: Final = tuple(name for name in SETTINGS if name != CANARY)
COMPOSE: Final = ROOT / "docker-compose.yml"
# What a job reads is its command's own affair; the two commands say it in their modules.
JOBS: Final = {
    "topics": {variable(BusSettings, field) for field in BusSettings.model_fields},
    "migrate": {VARIABLE},
}
# An address may carry a password, so it is a secret too.
ADDRESSES: Final = {"ADUAN_STORE"}
STATIC: Final = "static_keys"
by_service = pytest.mark.parametrize("service", SETTINGS)
overlays = pytest.mark.parametrize("overlay", OVERLAYS)


def known(service: str) -> set[str]:
    """Return every variable that a service reads."""
    kind = SETTINGS[service]
    return {variable(kind, field) for field in kind.model_fields}


def required(service: str) -> set[str]:
    """Return the variables without which a service does not start."""
    kind = SETTINGS[service]
    return {
        variable(kind, name) for name, field in kind.model_fields.items() if field.is_required()
    }


def secret(service: str) -> set[str]:
    """Return the variables whose values are nobody else's business."""
    kind = SETTINGS[service]
    return ADDRESSES | {
        variable(kind, name)
        for name, field in kind.model_fields.items()
        if name == STATIC or SecretStr in {field.annotation, *get_args(field.annotation)}
    }


def given(overlay: str, service: str) -> Environment:
    """Return what the manifests give to a service."""
    resources = rendered(overlay)
    return environment_of(resources, named(resources, "Deployment", service))


def disagreements(service: str, environment: Environment) -> list[str]:
    """Return what is unknown, what is missing, and what should be a secret."""
    ours = {name for name in environment.all_names if name.startswith("ADUAN_")}
    return [
        *(f"{name}: no setting of {service}" for name in sorted(ours - known(service))),
        *(f"{name}: missing" for name in sorted(required(service) - environment.names)),
        *(
            f"{name}: stands in the open"
            for name in sorted(secret(service) & environment.plain.keys())
        ),
    ]


@overlays
@by_service
def test_the_manifests_give_each_service_what_its_settings_know(overlay: str, service: str) -> None:
    """An unknown variable is a misspelt one; a missing one ends the start."""
    assert [] == disagreements(service, given(overlay, service))


def test_a_missing_a_misspelt_and_an_open_variable_are_noticed() -> None:
    """The check above can fail."""
    environment = copy.deepcopy(given("production", "intake"))
    del environment.plain["ADUAN_INTAKE_REFERENCE_DIR"]
    environment.plain["ADUAN_INTAKE_REFERENCES_DIR"] = "/opt/aduan/reference"
    environment.plain["ADUAN_INTAKE_VAULT_KEY"] = "in the open"

    assert [
        "ADUAN_INTAKE_REFERENCES_DIR: no setting of intake",
        "ADUAN_INTAKE_REFERENCE_DIR: missing",
        "ADUAN_INTAKE_VAULT_KEY: stands in the open",
    ] == disagreements("intake", environment)


@overlays
@pytest.mark.parametrize("job", JOBS)
def test_the_manifests_give_each_job_what_its_command_reads(overlay: str, job: str) -> None:
    """The deployer's own credentials, and nothing of a service."""
    resources = rendered(overlay)
    environment = environment_of(resources, named(resources, "Job", job))

    assert environment.all_names <= JOBS[job]
    assert not {"ADUAN_STORE", "ADUAN_KAFKA_PASSWORD"} & environment.plain.keys()


def made_by_operators(resources: tuple[Resource, ...]) -> set[Key]:
    """Return the keys of Secrets that operators fill: brokers' users, addresses, certificates."""
    found = {Key(name, "password") for name in names(resources, "KafkaUser")}
    found.add(Key("aduan-cluster-ca-cert", "ca.crt"))
    for user in named(resources, "MongoDBCommunity", "aduan-mongodb")["spec"]["users"]:
        found.add(Key(user["connectionStringSecretName"], "connectionString.standard"))
    found |= {
        Key(each["spec"]["secretName"], "ca.crt") for each in of_kind(resources, "Certificate")
    }
    return found


def passwords(resources: tuple[Resource, ...]) -> set[Key]:
    """Return the keys of Secrets that the database's operator reads."""
    users = named(resources, "MongoDBCommunity", "aduan-mongodb")["spec"]["users"]
    return {
        Key(each["passwordSecretRef"]["name"], each["passwordSecretRef"]["key"]) for each in users
    }


def trial_values() -> dict[str, dict[str, str]]:
    """Return the Secrets that the tool for a trial makes."""
    found: dict[str, dict[str, str]] = tool("k8s_secrets").values("33.74")
    return found


def asked_for(resources: tuple[Resource, ...]) -> set[Key]:
    """Return the keys that somebody must fill: those that no operator makes."""
    used = {*keys_of(resources), *passwords(resources)}
    made = {(key.secret, key.key) for key in made_by_operators(resources)}
    return {key for key in used if (key.secret, key.key) not in made}


def test_a_trial_has_every_secret_that_its_manifests_need() -> None:
    """A pod that waits for a key of a Secret never says which of us forgot it."""
    made = {(name, key) for name, keys in trial_values().items() for key in keys}

    assert (
        set()
        == {(key.secret, key.key) for key in asked_for(rendered("local")) if not key.optional}
        - made
    )


def test_the_vault_fills_exactly_the_secrets_that_production_needs() -> None:
    """None is missing, and none is fetched that nobody reads."""
    resources = rendered("production")
    filled = {
        (each["spec"]["target"]["name"], one["secretKey"])
        for each in of_kind(resources, "ExternalSecret")
        for one in each["spec"]["data"]
    }

    assert {(key.secret, key.key) for key in asked_for(resources)} == filled


def test_the_operators_token_is_in_the_hands_of_people_alone() -> None:
    """In earnest the cluster holds its record, never itself; both guides say where it is then."""
    resources = rendered("production")

    assert "operator" not in names(resources, "ExternalSecret")
    assert "operator" not in {key.secret for key in keys_of(resources)}
    for page in ("deploy/k8s/README.md", "docs/deploy.md"):
        assert "`aduan/operator`" in (ROOT / page).read_text("utf-8"), page


@pytest.mark.parametrize("page", ["deploy/k8s/README.md", "docs/deploy.md"])
def test_the_guides_call_our_tools_with_what_make_install_made(page: str) -> None:
    """The machine's own Python has none of our packages."""
    text = (ROOT / page).read_text("utf-8")
    calls = re.findall(r"(\S*)python (tools/\S+)", text)

    assert calls
    assert {".venv/bin/"} == {before for before, _ in calls}
    assert "make install" in text
    assert "--tenant" in text


@pytest.mark.parametrize("service", SERVING)
def test_a_service_starts_with_what_a_trial_gives_it(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The settings are built from exactly the manifests' variables and the tool's secrets."""
    environment = given("local", service)
    values = trial_values()
    for name in [name for name in os.environ if name.startswith("ADUAN_")]:
        monkeypatch.delenv(name)
    for name, value in environment.plain.items():
        monkeypatch.setenv(name, value)
    for name, key in environment.secret.items():
        if key.secret in values and key.key in values[key.secret]:
            monkeypatch.setenv(name, values[key.secret][key.key])
        elif not key.optional:
            made = {
                "connectionString.standard": "mongodb://user:word@host/database",
                "password": "word",
            }
            monkeypatch.setenv(name, made[key.key])
    settings = load(SETTINGS[service])

    assert isinstance(settings, ServiceSettings | StatisticsSettings)
    assert "0.0.0.0" == settings.host
    assert 8000 == settings.port
    assert settings.kafka_tls
    assert f"aduan-{service}" == settings.kafka_username


def test_the_keys_of_a_trial_fit_together() -> None:
    """Whoever asks intake has a key of which intake has the record."""
    values = trial_values()
    tokens = [
        values["notify-keys"]["intake-token"],
        values["routing-keys"]["intake-content-key"],
        values["sync-laporgub-keys"]["intake-content-key"],
        values["sync-laporgub-keys"]["intake-portal-key"],
        values["operator"]["token"],
    ]
    tokens += values["canary-keys"].values()
    ids = {record.key_id for record in tool("k8s_secrets").RECORDS.validate_json(values["intake-keys"]["static-keys"])}  # fmt: skip

    # the canary reads at the others, and posts at intake
    read = values["canary-keys"]["read-key"]
    assert {token.split("_")[1] for token in tokens if token != read} == ids
    for service in ("routing", "sla", "sync-laporgub", "notify"):
        assert read.split("_")[1] in values[f"{service}-keys"]["static-keys"]


def test_a_citizens_address_is_taken_from_the_ingress_controllers_word_alone() -> None:
    """Believed from anywhere, a sender could be somebody else with each form."""
    networks = given("production", "intake").plain["FORWARDED_ALLOW_IPS"].split(",")

    assert networks
    assert all(ipaddress.ip_network(each).is_private for each in networks)


@overlays
def test_no_secret_stands_in_the_manifests(overlay: str) -> None:
    """A repository keeps everything for ever, and shows it to everybody who may read it."""
    assert [] == of_kind(rendered(overlay), "Secret")


def test_what_looks_like_a_secret_stands_in_no_file_of_the_manifests() -> None:
    """Long words of small letters, capitals and digits, whatever they are called: a key, a token."""
    long = re.compile(r"[A-Za-z0-9+/_-]{32,}")

    def secrets_in(text: str) -> list[str]:
        signs = (re.compile("[a-z]"), re.compile("[A-Z]"), re.compile("[0-9]"))
        words = [word for word in long.findall(text) if all(each.search(word) for each in signs)]
        # a place inside a document, and no base64
        return [word for word in words if word.count("/") < 4]

    assert 1 == len(secrets_in("vault-key: 8Vb2b1mYQb6cGm3cWkq4gqY2nF0x3zJt5aRr1d0hX9M="))
    for path in sorted((ROOT / "deploy" / "k8s").rglob("*")):
        if path.suffix in {".yaml", ".env"}:
            assert [] == secrets_in(path.read_text("utf-8")), path


@overlays
def test_a_service_reaches_its_own_database_alone(overlay: str) -> None:
    """The address that it is given belongs to a user of that database with no right elsewhere."""
    resources = rendered(overlay)
    users = {
        each["connectionStringSecretName"]: each
        for each in named(resources, "MongoDBCommunity", "aduan-mongodb")["spec"]["users"]
    }
    for service in SERVICES:
        user = users.pop(given(overlay, service).secret["ADUAN_STORE"].secret)
        database = database_of(service)

        assert [{"name": "readWrite", "db": database}] == user["roles"]
        assert database == user["db"]  # which the operator puts into the address
    deployer = users.pop("aduan-deployer-store")
    assert {"aduan-backup-store", "aduan-restore-store"} == users.keys()
    assert {database_of(service) for service in SERVICES} == {
        one["db"] for one in deployer["roles"]
    }


# ---- compose ---------------------------------------------------------------------------------------


def composed() -> dict[str, Any]:
    """Return the services of the compose file."""
    found: dict[str, Any] = yaml.safe_load(Path(COMPOSE).read_text("utf-8"))["services"]
    return found


def as_given(service: Mapping[str, Any]) -> Environment:
    """Return what compose gives; a variable that is passed on from .env may be absent."""
    found = Environment()
    for name, value in service["environment"].items():
        if value is None:
            found.secret[name] = Key(".env", name, optional=True)
        elif re.search(r"\$\{\w*(?:PASSWORD|KEYS?|TOKEN|BEARER)\b", str(value)):
            found.secret[name] = Key(".env", name)
        else:
            found.plain[name] = str(value)
    return found


@by_service
def test_compose_gives_each_service_what_its_settings_know(service: str) -> None:
    """The same settings, the same rules, on one machine."""
    assert [] == disagreements(service, as_given(composed()[service]))


@by_service
def test_compose_and_manifests_give_a_service_the_same_settings(service: str) -> None:
    """What differs is how brokers are reached, and what only one of them lets the operator choose."""
    here = {name for name in as_given(composed()[service]).names if ours(name)}
    there = {name for name in given("production", service).names if ours(name)}

    assert here <= given("production", service).all_names | {f"{prefix(service)}SECURE_COOKIES"}
    assert there <= as_given(composed()[service]).all_names


def ours(name: str) -> bool:
    """Whether a variable is a setting that has nothing to do with how brokers are reached."""
    return name.startswith("ADUAN_") and not name.startswith("ADUAN_KAFKA_")


def prefix(service: str) -> str:
    """Return how a service's own variables begin."""
    return str(SETTINGS[service].model_config["env_prefix"])
