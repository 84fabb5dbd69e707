"""What a service reads from outside: frozen, and failing at the start with a sentence.

Variables are `ADUAN_<SERVICE>_<FIELD>`; what all services share (the two engines) has no service in
its name: ADUAN_STORE, ADUAN_BUS, and what goes with them. A value is never shown in an error,
because it may be a secret.
"""

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NoReturn, TypeVar

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

STORE_SCHEMES: Final = ("sqlite", "mongodb", "mongodb+srv")
BUS_SCHEMES: Final = ("sqlite", "kafka")
COLLECTOR_SCHEMES: Final = ("http", "https")
EXIT_CODE: Final = 2

S = TypeVar("S", bound=BaseSettings)


def scheme_of(url: str) -> str:
    """Return what stands before `://`, in lower case; empty when nothing does."""
    scheme, found, _ = url.partition("://")
    return scheme.lower() if found else ""


def _address(schemes: tuple[str, ...]) -> Callable[[str], str]:
    def check(url: str) -> str:
        scheme = scheme_of(url)
        if scheme not in schemes:
            raise ValueError("unknown engine")
        rest = url.partition("://")[2]
        if not rest or (scheme == "sqlite" and not rest.startswith("/")):
            raise ValueError("the address is not complete")
        return url

    return check


StoreUrl = Annotated[str, AfterValidator(_address(STORE_SCHEMES))]
"""`sqlite:///PATH` (four slashes for an absolute path) or `mongodb://...`."""
BusUrl = Annotated[str, AfterValidator(_address(BUS_SCHEMES))]
"""`sqlite:///PATH` or `kafka://host:port,...`."""
CollectorUrl = Annotated[str, AfterValidator(_address(COLLECTOR_SCHEMES))]
"""`http://host:4318`, the base address for OTLP over HTTP."""


class BusSettings(BaseSettings):
    """Where the log is and who we are to it: the same names for a service and for a deployer."""

    model_config = SettingsConfigDict(
        frozen=True,
        hide_input_in_errors=True,
        extra="ignore",
        validate_by_name=True,
        validate_by_alias=True,
    )

    # repr=False: an address may carry a password
    bus: BusUrl = Field(validation_alias="ADUAN_BUS", repr=False)
    # Who this is to the brokers: SASL/SCRAM where a user is given, TLS where it is asked for.
    kafka_username: str | None = Field(default=None, validation_alias="ADUAN_KAFKA_USERNAME")
    kafka_password: SecretStr | None = Field(
        default=None, validation_alias="ADUAN_KAFKA_PASSWORD", repr=False
    )
    kafka_mechanism: Literal["SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        default="SCRAM-SHA-512", validation_alias="ADUAN_KAFKA_MECHANISM"
    )
    kafka_tls: bool = Field(default=False, validation_alias="ADUAN_KAFKA_TLS")
    kafka_ca_file: Path | None = Field(default=None, validation_alias="ADUAN_KAFKA_CA_FILE")

    def kafka(self) -> dict[str, Any]:
        """Return who we are to the brokers, as `aduan.engine.open_bus` takes it."""
        secret = self.kafka_password
        return {
            "username": self.kafka_username,
            "password": secret.get_secret_value() if secret is not None else None,
            "mechanism": self.kafka_mechanism,
            "tls": self.kafka_tls,
            "ca_file": self.kafka_ca_file,
        }


class TraceSettings(BaseSettings):
    """What is recorded as traces, and who collects them: one name each for every process."""

    model_config = SettingsConfigDict(
        frozen=True,
        hide_input_in_errors=True,
        extra="ignore",
        validate_by_name=True,
        validate_by_alias=True,
    )

    trace_ratio: float = Field(default=0.0, ge=0, le=1, validation_alias="ADUAN_TRACE_RATIO")
    # repr=False: an address may carry a password
    otlp_endpoint: CollectorUrl | None = Field(
        default=None, validation_alias="ADUAN_OTLP_ENDPOINT", repr=False
    )

    def tracing(self) -> dict[str, Any]:
        """Return what `aduan.observability.tracing` takes beside its metrics."""
        return {"ratio": self.trace_ratio, "endpoint": self.otlp_endpoint}


class ServiceSettings(BusSettings, TraceSettings):
    """Base of every service's settings; a subclass sets its env_prefix.

    Built from the environment in a service's own process, by keyword in standalone.
    """

    store: StoreUrl = Field(validation_alias="ADUAN_STORE", repr=False)
    mongo_driver: Literal["motor", "pymongo"] | None = Field(
        default=None, validation_alias="ADUAN_MONGO_DRIVER"
    )
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65_535)
    log_level: str = Field(default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")


def load(kind: type[S]) -> S:
    """Return the settings from the environment, or end the process with one sentence, code 2.

    The sentence names every variable that is missing or not valid, in full, and no value.
    """
    try:
        return kind()
    except ValidationError as error:
        details = error.errors(include_input=False, include_url=False, include_context=False)
        found = {
            _complaint(kind, entry["loc"], entry["type"])
            if entry["loc"]
            else _misfit(kind, entry["msg"])
            for entry in details
        }
        _stop(kind, sorted(found))
    except SettingsError as error:
        # Raised for a variable that is no JSON; its text names the field between double quotes.
        name = next(iter(str(error).split('"')[1:2]), "")
        _stop(kind, [_complaint(kind, (name,), "json")])


def _complaint(kind: type[BaseSettings], loc: tuple[str | int, ...], reason: str) -> str:
    name = variable(kind, str(loc[0]))
    return f"{name} is missing" if reason == "missing" else f"{name} is not valid ({reason})"


def _misfit(kind: type[BaseSettings], words: str) -> str:
    """Name the fields that a check of the whole mentions; its other words may hold a value."""
    fields = [word for word in re.findall(r"\w+", words) if word in kind.model_fields]
    names = [variable(kind, field) for field in dict.fromkeys(fields)]
    return f"{' and '.join(names) or 'the whole'} do not fit together"


def variable(kind: type[BaseSettings], field: str) -> str:
    """Return the full name of the variable that fills a field (given by its name or its alias)."""
    if field in kind.model_fields:
        alias = kind.model_fields[field].validation_alias
        return alias if isinstance(alias, str) else f"{_prefix(kind)}{field}".upper()
    return field if field.isupper() else f"{_prefix(kind)}{field}".upper()


def _prefix(kind: type[BaseSettings]) -> str:
    return kind.model_config.get("env_prefix") or ""


def _stop(kind: type[BaseSettings], complaints: list[str]) -> NoReturn:
    service = kind.__module__.partition(".")[0].replace("_", "-")
    sys.stderr.write(f"{service} cannot start: {'; '.join(complaints)}.\n")
    raise SystemExit(EXIT_CODE)
