"""What is looked at where the services are processes of their own, on Kafka and MongoDB.

The environment is the deployer's, that of one service, or both: what it says nothing about is listed
as not checked.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from aduan.clock import Clock
from aduan.settings import BusSettings, ServiceSettings, read, scheme_of
from aduan_notify.adapters.smtp import Account
from aduan_standalone.cli.instance import DEFAULT, SERVICES
from aduan_standalone.cli.migrating import database_of, with_database
from aduan_standalone.doctor import environment as variables
from aduan_standalone.doctor import keys, neighbours, reference
from aduan_standalone.doctor.examining import Check
from aduan_standalone.doctor.findings import Finding, not_checked, ok

_MONGO: Final = ("mongodb", "mongodb+srv")


@dataclass(frozen=True, slots=True)
class Question:
    """What `aduan doctor` was asked for.

    services: which; all where none is named. urls: where services answer, by name, `*` for all
    others. prefix, replication, principals: as for `aduan migrate` and `aduan topics`.
    """

    patience: float
    principals: str
    services: tuple[str, ...] = SERVICES
    urls: Mapping[str, str] = field(default_factory=dict)
    prefix: str = "aduan"
    replication: int | None = None


def checks(asked: Question, environment: Mapping[str, str], clock: Clock) -> list[Check]:
    """Return the parts."""
    found: list[Finding] = []
    settings: dict[str, ServiceSettings] = {}
    given = [name for name in asked.services if variables.is_given(name, environment)]
    for service in asked.services:
        if service not in given:
            reason = f"no {variables.prefix_of(service)} variable is set here"
            found.append(not_checked("settings", reason, service))
            continue
        built, words = variables.of_service(service, environment)
        found += words
        if isinstance(built, ServiceSettings):
            settings[service] = built
    beside = [name for name in variables.BESIDE if variables.is_given(name, environment)]
    for name in beside:
        found += variables.of_service(name, environment)[1]
    given += beside
    seen = [variables.prefix_of(service) for service in given]
    found += variables.strangers(environment, but=seen)
    return [
        Check("settings", "environment", lambda: found),
        Check("connections", "ADUAN_BUS", lambda: _brokers(asked, environment)),
        *(_database(service, asked, environment, settings, clock) for service in asked.services),
        *_neighbours(settings, asked, clock),
        Check("keys", "STATIC_KEYS", lambda: _keys(settings, clock)),
        Check("reference", "reference", lambda: _reference(settings, clock)),
    ]


def _brokers(asked: Question, environment: Mapping[str, str]) -> Sequence[Finding]:
    if not environment.get("ADUAN_BUS"):
        parts = ("connections", "topics", "access")
        return [not_checked(name, "ADUAN_BUS is not set", "ADUAN_BUS") for name in parts]
    bus, complaints = read(BusSettings, environment)
    if bus is None:
        return [
            Finding(
                "settings", "error", f"{one}", one.name, f"set {one.name} as docs/deploy.md says"
            )
            for one in complaints
        ]
    if scheme_of(bus.bus) != "kafka":
        return [ok("topics", "the log is embedded, which makes its topics", "ADUAN_BUS")]
    # librdkafka is heavy; no other command loads it
    from aduan_standalone.doctor import brokers

    return brokers.examine(
        bus,
        replication=asked.replication,
        principals=asked.principals,
        patience=asked.patience,
    )


def _database(
    service: str,
    asked: Question,
    environment: Mapping[str, str],
    settings: Mapping[str, ServiceSettings],
    clock: Clock,
) -> Check:
    where = f"database of {service}"

    def run() -> Sequence[Finding]:
        url = environment.get("ADUAN_STORE", "")
        if not url:
            return [not_checked("connections", "ADUAN_STORE is not set", where)]
        if scheme_of(url) not in _MONGO:
            return [ok("indexes", "the store is embedded, which makes its tables", where)]
        owner = _owner(url, asked.prefix)
        if owner is None:
            url = with_database(url, database_of(service, asked.prefix))
        elif owner != service:
            return [not_checked("connections", f"ADUAN_STORE is {owner}'s own here", where)]
        from aduan_standalone.doctor import databases

        driver = getattr(settings.get(service), "mongo_driver", None)
        return databases.examine(service, url, clock, driver=driver, patience=asked.patience)

    return Check("connections", where, run)


def _owner(url: str, prefix: str) -> str | None:
    """Return the service whose own database an address names; None for the deployer's."""
    try:
        named = urlsplit(url).path.strip("/")
    except ValueError:
        return None
    return next((name for name in SERVICES if database_of(name, prefix) == named), None)


def _neighbours(
    settings: Mapping[str, ServiceSettings], asked: Question, clock: Clock
) -> list[Check]:
    found: list[Check] = []
    patience = asked.patience

    def answers(name: str, url: str, where: str) -> Check:
        run = lambda: neighbours.service(name, url, clock, patience=patience)  # noqa: E731
        return Check("connections", where, run)

    for name in asked.services:
        url = asked.urls.get(name) or asked.urls.get(DEFAULT)
        if url is not None:
            found.append(answers(name, url, name))
        else:
            reason = [not_checked("connections", f"no address: --to {name}=URL", name)]
            found.append(Check("connections", name, lambda reason=reason: reason))  # type: ignore[misc]
    addresses = {
        url: f"{variables.prefix_of(service)}INTAKE_URL"
        for service, one in settings.items()
        if (url := getattr(one, "intake_url", None)) is not None
    }
    found += [answers("intake", url, variable) for url, variable in addresses.items()]
    sync: Any = settings.get("sync-laporgub")
    for name in ("laporgub", "sp4n") if sync is not None else ():
        url = getattr(sync, f"{name}_url")
        variable = f"ADUAN_SYNC_LAPORGUB_{name.upper()}_URL"
        if url is not None:
            found.append(_partner(name, url, variable, clock, patience))
    notify: Any = settings.get("notify")
    if notify is not None:
        found.append(_mail(notify, clock, patience))
    return found


def _partner(name: str, url: str, variable: str, clock: Clock, patience: float) -> Check:
    return Check(
        "connections",
        variable,
        lambda: neighbours.partner(name, url, variable, clock, patience=patience),
    )


def _mail(notify: Any, clock: Clock, patience: float) -> Check:
    password = notify.smtp_password
    account = Account(
        host=notify.smtp_host,
        port=notify.smtp_port,
        timeout_seconds=min(patience, notify.smtp_timeout_seconds),
        tls=notify.smtp_tls,
        start_tls=notify.smtp_start_tls,
        user=notify.smtp_user,
        password=password.get_secret_value() if password is not None else None,
    )
    remedy = "correct the ADUAN_NOTIFY_SMTP_ variables, or start it; until then mail waits"
    run = lambda: neighbours.mail(account, clock, remedy=remedy, patience=patience)  # noqa: E731
    return Check("connections", "ADUAN_NOTIFY_SMTP_HOST", run)


def _keys(settings: Mapping[str, ServiceSettings], clock: Clock) -> Sequence[Finding]:
    if not settings:
        return [not_checked("keys", "no service's settings are complete here", "STATIC_KEYS")]
    return keys.examine(settings, clock.wall())


def _reference(settings: Mapping[str, ServiceSettings], clock: Clock) -> Sequence[Finding]:
    if not settings:
        return [not_checked("reference", "no service's settings are complete here", "reference")]
    return reference.examine(settings, clock.wall())


def given(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether the environment says where anything distributed is. Raises nothing."""
    named = any(environment.get(name) for name in ("ADUAN_BUS", "ADUAN_STORE"))
    return named or any(variables.is_given(name, environment) for name in SERVICES)
