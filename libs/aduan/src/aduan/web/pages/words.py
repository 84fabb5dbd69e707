"""Days, moments and states as people in Semarang read them: Bahasa Indonesia, WIB."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Final

from aduan.clock import WIB, parse_iso

_MONTHS: Final = (
    "Januari Februari Maret April Mei Juni Juli Agustus September Oktober November Desember".split()
)
_DAYS: Final = "Senin Selasa Rabu Kamis Jumat Sabtu Minggu".split()

STATE_LABELS: Final[Mapping[str, str]] = {
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


def day_in_words(given: date | str) -> str:
    """Return a day: Kamis, 3 Desember 2026.

    given: a date, an aware datetime (its day in WIB), or either as ISO text.
    """
    day = _read(given)
    if isinstance(day, datetime):
        day = day.astimezone(WIB)
    return f"{_DAYS[day.weekday()]}, {day.day} {_MONTHS[day.month - 1]} {day.year}"


def moment_in_words(given: datetime | str) -> str:
    """Return a moment: Kamis, 3 Desember 2026 pukul 14.30 WIB. given: aware, or ISO text."""
    here = _moment(given)
    return f"{day_in_words(here)} pukul {here:%H.%M} WIB"


def short_moment(given: datetime | str) -> str:
    """Return a moment for a table: 3 Des 2026, 14.30. given: aware, or ISO text."""
    here = _moment(given)
    return f"{here.day} {_MONTHS[here.month - 1][:3]} {here.year}, {here:%H.%M}"


def _moment(given: datetime | str) -> datetime:
    return (parse_iso(given) if isinstance(given, str) else given).astimezone(WIB)


def _read(given: date | str) -> date:
    if not isinstance(given, str):
        return given
    return date.fromisoformat(given) if len(given) == len("2026-12-01") else parse_iso(given)
