"""Keys between services: records that expired, tokens that fit no record, scopes that nobody has."""

import hmac
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from aduan.contracts.values import CANARY_TENANT
from aduan.settings import ServiceSettings
from aduan.web.key_records import SCOPES, KeyRecord, hash_of, split
from aduan_standalone.doctor.environment import prefix_of
from aduan_standalone.doctor.findings import Finding, not_checked, ok

SOON: Final = timedelta(days=14)
_HASH: Final = re.compile("[0-9a-f]{64}")
_NEW_KEY: Final = (
    "make another one with `aduan key`, put its record beside the old one, then change who uses it"
)
_OF_OURS: Final = (
    "correct the tenant in the record, or the service's TENANTS; `aduan env --tenant` makes records"
    " of another city"
)


@dataclass(frozen=True, slots=True)
class Token:
    """A key of intake's that another service holds. portal: it may be kept in intake's database."""

    service: str
    field: str
    scope: str
    portal: bool = False


TOKENS: Final = (
    Token("routing", "intake_content_key", "content:read"),
    Token("sync-laporgub", "intake_content_key", "content:read"),
    Token("sync-laporgub", "intake_portal_key", "complaints:write", portal=True),
    Token("notify", "intake_token", "contacts:resolve"),
)


def examine(settings: Mapping[str, ServiceSettings], now: datetime) -> list[Finding]:
    """Look at the static keys and tokens of the services whose settings are given. now: real time."""
    found: list[Finding] = []
    for service, one in settings.items():
        found += _of_service(service, one, now)
    found += [finding for token in TOKENS for finding in _token(token, settings)]
    return found


def _of_service(service: str, settings: Any, now: datetime) -> Iterator[Finding]:
    where = f"{prefix_of(service)}STATIC_KEYS"
    records: tuple[KeyRecord, ...] = settings.static_keys
    wrong = [finding for record in records for finding in _record(record, settings, now, where)]
    yield from wrong
    if not any("ops:read" in record.scopes for record in records if _lives(record, now)):
        yield Finding(
            "keys", "warning", f"no key may look at {service}'s numbers (scope ops:read)", where,
            f"`aduan key --scope ops:read --scope ops:act`, and put the record into {where}",
        )  # fmt: skip
    elif not wrong:
        yield ok("keys", f"{len(records)} keys of {service}, none expires within 14 days", where)


def _lives(record: KeyRecord, now: datetime) -> bool:
    return record.expires_at is None or record.expires_at > now


def _record(record: KeyRecord, settings: Any, now: datetime, where: str) -> Iterator[Finding]:
    place = f"{where} {record.key_id}"
    if not _lives(record, now):
        yield Finding("keys", "error", "this key has expired", place, _NEW_KEY)
    elif record.expires_at is not None and record.expires_at - now < SOON:
        days = (record.expires_at - now).days
        yield Finding("keys", "warning", f"this key expires in {days} days", place, _NEW_KEY)
    if not _HASH.fullmatch(record.hash):
        words = "its hash is no SHA-256, so no key will ever fit it"
        yield Finding("keys", "error", words, place, _NEW_KEY)
    if strange := sorted(record.scopes - SCOPES):
        words = f"there is no scope {', '.join(strange)}"
        yield Finding("keys", "error", words, place, f"one of: {', '.join(sorted(SCOPES))}")
    if record.tenant not in {*settings.tenants, CANARY_TENANT}:
        words = f"its tenant {record.tenant} is none of this service's"
        yield Finding("keys", "error", words, place, _OF_OURS)


def _token(token: Token, settings: Mapping[str, ServiceSettings]) -> Iterator[Finding]:
    holder = settings.get(token.service)
    if holder is None:
        return
    where = f"{prefix_of(token.service)}{token.field.upper()}"
    secret: Any = getattr(holder, token.field)
    if secret is None:
        if token.scope == "content:read":
            yield ok("keys", f"{token.service} leaves confidential content at intake", where)
        return
    remedy = (
        f"`aduan key --scope {token.scope}`: the key into {where}, the record into"
        " ADUAN_INTAKE_STATIC_KEYS"
    )
    parts = split(secret.get_secret_value())
    if parts is None:
        words = "this is no key of the form aduan_ID_SECRET"
        yield Finding("keys", "error", words, where, remedy)
        return
    intake: Any = settings.get("intake")
    if intake is None:
        yield not_checked("keys", "intake's settings are not in this environment", where)
        return
    record = next((one for one in intake.static_keys if one.key_id == parts[0]), None)
    if record is None and token.portal:
        yield not_checked("keys", "it may be a portal's, kept in intake's database", where)
    elif record is None or not hmac.compare_digest(record.hash, hash_of(parts[1])):
        yield Finding("keys", "error", "intake has no record that fits this key", where, remedy)
    elif token.scope not in record.scopes:
        words = f"intake's record of this key lacks the scope {token.scope}"
        yield Finding("keys", "error", words, where, remedy)
    else:
        yield ok("keys", f"intake knows this key, with {token.scope}", where)
