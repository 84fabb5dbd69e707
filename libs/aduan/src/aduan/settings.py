"""What a service reads from outside: frozen, and failing at the start with a sentence.

Variables are `ADUAN_<SERVICE>_<FIELD>`; what all services share (the two engines) has no service in
its name: ADUAN_STORE, ADUAN_BUS, and what goes with them (FAMILIES). A variable that begins like one of
these, or like the service's own, and that nobody reads ends the start too: it is a misspelt one, and
its default would rule unseen. A value is never shown in an error, because it may be a secret.
"""

import os
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple, NoReturn, TypeVar

from pydantic import AfterValidator, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from aduan.contracts.values import counted
from aduan.variables import is_address_of_a_service, nearest, unknown

STORE_SCHEMES: Final = ("sqlite", "mongodb", "mongodb+srv")
BUS_SCHEMES: Final = ("sqlite", "kafka")
COLLECTOR_SCHEMES: Final = ("http", "https")
EXIT_CODE: Final = 2
DEFAULT_PORT: Final = 8000
# What all services share, beside the two engines' own names.
FAMILIES: Final = ("ADUAN_KAFKA_", "ADUAN_MONGO_", "ADUAN_TRACE_", "ADUAN_OTLP_")
_SHORT: Final = re.compile("ADUAN_[A-Z]+")

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


def _with_citizens(tenants: tuple[str, ...]) -> tuple[str, ...]:
    if not counted(tenants):
        raise ValueError("no tenant but the canary's")
    return tenants


Tenants = Annotated[tuple[str, ...], AfterValidator(_with_citizens)]
"""Kemendagri codes; at least one beside the canary's, whose complaints are no citizen's."""
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


class ServerSettings(BusSettings):
    """Of a process that answers over HTTP: where, and how much it says."""

    host: str = "127.0.0.1"
    port: int = Field(default=DEFAULT_PORT, ge=0, le=65_535)
    log_level: str = Field(default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")

    @field_validator("port", mode="before")
    @classmethod
    def _is_no_link(cls, value: object) -> object:
        """Take the default where Kubernetes filled our variable with the address of a Service.

        It does so only where nobody set the variable.
        """
        linked = isinstance(value, str) and is_address_of_a_service(value)
        return DEFAULT_PORT if linked else value


class ServiceSettings(ServerSettings, TraceSettings):
    """Base of every service's settings; a subclass sets its env_prefix.

    Built from the environment in a service's own process, by keyword in standalone.
    """

    store: StoreUrl = Field(validation_alias="ADUAN_STORE", repr=False)
    mongo_driver: Literal["motor", "pymongo"] | None = Field(
        default=None, validation_alias="ADUAN_MONGO_DRIVER"
    )


class Complaint(NamedTuple):
    """What is wrong with one variable. name: empty where no single one can be named."""

    name: str
    words: str

    def __str__(self) -> str:
        """As a part of the sentence."""
        return f"{self.name} {self.words}".strip()


def load(kind: type[S]) -> S:
    """Return the settings from the environment, or end the process with one sentence, code 2.

    The sentence names every variable that is missing, not valid or unknown, in full, and no value.
    """
    found, complaints = read(kind, os.environ)
    if found is None or complaints:
        _stop(kind, complaints)
    return found


def read(kind: type[S], environment: Mapping[str, str]) -> tuple[S | None, list[Complaint]]:
    """Return the settings, None where they cannot be built, and what is wrong with the variables.

    environment: the process's own; looked through for names that nobody reads.
    """
    strangers = strangers_to(kind, environment)
    complaints = [
        Complaint(name, "is unknown" + (f" ({near} is meant?)" if near is not None else ""))
        for name, near in strangers.items()
    ]
    try:
        return kind(), complaints
    except ValidationError as error:
        details = error.errors(include_input=False, include_url=False, include_context=False)
        found = {
            _complaint(kind, entry["loc"], entry["type"], environment)
            if entry["loc"]
            else _misfit(kind, entry["msg"])
            for entry in details
        }
        return None, [*sorted(found), *complaints]
    except SettingsError as error:
        # Raised for a variable that is no JSON; its text names the field between double quotes.
        name = next(iter(str(error).split('"')[1:2]), "")
        return None, [_complaint(kind, (name,), "json", environment), *complaints]


def strangers_to(kind: type[BaseSettings], environment: Mapping[str, str]) -> dict[str, str | None]:
    """Return the variables that begin like those of `kind` and are none, each with its nearest."""
    prefixes = [_prefix(kind)] if _prefix(kind) else []
    # One file of variables serves processes of which not each reads every shared one.
    shared = [name for name in variables(ServiceSettings) if name.startswith(FAMILIES)]
    return unknown(environment, {*variables(kind), *shared}, prefixes=[*prefixes, *FAMILIES])


def variables(kind: type[BaseSettings]) -> list[str]:
    """Return the full names of all variables of a settings class."""
    return [variable(kind, field) for field in kind.model_fields]


def _complaint(
    kind: type[BaseSettings],
    loc: tuple[str | int, ...],
    reason: str,
    environment: Mapping[str, str],
) -> Complaint:
    name = variable(kind, str(loc[0]))
    if reason != "missing":
        return Complaint(name, f"is not valid ({reason})")
    # Of a name with a service in it the misspelt one is listed as unknown; the short ones are not.
    short = [one for one in environment if _SHORT.fullmatch(one) and _SHORT.fullmatch(name)]
    near = nearest(name, [one for one in short if one not in variables(kind)])
    return Complaint(
        name, "is missing" + (f" ({near} is set: misspelt?)" if near is not None else "")
    )


def _misfit(kind: type[BaseSettings], words: str) -> Complaint:
    """Name the fields that a check of the whole mentions; its other words may hold a value."""
    fields = [word for word in re.findall(r"\w+", words) if word in kind.model_fields]
    names = [variable(kind, field) for field in dict.fromkeys(fields)]
    return Complaint(" and ".join(names) or "the whole", "do not fit together")


def variable(kind: type[BaseSettings], field: str) -> str:
    """Return the full name of the variable that fills a field (given by its name or its alias)."""
    if field in kind.model_fields:
        alias = kind.model_fields[field].validation_alias
        return alias if isinstance(alias, str) else f"{_prefix(kind)}{field}".upper()
    return field if field.isupper() else f"{_prefix(kind)}{field}".upper()


def _prefix(kind: type[BaseSettings]) -> str:
    return kind.model_config.get("env_prefix") or ""


def _stop(kind: type[BaseSettings], complaints: list[Complaint]) -> NoReturn:
    service = kind.__module__.partition(".")[0].replace("_", "-")
    sys.stderr.write(f"{service} cannot start: {'; '.join(map(str, complaints))}.\n")
    raise SystemExit(EXIT_CODE)
