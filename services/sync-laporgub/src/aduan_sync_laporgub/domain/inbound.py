"""From a row of LaporGub's inbound list to a report for intake's public API.

Identity goes straight through and is kept nowhere here. A flag that is missing or unreadable is
left out: intake then counts the report as anonymous and confidential until a coordinator decides.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from aduan.clock import WIB, iso
from aduan_sync_laporgub.domain.remote import InboundReport
from aduan_sync_laporgub.domain.words import Words

# LaporGub's `jenis`: 1 is public, 0 private. SP4N's `rahasia` and `is_secret` mean the opposite.
_CONFIDENTIAL_BY_JENIS: Final = {1: False, 0: True}
_ANONYMOUS: Final = {1: True, 0: False}
# What a parked row may keep: nothing that a person wrote or is called by.
_HARMLESS: Final = (
    "tiket",
    "urut",
    "kota_id",
    "jenis",
    "anonim",
    "sektor",
    "kanal",
    "status",
    "dibuat",
)
_SHORT: Final = 200  # characters of a title or a name, as intake takes them
_PLACE: Final = 500
_USABLE: Final = {
    "name": re.compile(r"(?s).+"),
    "phone": re.compile(r"[+0-9][0-9 .()/-]{5,31}"),
    "email": re.compile(r"[^@\s<>\",;:]+@[^@\s<>\",;:]+\.[^@\s<>\",;:]{1,100}"),
}
_CONTACTS: Final = (("nama", "name"), ("telepon", "phone"), ("email", "email"))


def hand_over(row: InboundReport, words: Words) -> dict[str, Any]:
    """Return the JSON for POST /v1/complaints. The same row gives the same body every time."""
    raw = row.raw
    place = _text(raw, "lokasi")[:_PLACE]
    report: dict[str, Any] = {
        "external_id": row.ticket,
        "origin": {
            "system": words.system,
            "external_id": row.ticket,
            "hops": [words.system],
        },
        "inlet": words.inlet(_text(raw, "kanal")),
        "text": _text(raw, "aduan"),
    }
    optional = {
        "title": _text(raw, "judul")[:_SHORT].strip(),
        "reported_at": _moment(_text(raw, "dibuat")),
        "confidential": _flag(_CONFIDENTIAL_BY_JENIS, raw.get("jenis")),
        "anonymous": _flag(_ANONYMOUS, raw.get("anonim")),
        "place": {"text": place} if place else None,
        "reporter": _reporter(raw.get("pelapor")),
    }
    return report | {name: value for name, value in optional.items() if value not in (None, "", {})}


def parked_row(row: InboundReport) -> dict[str, Any]:
    """Return what may be kept of a row that intake refused: no identity and no free text."""
    return {name: row.raw.get(name) for name in _HARMLESS if name in row.raw}


def parked_id(system: str, ticket: str) -> str:
    """Return the id of the parked item of a ticket; parking it again changes nothing."""
    return str(uuid5(NAMESPACE_URL, f"aduan:parked:{system}:{ticket}"))


def case_of(ref: str | None) -> str | None:
    """Return the complaint id that a reference of ours names."""
    parts = (ref or "").split(":")
    return parts[1] if len(parts) >= 2 and parts[0] == "aduan" else None


def _text(raw: Mapping[str, Any], name: str) -> str:
    value = raw.get(name)
    return value.strip() if isinstance(value, str) else ""


def _flag(meaning: Mapping[int, bool], value: object) -> bool | None:
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    text = str(value).strip()
    return meaning.get(int(text)) if text in {"0", "1"} else None


def _moment(text: str) -> str | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return iso(moment if moment.tzinfo else moment.replace(tzinfo=WIB))


def _reporter(person: object) -> dict[str, str]:
    """Return what intake can use; a mistyped contact must not keep a report from coming in."""
    if not isinstance(person, Mapping):
        return {}
    found = ((ours, _text(person, theirs)) for theirs, ours in _CONTACTS)
    return {name: value[:_SHORT] for name, value in found if _USABLE[name].fullmatch(value)}
