"""The forms of the officers' pages: which fields each action of the table asks for, as a literal table.

Which actions a page shows is not decided here: it shows exactly those that the table allows now.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

Kind = Literal[
    "text",
    "area",
    "date",
    "year",
    "office",
    "body",
    "partner",
    "class",
    "category",
    "photos",
    "yesno",
]
"""How a field is entered. office: one of the tenant's; body: an office, a partner or any name."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One field. name: as the API calls it; longest: in characters."""

    name: str
    kind: Kind
    label: str
    hint: str = ""
    needed: bool = True
    longest: int = 10_000


@dataclass(frozen=True, slots=True)
class Form:
    """One action. label: on its button; done: what is read when it has worked.

    tone: primary, secondary or danger. once: a second click with the same form changes nothing.
    """

    label: str
    done: str
    entries: tuple[Entry, ...] = ()
    hint: str = ""
    tone: Literal["primary", "secondary", "danger"] = "secondary"
    once: bool = False


_REASON: Final = Entry("reason", "area", "Alasan", "Dibaca juga oleh pelapor.", longest=2_000)
_OFFICE_FIELD: Final = Entry("opd", "office", "Perangkat daerah tujuan")

FORMS: Final[Mapping[str, Form]] = {
    "accept": Form("Terima laporan", "Laporan sudah diterima.", tone="primary"),
    "start": Form("Mulai tindak lanjut", "Tindak lanjut sudah dimulai.", tone="primary"),
    "answer": Form(
        "Jawab laporan",
        "Jawaban sudah dikirim.",
        (
            Entry(
                "text", "area", "Jawaban untuk pelapor", "Isi sudah disetujui unit yang berwenang."
            ),
            Entry(
                "evidence",
                "photos",
                "Foto bukti",
                "JPEG, PNG atau WebP, paling besar 5 MB. Data lokasi di dalam foto dihapus.",
                needed=False,
            ),
        ),
        tone="primary",
        once=True,
    ),
    "ask": Form(
        "Tanya pelapor",
        "Pertanyaan sudah dikirim.",
        (Entry("question", "area", "Pertanyaan", "Mohon sopan dan jelas.", longest=2_000),),
        hint="Batas waktu penyelesaian berhenti sementara sampai pelapor menjawab.",
        once=True,
    ),
    "return": Form(
        "Kembalikan: bukan wewenang",
        "Laporan dikembalikan ke koordinator.",
        (
            Entry("reason", "area", "Alasan", longest=2_000),
            Entry("proposed", "body", "Instansi yang diusulkan"),
        ),
    ),
    "close-conditionally": Form(
        "Selesai bersyarat",
        "Laporan ditutup bersyarat; janji tindak lanjut tercatat.",
        (
            Entry("reason", "area", "Alasan dan rencana", "Dibaca juga oleh pelapor."),
            Entry("on", "date", "Tanggal tindak lanjut"),
            Entry("fiscal_year", "year", "Tahun anggaran"),
            Entry("unit", "text", "Unit penanggung jawab", longest=200),
        ),
        hint="Untuk pekerjaan yang memerlukan perencanaan dan anggaran. Ini janji, bukan penutup.",
    ),
    "assign": Form(
        "Teruskan ke perangkat daerah",
        "Laporan sudah diteruskan.",
        (
            _OFFICE_FIELD,
            Entry("note", "area", "Catatan untuk unit", needed=False, longest=2_000),
        ),
        tone="primary",
    ),
    "forward": Form(
        "Teruskan ke instansi lain",
        "Laporan diteruskan ke instansi lain.",
        (
            Entry("partner", "partner", "Instansi tujuan"),
            Entry("reason", "area", "Alasan", needed=False, longest=2_000),
        ),
    ),
    "close": Form("Nyatakan selesai", "Laporan dinyatakan selesai.", (_REASON,)),
    "triage": Form(
        "Tarik ke verifikasi",
        "Laporan kembali ke meja verifikasi.",
        (Entry("reason", "area", "Alasan", needed=False, longest=2_000),),
    ),
    "reopen": Form(
        "Buka kembali",
        "Laporan ditindaklanjuti kembali.",
        (Entry("reason", "area", "Alasan", needed=False, longest=2_000),),
    ),
    "verify": Form("Tandai terverifikasi", "Laporan sudah diverifikasi."),
    "acknowledge": Form("Sudah diperiksa", "Catatan sistem mitra sudah diperiksa."),
    "reclassify": Form(
        "Ubah data laporan",
        "Data laporan sudah diperbarui.",
        (
            Entry("class", "class", "Klasifikasi", needed=False),
            Entry("category", "category", "Kategori", needed=False),
            Entry("area", "text", "Kode wilayah", "Misalnya 33.74.01.", needed=False, longest=20),
            Entry("title", "text", "Judul singkat", needed=False, longest=200),
            Entry("anonymous", "yesno", "Anonim", "Pelapor tidak ditampilkan.", needed=False),
            Entry("confidential", "yesno", "Rahasia", "Isi tidak ditampilkan.", needed=False),
        ),
    ),
    "reject": Form("Tolak laporan", "Laporan ditolak.", (_REASON,), tone="danger"),
    "archive": Form("Arsipkan", "Laporan diarsipkan.", (_REASON,), tone="danger"),
}
_BODIES_OTHER: Final = "lainnya"


def fields_of(action: str, sent: Mapping[str, str]) -> dict[str, Any]:
    """Return what a browser sent as the API wants it; empty entries are left out, photos too."""
    found: dict[str, Any] = {}
    for entry in FORMS[action].entries:
        text = sent.get(entry.name, "").replace("\r\n", "\n").strip()
        if entry.kind == "body" and text == _BODIES_OTHER:
            text = sent.get(f"{entry.name}-{_BODIES_OTHER}", "").strip()
        if not text or entry.kind == "photos":
            continue
        if entry.kind == "yesno":
            found[entry.name] = text == "ya"
        elif entry.kind == "year":
            found[entry.name] = int(text) if text.isascii() and text.isdigit() else text
        else:
            found[entry.name] = text
    return found
