"""Which office owes an answer, and which deadline is near?

In Indonesian, unlike the other boards: heads of offices and the city secretary read it, not only the
people who run the machines.
"""

from typing import Final

from tools.dashboards.board import ANY_IS_WORK, Board, Row, bars, lines, number
from tools.dashboards.choices import OPD, TENANT

CLOCKS: Final = {
    "verify": "Verifikasi",
    "forward": "Penerusan ke OPD",
    "first_follow_up": "Tindak lanjut pertama",
    "handle": "Penanganan",
    "complete": "Penyelesaian",
    "auto_close": "Tutup otomatis",
    "debt": "Selesai bersyarat",
    "reply_timeout": "Menunggu pelapor",
}
NOTICES: Final = {
    "warn": "Peringatan",
    "breach": "Terlambat",
    "escalation": "Eskalasi",
    "elapsed": "Waktu habis (tutup otomatis, jatuh tempo)",
}

_NOW: Final = Row(
    "Saat ini",
    (
        number(
            "Belum diverifikasi",
            'sum(max by (tenant) (aduan_sla_unverified{tenant=~"$tenant"}))',
            says="Laporan yang kelas, OPD, dan tandanya belum dipastikan. Admin koordinator "
            "memeriksa yang paling lama lebih dahulu di /meja.",
        ),
        number(
            "Verifikasi terlama",
            'max(aduan_sla_unverified_oldest_working_hours{tenant=~"$tenant"})',
            says="Jam kerja yang sudah berlalu bagi laporan tertua yang belum diverifikasi. Batasnya "
            "tiga hari kerja. Jingga: segera verifikasi.",
            unit="suffix: jam",
            decimals=1,
            steps=((None, "green"), (16, "orange"), (24, "red")),
        ),
        number(
            "Lewat batas waktu",
            'sum(max by (tenant, clock) (aduan_sla_clocks{tenant=~"$tenant", state="late"}))',
            says="Batas waktu yang sudah lewat dan jawabannya masih ditunggu. Grafik di bawah "
            "menunjukkan jenisnya; mintalah OPD terkait segera menjawab.",
            steps=ANY_IS_WORK,
        ),
        number(
            "Selesai bersyarat, terbuka",
            'sum(max by (tenant, opd) (aduan_sla_debts{tenant=~"$tenant", opd=~"$opd"}))',
            says="Janji tindak lanjut yang belum ditepati. Rinciannya per OPD ada di bawah.",
        ),
        number(
            "Selesai bersyarat, jatuh tempo",
            'sum(max by (tenant, opd) (aduan_sla_debts_overdue{tenant=~"$tenant", opd=~"$opd"}))',
            says="Janji yang tanggalnya sudah lewat. OPD melanjutkan pekerjaan atau menjelaskan "
            "kepada pelapor.",
            steps=ANY_IS_WORK,
        ),
        number(
            "Batas waktu belum pasti",
            "max(aduan_sla_unsure)",
            says="Laporan dengan batas waktu pada tahun yang cuti bersamanya belum ditetapkan. "
            "Lengkapi kalender begitu SKB terbit. Runbook UnsureDeadlines.",
            steps=ANY_IS_WORK,
        ),
    ),
)

_DEADLINES: Final = Row(
    "Batas waktu",
    (
        lines(
            "Lewat batas waktu, menurut jenis",
            {
                "{{clock}}": "sum by (clock) (max by (tenant, clock) "
                '(aduan_sla_clocks{tenant=~"$tenant", state="late"}))'
            },
            says="Jumlah batas waktu yang lewat dan masih ditunggu. Garis yang terus naik: bahas "
            "dengan OPD pada rapat monev, jangan menunggu akhir triwulan.",
            names=CLOCKS,
        ),
        bars(
            "Batas waktu yang berjalan",
            {
                "{{clock}}": "sum by (clock) (max by (tenant, clock) "
                '(aduan_sla_clocks{tenant=~"$tenant", state="running"}))'
            },
            says="Semua batas waktu yang sedang berjalan, menurut jenis. Banyak verifikasi berarti "
            "pekerjaan tertahan di koordinator, bukan di OPD.",
            names=CLOCKS,
        ),
        lines(
            "Pemberitahuan per jam",
            {"{{kind}}": "sum by (kind) (increase(aduan_sla_told_total[1h]))"},
            says="Peringatan dikirim sebelum batas waktu, pemberitahuan terlambat sesudahnya. Banyak "
            "peringatan pada satu hari: ingatkan OPD hari itu juga.",
            names=NOTICES,
        ),
        lines(
            "Belum diverifikasi, per kota",
            {"{{tenant}}": 'max by (tenant) (aduan_sla_unverified{tenant=~"$tenant"})'},
            says="Antrean verifikasi sepanjang waktu. Naik pada hari libur itu wajar; yang tidak "
            "turun pada hari kerja perlu tambahan orang.",
        ),
    ),
)

