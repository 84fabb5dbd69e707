"""What the public sees of a case: plain words, fed by the events of the others.

A projection only: routing is the sequencer, this page repeats what it says.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from aduan.clock import WIB, iso, parse_iso
from aduan.storage.port import Body

STATES: Final[Mapping[str, str]] = {
    "received": "Diterima",
    "triage": "Diverifikasi",
    "assigned": "Diteruskan ke perangkat daerah",
    "accepted": "Diterima perangkat daerah",
    "in_progress": "Sedang ditindaklanjuti",
    "awaiting_reporter": "Menunggu jawaban pelapor",
    "answered": "Sudah dijawab",
    "closed": "Selesai",
    "conditionally_closed": "Selesai bersyarat",
    "returned": "Dialihkan: bukan wewenang unit",
    "forwarded": "Diteruskan ke instansi lain",
    "rejected": "Tidak dapat diproses",
    "archived": "Diarsipkan",
}
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
_MONTHS: Final = (
    "Januari Februari Maret April Mei Juni Juli Agustus September Oktober November Desember".split()
)
_DAYS: Final = "Senin Selasa Rabu Kamis Jumat Sabtu Minggu".split()


def entry(at: datetime, text: str, by: str, more: str | None = None) -> dict[str, Any]:
    """Return one line of a timeline. more: an answer or a question, already fit for the public."""
    found: dict[str, Any] = {"at": iso(at), "text": text, "by": by}
    return found if more is None else {**found, "more": more}


def added(body: Body, line: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """Return the body with one line more, in order of time, and other changes."""
    lines = sorted([*body["timeline"], dict(line)], key=lambda one: one["at"])
    return {**body, **changes, "timeline": lines}


def in_words(moment: datetime) -> str:
    """Return a moment as people say it in WIB: Kamis, 3 Desember 2026 pukul 14.30 WIB."""
    here = moment.astimezone(WIB)
    day = f"{_DAYS[here.weekday()]}, {here.day} {_MONTHS[here.month - 1]} {here.year}"
    return f"{day} pukul {here:%H.%M} WIB"


def public_view(body: Body, *, known_reporter: bool) -> dict[str, Any]:
    """Return what may be shown: of a confidential complaint, to the public, only that it exists."""
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
        "state_label": STATES[body["state"]],
        "confidential": body["confidential"],
        "received_at": body["received_at"],
        "timeline": [received, *body["timeline"]],
        "next_due": _due(body["nearest"]),
    }


def _due(nearest: Mapping[str, str] | None) -> dict[str, str] | None:
    if nearest is None:
        return None
    moment = parse_iso(nearest["due_at"])
    return {
        "clock": nearest["name"],
        "due_at": nearest["due_at"],
        "words": f"Batas {CLOCKS[nearest['name']]}: {in_words(moment)}.",
    }
