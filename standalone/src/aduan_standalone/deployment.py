"""The secrets of a deployment by compose: which there are, how each is made, what follows from which.

A token is known to whoever shows it; whoever is shown it has a record with its hash. Both stand in one
file here, so the records are made from the tokens.
"""

import base64
import json
import os
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from aduan.contracts.values import CANARY_TENANT
from aduan.web.keys import SCOPES, KeyRecord, Scope, make_key, record_of
from aduan_standalone.canary.keys import PORTAL, READS
from aduan_standalone.cli.refusal import Refusal

_LINE: Final = re.compile(r"(?P<name>[A-Z][A-Z0-9_]*)=(?P<value>.*)")
OPERATOR: Final = "ADUAN_TOKEN"
_PASSWORD: Final = re.compile(
    r"MONGO_\w+_PASSWORD|GRAFANA_ADMIN_PASSWORD|\w+_LAPORGUB_TOKEN|\w+_SP4N_\w+"
)
_CODES: Final = TypeAdapter(tuple[str, ...])
_KEPT: Final = TypeAdapter(tuple[KeyRecord, ...])
_KEY: Final = re.compile(r"\w+_(VAULT|SEAL|COOKIE)_KEY")


@dataclass(frozen=True, slots=True)
class Token:
    """A token that processes show each other. portal: of which portal its bearer speaks.

    tenant: whose it is, where it is not the city's.
    """

    scopes: tuple[Scope, ...]
    portal: str | None = None
    tenant: str | None = None


TOKENS: Final[Mapping[str, Token]] = {
    OPERATOR: Token(tuple(sorted(SCOPES))),  # type: ignore[arg-type]  # the closed set itself
    "ADUAN_NOTIFY_INTAKE_TOKEN": Token(("contacts:resolve",)),
    "ADUAN_ROUTING_INTAKE_CONTENT_KEY": Token(("content:read",)),
    "ADUAN_SYNC_LAPORGUB_INTAKE_CONTENT_KEY": Token(("content:read",)),
    "ADUAN_SYNC_LAPORGUB_INTAKE_PORTAL_KEY": Token(("complaints:write",), portal="laporgub"),
    "ADUAN_CANARY_PORTAL_KEY": Token(("complaints:write",), portal=PORTAL, tenant=CANARY_TENANT),
    "ADUAN_CANARY_READ_KEY": Token(READS, tenant=CANARY_TENANT),
}
RECORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "STATIC_KEYS": (OPERATOR, "ADUAN_CANARY_READ_KEY"),
    "ADUAN_INTAKE_STATIC_KEYS": tuple(name for name in TOKENS if name != "ADUAN_CANARY_READ_KEY"),
}


