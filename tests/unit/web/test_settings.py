"""Settings: frozen, and a start without a needed variable ends with a sentence that names it."""

from typing import Self

import pytest
from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import SettingsConfigDict

from aduan.settings import (
    BusSettings,
    ServiceSettings,
    Tenants,
    TraceSettings,
    load,
    scheme_of,
)

SECRET = "hunter2-hunter2"


class Settings(ServiceSettings):
    """As a service declares them."""

    model_config = SettingsConfigDict(env_prefix="ADUAN_EXAMPLE_")

    vault_key: SecretStr
    poll_every_seconds: int = Field(default=60, ge=10)
    tenants: tuple[str, ...] = ("33.74",)
    partner_url: str | None = None
    partner_token: SecretStr | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.partner_url is not None and self.partner_token is None:
            raise ValueError(f"partner_url needs partner_token: {self.partner_url}")
        return self


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Give an environment in which everything is set."""
    monkeypatch.setenv("ADUAN_STORE", "sqlite:////var/lib/aduan/example.db")
    monkeypatch.setenv("ADUAN_BUS", "kafka://broker:9092")
    monkeypatch.setenv("ADUAN_EXAMPLE_VAULT_KEY", SECRET)
    return monkeypatch


def stopped(capsys: pytest.CaptureFixture[str]) -> str:
    """Load the settings, expect the end of the process, return what it said."""
    with pytest.raises(SystemExit) as ended:
        load(Settings)
    assert 2 == ended.value.code
    return capsys.readouterr().err


def test_a_complete_environment_is_read_once_and_frozen(environment: pytest.MonkeyPatch) -> None:
    """The two shared addresses have no service in their names."""
    environment.setenv("ADUAN_EXAMPLE_TENANTS", '["33.74", "35.73"]')
    settings = load(Settings)

    assert ("33.74", "35.73") == settings.tenants
    assert ("sqlite", "kafka") == (scheme_of(settings.store), scheme_of(settings.bus))
    with pytest.raises(ValidationError):
        settings.port = 1  # type: ignore[misc]  # the very thing that is refused


def test_every_missing_variable_is_named_in_full(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One sentence, one line, the whole name with its prefix."""
    environment.delenv("ADUAN_STORE")
    environment.delenv("ADUAN_EXAMPLE_VAULT_KEY")
    words = stopped(capsys)

    assert "ADUAN_EXAMPLE_VAULT_KEY is missing" in words
    assert "ADUAN_STORE is missing" in words
    assert 1 == words.count("\n")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ADUAN_STORE", f"mysql://user:{SECRET}@host"),
        ("ADUAN_STORE", "sqlite://relative"),
        ("ADUAN_STORE", "sqlite://"),
        ("ADUAN_BUS", SECRET),
        ("ADUAN_EXAMPLE_POLL_EVERY_SECONDS", SECRET),
        ("ADUAN_EXAMPLE_POLL_EVERY_SECONDS", "9"),
        ("ADUAN_EXAMPLE_TENANTS", SECRET),
        ("ADUAN_EXAMPLE_PORT", "70000"),
    ],
)
def test_a_wrong_value_is_named_and_never_shown(
    name: str, value: str, environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The value may be a secret, or hold one; the other variables' values stay hidden too."""
    environment.setenv(name, value)
    words = stopped(capsys)

    assert f"{name} is not valid" in words
    assert SECRET not in words


def test_two_variables_that_do_not_fit_together_are_both_named(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Half a partner is refused, and the address is not shown."""
    environment.setenv("ADUAN_EXAMPLE_PARTNER_URL", f"https://{SECRET}.example")
    words = stopped(capsys)

    assert "ADUAN_EXAMPLE_PARTNER_URL and ADUAN_EXAMPLE_PARTNER_TOKEN do not fit" in words
    assert SECRET not in words


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ADUAN_EXAMPLE_VALUT_KEY", "is unknown (ADUAN_EXAMPLE_VAULT_KEY is meant?)"),
        ("ADUAN_EXAMPLE_COLOUR", "is unknown"),
        ("aduan_example_tenant", "is unknown (ADUAN_EXAMPLE_TENANTS is meant?)"),
        ("ADUAN_KAFKA_PASWORD", "is unknown (ADUAN_KAFKA_PASSWORD is meant?)"),
        ("ADUAN_MONGO_DRIVERS", "is unknown (ADUAN_MONGO_DRIVER is meant?)"),
    ],
)
def test_an_unknown_variable_of_ours_ends_the_start(
    name: str, words: str, environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A misspelt one would leave its default in force, and nobody would notice."""
    environment.setenv(name, SECRET)
    said = stopped(capsys)

    assert f"{name.upper()} {words}" in said
    assert SECRET not in said
    assert 1 == said.count("\n")


def test_variables_of_others_are_theirs(environment: pytest.MonkeyPatch) -> None:
    """One file of variables may serve all services; what others read is not ours to judge."""
    for name in ("ADUAN_OTHER_VAULT_KEY", "ADUAN_TOKEN", "ADUAN_EXAMPLES_X", "PATH_TO_ADUAN"):
        environment.setenv(name, "x")

    assert 8000 == load(Settings).port


def test_what_kubernetes_tells_about_services_is_no_setting(
    environment: pytest.MonkeyPatch,
) -> None:
    """A Service called aduan-example fills names that begin like ours, one of them our port."""
    links = {
        "ADUAN_EXAMPLE_PORT": "tcp://10.0.0.7:80",
        "ADUAN_EXAMPLE_SERVICE_HOST": "10.0.0.7",
        "ADUAN_EXAMPLE_SERVICE_PORT": "80",
        "ADUAN_EXAMPLE_SERVICE_PORT_HTTP": "80",
        "ADUAN_EXAMPLE_PORT_80_TCP": "tcp://10.0.0.7:80",
        "ADUAN_EXAMPLE_PORT_80_TCP_PROTO": "tcp",
        "ADUAN_EXAMPLE_PORT_80_TCP_PORT": "80",
        "ADUAN_EXAMPLE_PORT_80_TCP_ADDR": "10.0.0.7",
        "ADUAN_KAFKA_BOOTSTRAP_SERVICE_HOST": "10.0.0.8",
        "ADUAN_KAFKA_BOOTSTRAP_PORT": "tcp://10.0.0.8:9092",
    }
    for name, value in links.items():
        environment.setenv(name, value)

    assert 8000 == load(Settings).port
    environment.setenv("ADUAN_EXAMPLE_PORT", "9000")
    assert 9000 == load(Settings).port


def test_a_misspelt_address_is_named_beside_the_missing_one(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The short names have no service in them by which a misspelling could be told from others'."""
    environment.delenv("ADUAN_STORE")
    environment.setenv("ADUAN_STROE", "mongodb://host/db")

    assert "ADUAN_STORE is missing (ADUAN_STROE is set: misspelt?)" in stopped(capsys)


def test_a_shared_variable_that_only_other_processes_read_is_left_alone(
    environment: pytest.MonkeyPatch,
) -> None:
    """One file of variables serves them all: who has no database lets the driver's name be."""

    class Deployer(BusSettings):
        """Reads the log's address alone."""

    environment.setenv("ADUAN_MONGO_DRIVER", "pymongo")
    environment.setenv("ADUAN_TRACE_RATIO", "0.1")
    assert "kafka://broker:9092" == load(Deployer).bus

    environment.setenv("ADUAN_KAFKA_USERNAME", "aduan-intake")
    assert 0.1 == load(TraceSettings).trace_ratio


@pytest.mark.parametrize("name", ["ADUAN_TRACE_RATO", "ADUAN_OTLP_ENDPONT", "ADUAN_MONGO_DIVER"])
def test_a_misspelt_shared_variable_ends_the_start(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """Its default would rule, and nobody would see it."""
    environment.setenv(name, "1")

    assert f"{name} is unknown" in stopped(capsys)


def test_the_canary_alone_is_no_government(environment: pytest.MonkeyPatch) -> None:
    """Its complaints are no citizen's: pages that served it would lose each report after a day."""

    class Served(Settings):
        tenants: Tenants = ("33.74",)

    environment.setenv("ADUAN_EXAMPLE_TENANTS", '["00.00", "33.74"]')
    assert ("00.00", "33.74") == load(Served).tenants

    environment.setenv("ADUAN_EXAMPLE_TENANTS", '["00.00"]')
    with pytest.raises(SystemExit):
        load(Served)


def test_one_process_builds_them_by_keyword(monkeypatch: pytest.MonkeyPatch) -> None:
    """Standalone passes what each service needs; nothing is read from the environment then."""
    monkeypatch.delenv("ADUAN_STORE", raising=False)
    settings = Settings(store="sqlite:////x", bus="sqlite:////y", vault_key=SecretStr(SECRET))

    assert "sqlite:////x" == settings.store
    assert SECRET not in repr(settings)


def test_an_address_with_a_password_is_not_printed() -> None:
    """A repr of the settings may land in a traceback."""
    settings = Settings(
        store=f"mongodb://user:{SECRET}@host/db", bus="kafka://b:1", vault_key=SecretStr("x")
    )

    assert SECRET not in repr(settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ADUAN_TRACE_RATIO", "1.5"),
        ("ADUAN_TRACE_RATIO", "half"),
        ("ADUAN_OTLP_ENDPOINT", "collector:4317"),
        ("ADUAN_OTLP_ENDPOINT", "http://"),
    ],
)
def test_a_wrong_setting_of_traces_is_named(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    """A share is between 0 and 1, a collector is reached over HTTP; the value is not repeated."""
    environment.setenv(name, value)
    said = stopped(capsys)

    assert f"{name} is not valid" in said
    assert value not in said.replace(name, "")


def test_without_settings_nothing_is_recorded_or_exported(environment: pytest.MonkeyPatch) -> None:
    """An installation that has no collector pays nothing."""
    assert load(Settings).tracing() == {"ratio": 0.0, "endpoint": None}
