"""What is looked at where all five services run in one process over one data folder."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from aduan.clock import Clock
from aduan.settings import ServiceSettings
from aduan_notify.adapters.smtp import Account
from aduan_standalone.cli import instance
from aduan_standalone.cli.instance import SERVICES
from aduan_standalone.cli.refusal import Refusal
from aduan_standalone.doctor import environment as variables
from aduan_standalone.doctor import files, neighbours, reference
from aduan_standalone.doctor.examining import Check
from aduan_standalone.doctor.findings import Finding, not_checked
from aduan_standalone.partners import ADDRESSES

OWN_MAIL: Final = ("127.0.0.1", 25)  # what `aduan up` hands to notify


def checks(
    data: Path, environment: Mapping[str, str], clock: Clock, *, patience: float
) -> list[Check]:
    """Return the parts. Raises Refusal where there is no such folder."""
    if not data.is_dir():
        raise Refusal(f"There is no folder {data}.")
    where = str(data)
    return [
        Check("settings", "environment", lambda: variables.strangers(environment)),
        Check("files", where, lambda: files.folder(data)),
        Check("keys", where, lambda: files.secrets(data)),
        Check("schema", where, lambda: files.schemas(data)),
        Check("disk", where, lambda: files.room(data)),
        Check("clock", where, lambda: files.clock(data, clock)),
        Check("reference", "reference", lambda: _reference(clock)),
        Check("versions", "Python", files.engine),
        Check("connections", where, lambda: _instance(data, clock, patience)),
        Check("connections", "mail server", lambda: _mail(data, clock, patience)),
        Check("topics", where, lambda: _embedded(where)),
    ]


def _embedded(where: str) -> Sequence[Finding]:
    return [
        Finding(name, "ok", f"{words}: the log is embedded", where)
        for name, words in (("topics", "made as they are written"), ("access", "none needed"))
    ]


def _reference(clock: Clock) -> Sequence[Finding]:
    from aduan_standalone.composition import Plan, settings_of
    from aduan_standalone.folder import Keys
    from aduan_standalone.host import TENANT, reference_folder

    # The rules of a tenant depend on no key; any will do to build the settings.
    key, operator = "A" * 43 + "=", f"aduan_doctor_{'0' * 43}"
    plan = Plan(
        data=Path("/nowhere"), url="http://127.0.0.1:1", reference=reference_folder(),
        keys=Keys(key, key, key, key, operator), tenant=TENANT, fast=False, partners=None,
    )  # fmt: skip
    settings: Mapping[str, ServiceSettings] = settings_of(plan)
    return reference.examine(settings, clock.wall())


def _instance(data: Path, clock: Clock, patience: float) -> Sequence[Finding]:
    try:
        running = instance.running_in(data)
    except Refusal:
        return [not_checked("connections", "no instance runs in this folder", str(data))]
    if not running.alive:
        return [not_checked("connections", "the instance of this folder has ended", str(data))]
    found: list[Finding] = []
    for name in SERVICES:
        found += neighbours.service(name, running.url, clock, patience=patience)
    # one machine, one clock: only its connections are of interest
    return [one for one in found if one.check == "connections"]


def _mail(data: Path, clock: Clock, patience: float) -> Sequence[Finding]:
    from aduan_standalone.host import outside_of

    host, port = OWN_MAIL
    simulated = outside_of(data) / ADDRESSES
    if simulated.is_file():
        port = int(json.loads(simulated.read_text("utf-8"))["smtp"])
    account = Account(host=host, port=port, timeout_seconds=patience)
    remedy = f"start a mail server that takes mail on {host}:{port}; until then it waits"
    return neighbours.mail(account, clock, remedy=remedy, patience=patience)
