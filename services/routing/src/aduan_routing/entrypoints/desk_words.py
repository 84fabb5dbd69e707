"""What officers read: Indonesian words for codes, and sentences for what was refused."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from aduan.clock import parse_iso
from aduan.web.problems import Problem

STATES: Final[Mapping[str, str]] = {
    "triage": "Perlu verifikasi",
    "assigned": "Baru masuk",
    "accepted": "Diterima",
    "in_progress": "Dikerjakan",
    "awaiting_reporter": "Menunggu pelapor",
    "answered": "Dijawab",
    "closed": "Selesai",
    "conditionally_closed": "Selesai bersyarat",
    "returned": "Bukan wewenang",
    "forwarded": "Di instansi lain",
    "rejected": "Ditolak",
    "archived": "Diarsipkan",
}
"""Shorter than what citizens read: an officer sees many at once."""
CLOCKS: Final[Mapping[str, str]] = {
    "verify": "Verifikasi",
    "forward": "Penerusan ke perangkat daerah",
    "first_follow_up": "Tindak lanjut pertama",
    "handle": "Penanganan",
    "complete": "Penyelesaian",
    "auto_close": "Penutupan otomatis",
    "debt": "Janji tindak lanjut",
    "reply_timeout": "Batas jawaban pelapor",
}
CLASSES: Final[Mapping[str, str]] = {
    "aspirasi": "Aspirasi",
    "permintaan_informasi": "Permintaan informasi",
    "pengaduan_tidak_berkadar_pengawasan": "Pengaduan tidak berkadar pengawasan",
    "pengaduan_berkadar_pengawasan": "Pengaduan berkadar pengawasan",
}
PARTNERS: Final[Mapping[str, str]] = {"laporgub": "LaporGub", "sp4n": "SP4N-LAPOR!"}
REASONS: Final[Mapping[str, str]] = {
    "words": "Kata yang dikenali",
    "no_evidence": "Tidak ada kata yang dikenali",
    "short_text": "Laporan sangat pendek",
    "road_owner_unsure": "Pemilik jalan belum pasti",
    "jurisdiction": "Kewenangan instansi lain",
    "oversight": "Menyangkut perilaku aparatur",
    "emergency": "Kemungkinan keadaan darurat",
    "opd_hint": "Tujuan yang dipilih pelapor",
    "category_hint": "Kategori yang dipilih pelapor",
    "area_code": "Wilayah menurut kode",
    "area_by_point": "Wilayah menurut titik peta",
    "area_named": "Wilayah menurut nama",
    "area_ambiguous": "Nama wilayah ada lebih dari satu",
    "area_unknown": "Wilayah belum diketahui",
}
REPLIES: Final[Mapping[str, str]] = {
    "reply": "Jawaban pelapor",
    "supplement": "Kelengkapan dari pelapor",
    "rating": "Penilaian pelapor",
    "objection": "Keberatan pelapor",
    "withdrawal": "Pencabutan laporan",
}
ACTORS: Final[Mapping[str, str]] = {
    "system": "Sistem",
    "coordinator": "Koordinator",
    "office": "Perangkat daerah",
    "reporter": "Pelapor",
    "partner": "Instansi mitra",
}
WORDS_OF: Final[Mapping[str, str]] = {
    "answer": "Jawaban",
    "question": "Pertanyaan",
    "reason": "Alasan",
    "note": "Catatan",
    "proposed": "Usulan tujuan",
    "title": "Judul",
}
FIELDS: Final[Mapping[str, str]] = {
    "opd": "Mohon pilih perangkat daerah tujuan yang tepat.",
    "partner": "Mohon pilih instansi tujuan.",
    "reason": "Mohon tuliskan alasannya.",
    "question": "Mohon tuliskan pertanyaan untuk pelapor.",
    "proposed": "Mohon pilih instansi yang diusulkan, bukan unit sendiri.",
    "text": "Mohon tuliskan jawaban yang sudah disetujui unit.",
    "evidence": "Kategori ini memerlukan foto bukti pekerjaan.",
    "file": "Foto harus berupa berkas JPEG, PNG atau WebP yang utuh, paling besar 5 MB.",
    "on": "Mohon isi tanggal yang akan datang.",
    "fiscal_year": "Mohon isi tahun anggaran dengan angka, misalnya 2027.",
    "unit": "Mohon tuliskan unit yang bertanggung jawab.",
    "class": "Mohon pilih klasifikasi.",
    "category": "Mohon pilih kategori yang ada.",
    "area": "Mohon isi kode wilayah yang ada.",
    "confidential": "Laporan berkadar pengawasan selalu rahasia.",
    "title": "Judul terlalu panjang.",
    "copies": "Mohon pilih perangkat daerah yang ada.",
}
REFUSED: Final[Mapping[str, str]] = {
    "transition_not_allowed": "Tindakan ini tidak dapat dilakukan karena status laporan sudah "
    "berubah. Halaman ini sudah menampilkan keadaan terbaru.",
    "idempotency_key_reused": "Formulir ini sudah pernah dikirim dengan isi yang berbeda. "
    "Mohon periksa riwayat laporan, lalu isi kembali bila perlu.",
    "content_too_large": "Isian atau foto terlalu besar.",
    "unsupported_media_type": "Foto harus berupa berkas JPEG, PNG atau WebP.",
    "scope_missing": "Kunci Bapak/Ibu tidak berhak melakukan tindakan ini.",
    "precondition_failed": "Laporan baru saja diubah oleh petugas lain. Mohon periksa kembali.",
}
OTHERWISE: Final = "Tindakan belum dapat dilakukan. Mohon periksa isian dan coba kembali."


def field_errors(problem: Problem) -> dict[str, str]:
    """Return a sentence for each field that is not right; empty for a problem of another kind."""
    names = [entry["field"].rsplit(".", 1)[-1] for entry in problem.errors]
    return {name: FIELDS.get(name, OTHERWISE) for name in names if name}


def refusal(problem: Problem) -> str:
    """Return what an officer reads about a refused action."""
    return REFUSED.get(problem.code, OTHERWISE)


def left(due_at: str, now: datetime) -> tuple[str, str]:
    """Return how far a deadline is, and how it is to be shown: bad, warn or plain."""
    rest = parse_iso(due_at) - now
    if rest <= timedelta(0):
        return f"Terlambat {_span(-rest)}", "bad"
    return f"Sisa {_span(rest)}", "warn" if rest < timedelta(days=1) else "plain"


def _span(length: timedelta) -> str:
    minutes = int(length.total_seconds()) // 60
    days, rest = divmod(minutes, 24 * 60)
    if days:
        hours = rest // 60
        return f"{days} hari {hours} jam" if days < 3 and hours else f"{days} hari"
    if rest >= 60:
        return f"{rest // 60} jam"
    return f"{max(rest, 1)} menit"


def percent(share: float) -> str:
    """Return a confidence as people read it."""
    return f"{round(share * 100)}%"


def state_tabs(role: str) -> Sequence[tuple[str, str]]:
    """Return the states that a desk can be filtered by, most urgent first."""
    at_work = ("assigned", "accepted", "in_progress", "awaiting_reporter")
    ended = ("answered", "conditionally_closed", "closed")
    states = (
        (*at_work, "returned", *ended)
        if role == "office"
        else ("triage", "returned", "forwarded", *at_work, *ended, "rejected", "archived")
    )
    return [(state, STATES[state]) for state in states]
