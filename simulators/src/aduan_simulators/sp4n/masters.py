"""The reference tables of the simulated SP4N. Every id here is assumed: no real table is known."""

from typing import Any, Final

OWN_INSTITUTION: Final = 3374
NATIONAL: Final = 1

INSTITUTIONS: Final = {
    NATIONAL: "Admin Nasional SP4N",
    33: "Pemerintah Provinsi Jawa Tengah",
    OWN_INSTITUTION: "Pemerintah Kota Semarang",
    101: "Kementerian Pekerjaan Umum",
    102: "Kementerian Perhubungan",
    103: "Badan Pertanahan Nasional",
    104: "PT PLN (Persero)",
}

# code -> (name, text). The placeholder is part of the known contract; the codes are assumed.
TEMPLATES: Final = {
    "TERUSKAN": ("Diteruskan", "Laporan diteruskan ke {{institution_to}}."),
    "CATATAN": ("Catatan", "Catatan untuk {{institution_to}}."),
    "JAWABAN": ("Jawaban instansi", "Tanggapan dari {{institution_from}}:"),
}

UNVERIFIED: Final = "Belum Terverifikasi"
IN_PROCESS: Final = "Dalam Proses"
DONE: Final = "Selesai"
REFUSED: Final = "Ditolak"
ARCHIVED: Final = "Diarsipkan"

STATUS_CODES: Final = {UNVERIFIED: 1, IN_PROCESS: 2, DONE: 3, REFUSED: 4, ARCHIVED: 5}

ANSWER_HTML: Final = (
    "<p>Terima&nbsp;kasih atas laporan Bapak/Ibu.</p>"
    "<p>Petugas kami sudah <b>memeriksa lokasi</b> dan pekerjaan dijadwalkan minggu ini.</p>"
)


def institution_rows() -> list[dict[str, Any]]:
    """Return the rows of masters/institutions/external."""
    return [{"id": id, "name": name} for id, name in INSTITUTIONS.items()]


def template_rows() -> list[dict[str, Any]]:
    """Return the rows of masters/templates."""
    return [
        {"code": code, "name": name, "content": content}
        for code, (name, content) in TEMPLATES.items()
    ]
