"""What the outbox page calls things, in Bahasa Indonesia."""

from typing import Final

from aduan.contracts.values import Audience
from aduan_notify.domain.causes import Cause

CAUSES: Final[dict[Cause, str]] = {
    "received": "Laporan diterima",
    "triage": "Menunggu verifikasi",
    "assigned": "Didisposisikan",
    "question": "Pertanyaan kepada pelapor",
    "replied": "Pelapor menanggapi",
    "reply_timeout": "Pelapor tidak menanggapi",
    "answered": "Dijawab",
    "closed": "Selesai",
    "conditionally_closed": "Selesai bersyarat",
    "returned": "Dikembalikan",
    "forwarded": "Diteruskan ke mitra",
    "rejected": "Ditolak",
    "archived": "Diarsipkan",
    "reopened": "Dibuka kembali",
    "sla_warned": "Batas waktu mendekat",
    "sla_breached": "Batas waktu terlewati",
    "debt_due": "Janji jatuh tempo",
    "mirror_conflict": "Berbeda dengan mitra",
    "mirror_failed": "Belum sampai ke mitra",
    "mirror_reroute": "Mitra minta dialihkan",
}
AUDIENCES: Final[dict[Audience, str]] = {
    "reporter": "Pelapor",
    "office": "Perangkat daerah",
    "office_head": "Kepala perangkat daerah",
    "coordinator": "Koordinator",
    "leadership": "Sekretaris Daerah",
}
DECISIONS: Final[dict[str, str]] = {
    "pending": "Menunggu",
    "sending": "Dikirim",
    "delivered": "Terkirim",
    "failed": "Gagal",
    "skipped": "Tidak dikirim",
}
REASONS: Final[dict[str, str]] = {
    "queued": "dalam antrean",
    "deferred": "server surel meminta dicoba lagi",
    "contacts_away": "alamat belum dapat ditanyakan",
    "handed_over": "sedang diserahkan ke server surel",
    "outcome_unknown": "jawaban server surel tidak diterima, akan dicoba lagi",
    "accepted": "diterima server surel",
    "accepted_partly": "diterima untuk sebagian penerima",
    "refused": "ditolak server surel",
    "gave_up": "tidak berhasil setelah dicoba berulang kali",
    "bad_address": "alamat surel tidak sah",
    "unreachable": "pelapor tidak meninggalkan alamat surel",
    "anonymous_no_contact": "pelapor anonim tanpa alamat surel",
    "history": "peristiwa lama, tidak diberitahukan lagi",
    "oversight_accused": "laporan pengawasan, unit ini tidak diberi tahu",
    "test": "laporan uji coba",
    "own_action": "dilakukan sendiri oleh penerima",
    "no_office": "belum ada perangkat daerah",
    "no_address": "tidak ada alamat",
}
