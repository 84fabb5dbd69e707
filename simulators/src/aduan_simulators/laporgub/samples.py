"""Invented reports that citizens of Semarang send to the province, and invented people.

Everything here is made up: no text, name or number belongs to anybody. Phone numbers use the block
0811-0000-xxxx. A seed and a number always give the same report.
"""

import random
from typing import Any, Final

# (what happened, sector, whether the reporter marks it private)
_MATTERS: Final = (
    ("Lampu jalan di depan gang mati sudah seminggu, kalau malam gelap sekali.", "Energi"),
    ("Aspal berlubang lumayan dalam, tadi pagi ada motor hampir jatuh.", "Infrastruktur"),
    ("Selokan mampet jadi air naik ke teras tiap hujan deras.", "Infrastruktur"),
    ("Sampah di TPS meluber ke jalan dan baunya sampai ke rumah.", "Lingkungan"),
    ("Air PDAM keruh dan kecil sejak hari Minggu, mohon dicek.", "Infrastruktur"),
    ("Pohon besar miring ke kabel listrik, takut roboh kena angin.", "Lingkungan"),
    ("Antre obat di puskesmas dari jam tujuh baru dilayani siang.", "Kesehatan"),
    ("Lapak kaki lima menutup trotoar, pejalan kaki turun ke jalan.", "Ekonomi dan Industri"),
    ("Rambu di simpang tertutup ranting, pengendara sering salah belok.", "Infrastruktur"),
    ("Kapan jadwal perekaman KTP keliling untuk lansia di tempat kami?", "Kabupaten Kota"),
)
_PLACES: Final = (
    "Bangetayu Kulon",
    "Tlogosari Wetan",
    "Pedalangan",
    "Sekaran",
    "Tanjung Mas",
    "Krobokan",
    "Jatisari",
    "Wonosari",
    "Srondol Wetan",
    "Kalicari",
)
_PEOPLE: Final = ("Wulan Contohwati", "Bagas Misalnya", "Retno Umpama", "Darto Andaikan")

JENIS_PUBLIC: Final = 1
JENIS_PRIVATE: Final = 0


def citizen_report(seed: int, number: int) -> dict[str, Any]:
    """Return what citizen `number` writes; one in eight omits `jenis`, one in eight is private.

    Keys: aduan, lokasi, jenis (1 public, 0 private, None missing), anonim, sektor, kanal, pelapor.
    """
    draw = random.Random(f"{seed}:report:{number}")  # noqa: S311 - repeatable on purpose
    text, sector = _MATTERS[(number - 1) % len(_MATTERS)]
    place = draw.choice(_PLACES)
    jenis: int | None = JENIS_PUBLIC
    if number % 8 == 4:
        jenis = None
    elif number % 8 == 0:
        jenis = JENIS_PRIVATE
    anonymous = number % 5 == 0
    person = draw.choice(_PEOPLE)
    return {
        "aduan": f"{text} Lokasi di Kelurahan {place}.",
        "lokasi": f"Kelurahan {place}, Kota Semarang",
        "jenis": jenis,
        "anonim": int(anonymous),
        "sektor": sector,
        "kanal": draw.choice(("Web", "Android", "WhatsApp")),
        "pelapor": None
        if anonymous
        else {"nama": person, "telepon": f"08110000{number % 10_000:04d}", "email": None},
    }