def values_in(text: str) -> dict[str, str]:
    """Return the variables of a .env's text; quotes around a whole value are not part of it."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        match = _LINE.fullmatch(line.strip())
        if match is not None:
            value = match["value"].strip()
            quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
            found[match["name"]] = value[1:-1] if quoted else value
    return found


@dataclass(frozen=True, slots=True)
class Completed:
    """A .env's text; made: the names of the secrets that are new in it.

    left: what the example has besides and the file has not: names and the example's values. They are
    told and never written, because they suit a trial alone.
    """

    text: str
    made: tuple[str, ...]
    left: Mapping[str, str]


def completed(example: str, existing: str, *, tenant: str | None = None) -> Completed:
    """Return a .env: all of the example where there is none, else what is there and missing secrets.

    What `existing` has stays as it is, also an empty value, which is a choice; so is a line that was
    taken out. tenant: whose the keys are; by default the first of TENANTS. A new file serves it.
    Raises Refusal for an empty variable of the example that is no secret we know, where a record that
    is there does not know a token, and for keys of a tenant that TENANTS does not have.
    """
    there = values_in(existing)
    wanted = values_in(example)
    values = wanted | there
    if not existing and tenant is not None:
        values |= {"TENANTS": json.dumps([tenant, CANARY_TENANT])}
        values |= {"COUNTED_TENANTS": json.dumps([tenant])}
    served = _tenants(values)
    tenant = tenant or next((one for one in served if one != CANARY_TENANT), CANARY_TENANT)
    if served and tenant not in served:
        raise Refusal(f"TENANTS does not have {tenant}: correct it, or --tenant.")
    made: list[str] = []
    for name in wanted:
        if name not in there and not wanted[name] and name not in RECORDS:
            values[name] = _secret(name, tenant)
            made.append(name)
    for name, tokens in RECORDS.items():
        if name not in wanted:
            continue
        records = [_record(token, values[token], tenant) for token in tokens]
        if name not in there:
            values[name] = _quoted(records)
            made.append(name)
        elif unknown := [
            token
            for token, record in zip(tokens, records, strict=True)
            if record.key_id not in values[name]
        ]:
            raise Refusal(
                f"{name} does not know {', '.join(unknown)}: take {name} out, and it is made anew."
            )
        elif strange := sorted(_tenants_of(name, values[name]) - {*served, CANARY_TENANT}):
            raise Refusal(
                f"{name} has keys of {', '.join(strange)}, which TENANTS does not have: correct"
                f" TENANTS, or take {name} out, and it is made anew for {tenant}."
            )
    if not existing:
        return Completed(_filled(example, values), tuple(made), {})
    left = {name: wanted[name] for name in wanted if name not in there and name not in made}
    if not made:
        return Completed(existing, (), left)
    lines = [f"{name}={values[name]}" for name in wanted if name in made]
    text = "\n".join([existing.rstrip("\n"), "", "# added by `aduan env`", *lines, ""])
    return Completed(text, tuple(made), left)


def _tenants(values: Mapping[str, str]) -> tuple[str, ...]:
    """Return TENANTS, nothing where neither file has it. Raises Refusal for no list of codes."""
    if "TENANTS" not in values:
        return ()
    try:
        return _CODES.validate_json(values["TENANTS"])
    except ValidationError:
        raise Refusal('TENANTS is no JSON list of codes, as ["33.74", "00.00"].') from None


def _tenants_of(name: str, records: str) -> set[str]:
    try:
        return {record.tenant for record in _KEPT.validate_json(records)}
    except ValidationError:
        raise Refusal(f"{name} is no list of keys: take it out, and it is made anew.") from None


def _secret(name: str, tenant: str) -> str:
    makers: Mapping[re.Pattern[str], Callable[[], str]] = {
        _PASSWORD: lambda: secrets.token_urlsafe(24),
        _KEY: lambda: base64.b64encode(os.urandom(32)).decode(),
    }
    if name in TOKENS:
        return make_key(tenant=TOKENS[name].tenant or tenant, scopes=TOKENS[name].scopes)[0]
    for pattern, make in makers.items():
        if pattern.fullmatch(name):
            return make()
    raise Refusal(f"The example leaves {name} empty, and nobody knows how it is made.")


def _record(name: str, token: str, tenant: str) -> KeyRecord:
    kind = TOKENS[name]
    try:
        record = record_of(token, tenant=kind.tenant or tenant, scopes=kind.scopes)
    except ValueError:
        raise Refusal(f"{name} is no Aduan key (aduan_<keyid>_<secret>).") from None
    return replace(record, portal=kind.portal)


def _quoted(records: list[KeyRecord]) -> str:
    # In single quotes compose takes it as it stands.
    found: list[dict[str, Any]] = [
        {
            "key_id": record.key_id,
            "hash": record.hash,
            "tenant": record.tenant,
            "scopes": sorted(record.scopes),
            "portal": record.portal,
        }
        for record in records
    ]
    return f"'{json.dumps(found)}'"


def _filled(example: str, values: Mapping[str, str]) -> str:
    lines = []
    for line in example.splitlines():
        match = _LINE.fullmatch(line.strip())
        lines.append(line if match is None else f"{match['name']}={values[match['name']]}")
    return "\n".join(lines) + "\n"
