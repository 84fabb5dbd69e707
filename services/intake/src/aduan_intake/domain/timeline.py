"""What the public sees of a case: plain words, fed by the events of the others.

A projection only: routing is the sequencer, this page repeats what it says.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final

from aduan.clock import iso, parse_iso
from aduan.storage.port import Body
from aduan.web.pages.words import STATE_LABELS, moment_in_words

CLOCKS: Final[Mapping[str, str]] = {
    "verify": "verifikasi laporan",
    "forward": "penerusan ke perangkat daerah",
    "first_follow_up": "tindak lanjut pertama",
    "handle": "penanganan",
    "complete": "penyelesaian",
    "auto_close": "penutupan otomatis",
    "debt": "pemenuhan janji tindak lanjut",
    "reply_timeout": "jawaban Bapak/Ibu",
}
UNKNOWN: Final = "Sedang diproses"  # a newer routing may name a state that we do not know yet
# What the public reads of the clock that ends first; {} is the moment.
_AHEAD: Final[Mapping[str, str]] = {
    "verify": "Laporan diverifikasi paling lambat {}.",
    "forward": "Laporan diteruskan ke perangkat daerah paling lambat {}.",
    "first_follow_up": "Tindak lanjut pertama paling lambat {}.",
    "handle": "Laporan ditangani paling lambat {}.",
    "complete": "Laporan diselesaikan paling lambat {}.",
    "auto_close": "Tanpa tanggapan Bapak/Ibu, laporan ditutup otomatis pada {}.",
    "debt": "Tindak lanjut yang dijanjikan jatuh tempo pada {}.",
    "reply_timeout": "Mohon jawaban Bapak/Ibu paling lambat {}.",
}


def entry(at: datetime, text: str, by: str, **more: str | None) -> dict[str, Any]:
    """Return one line of a timeline.

    more: `more`, an answer or a question that is fit for the public; `breach`, the clock and its
    instance that the line admits, so that a correction finds it.
    """
    found: dict[str, Any] = {"at": iso(at), "text": text, "by": by}
    return found | {name: value for name, value in more.items() if value is not None}


def added(body: Body, line: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """Return the body with one line more, in order of time, and other changes."""
    lines = sorted([*body["timeline"], dict(line)], key=lambda one: one["at"])
    return {**body, **changes, "timeline": lines}


def following(body: Body, state: str, *, confidential: bool) -> dict[str, Any]:
    """Return what changes in the body when routing says how the case stands.

    A complaint that a coordinator makes confidential loses its words in clear; they stay sealed.
    """
    changed: dict[str, Any] = {"state": state, "confidential": confidential}
    if confidential and not body["confidential"]:
        place = {**body["place"], "lat": None, "lng": None, "text": None}
        changed |= {"title": None, "text": None, "place": place}
    return changed


def without_breaches(body: Body, corrected: Collection[str]) -> list[Mapping[str, Any]]:
    """Return the timeline without the missed deadlines that later knowledge has undone."""
    return [line for line in body["timeline"] if line.get("breach") not in corrected]


def public_view(body: Body, *, known_reporter: bool, now: datetime) -> dict[str, Any]:
    """Return what may be shown: of a confidential complaint, to the public, only that it exists.

    now: the domain time; it tells a due date that lies ahead from one that was missed.
    """
    hidden = body["confidential"] and not known_reporter
    if hidden:
        return {
            "ticket": body["ticket"],
            "state": None,
            "state_label": "Rahasia",
            "confidential": True,
            "received_at": None,
            "timeline": [],
            "next_due": None,
        }
    received = entry(parse_iso(body["received_at"]), "Laporan diterima.", "system")
    return {
        "ticket": body["ticket"],
        "state": body["state"],
        "state_label": STATE_LABELS.get(body["state"], UNKNOWN),
        "confidential": body["confidential"],
        "received_at": body["received_at"],
        "timeline": [received, *body["timeline"]],
        "next_due": _due(body["nearest"], now),
    }


def _due(nearest: Mapping[str, str] | None, now: datetime) -> dict[str, str] | None:
    if nearest is None:
        return None
    name, due_at = nearest["name"], parse_iso(nearest["due_at"])
    if due_at > now:
        words = _AHEAD.get(name, "Batas waktu berikutnya: {}.").format(moment_in_words(due_at))
    else:
        what = CLOCKS.get(name, "berikutnya")
        words = f"Batas waktu {what} sudah terlewati: {moment_in_words(due_at)}."
    return {"clock": name, "due_at": nearest["due_at"], "words": words}
