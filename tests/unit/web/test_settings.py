"""Settings: frozen, and a start without a needed variable ends with a sentence that names it."""

from typing import Self

import pytest
from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import SettingsConfigDict

from aduan.settings import ServiceSettings, load, scheme_of

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