# What the statistics count beside the codes of offices and categories.
BESIDE: Final = {
    "none": "belum ditentukan",
    "other": "lainnya",
    "oversight": "berkadar pengawasan",
}
_LONG: Final = 12  # rows of a panel with fifteen bars
_OFFICE: Final = 'tenant=~"$tenant", dimension="opd", value=~"$opd"'
_WEEKS: Final = f'{_OFFICE}, period="week"'

_OFFICES: Final = Row(
    "Per OPD",
    (
        bars(
            "Laporan yang menunggu jawaban",
            {
                "{{value}}": "topk(15, sum by (value) "
                f'(aduan_statistics_backlog{{{_OFFICE}, stage="waiting"}}) > 0)'
            },
            says="Laporan yang belum dijawab pada tiap OPD, paling banyak lima belas OPD. Yang "
            "terpanjang bukan selalu yang terlambat; bandingkan dengan ketepatan waktu.",
            nothing="tidak ada",
            names=BESIDE,
            height=_LONG,
        ),
        bars(
            "Ketepatan waktu, minggu ini dan minggu lalu",
            {
                "{{value}}": "bottomk(15, sum by (value) "
                f'(aduan_statistics_compliance{{{_WEEKS}, outcome="in_time"}}) '
                f"/ (sum by (value) (aduan_statistics_compliance{{{_WEEKS}}}) > 0))"
            },
            says="Bagian batas waktu (penanganan dan penyelesaian) yang ditepati; lima belas OPD "
            "terendah. Angka ini untuk melihat arah; angka resmi ada dalam rekapitulasi.",
            nothing="belum ada",
            unit="percentunit",
            steps=((None, "red"), (0.7, "orange"), (0.9, "green")),
            names=BESIDE,
            height=_LONG,
        ),
        bars(
            "Tindak lanjut pertama, rata-rata minggu ini dan minggu lalu",
            {
                "{{value}}": "topk(15, sum by (value) "
                f"(aduan_statistics_first_response_seconds{{{_WEEKS}}}) "
                f"/ (sum by (value) (aduan_statistics_first_responses{{{_WEEKS}}}) > 0))"
            },
            says="Waktu dari laporan diterima sampai tindak lanjut pertama yang terlihat oleh "
            "pelapor; lima belas OPD terlama. Tanyakan hambatannya.",
            nothing="belum ada",
            unit="s",
            decimals=1,
            names=BESIDE,
            height=_LONG,
        ),
        bars(
            "Selesai bersyarat",
            {
                "{{opd}}": 'max by (opd) (aduan_sla_debts{tenant=~"$tenant", opd=~"$opd"}) > 0',
                "{{opd}}, jatuh tempo": "max by (opd) "
                '(aduan_sla_debts_overdue{tenant=~"$tenant", opd=~"$opd"}) > 0',
            },
            says="Janji yang belum ditepati, dan yang tanggalnya sudah lewat. OPD yang lewat "
            "tanggal: hubungi kepala bidangnya.",
            nothing="tidak ada",
            names=BESIDE,
            height=_LONG,
        ),
    ),
)

_INFLOW: Final = Row(
    "Laporan masuk",
    (
        lines(
            "Per OPD, minggu ini",
            {
                "{{value}}": "topk(8, sum by (value) "
                f'(aduan_statistics_inflow{{{_WEEKS}, bucket="current"}}) > 0)'
            },
            says="Laporan baru minggu ini (WIB) sampai saat itu. Lonjakan pada satu OPD: cari "
            "sebabnya di lapangan (penyisiran), tidak hanya menjawab satu per satu.",
            names=BESIDE,
            height=_LONG,
        ),
        bars(
            "Per kategori, minggu ini dan minggu lalu",
            {
                "{{value}}": "topk(10, sum by (value) (aduan_statistics_inflow"
                '{tenant=~"$tenant", dimension="category", period="week"}) > 0)'
            },
            says="Sepuluh pokok laporan terbanyak. Yang terus berulang menunjuk pada sebab bersama; "
            "sampaikan kepada perencana.",
            nothing="belum ada",
            names=BESIDE,
            height=_LONG,
        ),
    ),
)

SLA_OPD: Final = Board(
    slug="sla-opd",
    title="SLA dan OPD",
    question="OPD mana yang masih berutang jawaban, dan batas waktu mana yang dekat?",
    since="7d",
    rows=(_NOW, _DEADLINES, _OFFICES, _INFLOW),
    variables=(TENANT, OPD),
)
