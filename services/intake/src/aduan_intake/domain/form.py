"""The form at /lapor: from what a browser sends to the body that every portal posts.

The form offers three kinds; whether a complaint concerns the conduct of officials is found out at
verification (DOMAIN 5). Every sentence here is shown beside a field.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from pydantic import ValidationError

from aduan_intake.domain.request import ComplaintIn

KINDS: Final = (
    ("pengaduan", "Pengaduan", "Ada yang rusak, mengganggu, atau tidak berjalan semestinya."),
    ("aspirasi", "Aspirasi", "Saran atau usulan untuk pelayanan yang lebih baik."),
    ("pertanyaan", "Pertanyaan", "Permintaan informasi tentang layanan pemerintah."),
)
_CLASS_OF: Final[Mapping[str, str]] = {
    "aspirasi": "aspirasi",
    "pertanyaan": "permintaan_informasi",
}
NAMES: Final = (
    "jenis",
    "judul",
    "uraian",
    "wilayah",
    "lokasi",
    "tanggal",
    "nama",
    "surel",
    "telepon",
    "anonim",
    "rahasia",
)
YES: Final = "ya"
_KIND: Final = "Mohon pilih jenis laporan."
_AREA: Final = "Mohon pilih kelurahan atau kecamatan dari daftar."
_DAY: Final = "Tanggal tidak dapat dibaca. Contoh: 2026-12-01."
# Where the body is not right: the field of the form, and what we say there.
_SENTENCES: Final[Mapping[tuple[str, ...], tuple[str, str]]] = {
    ("citizen_word",): ("jenis", _KIND),
    ("place", "area_code"): ("wilayah", _AREA),
    ("title",): ("judul", "Judul paling banyak 200 huruf."),
    ("text",): ("uraian", "Uraian terlalu panjang. Paling banyak 10.000 huruf."),
    ("place", "text"): ("lokasi", "Keterangan lokasi paling banyak 500 huruf."),
    ("occurred_on",): ("tanggal", _DAY),
    ("reporter", "name"): ("nama", "Nama paling banyak 200 huruf."),
    ("reporter", "email"): ("surel", "Alamat surel tidak lengkap. Contoh: nama@contoh.id."),
    ("reporter", "phone"): (
        "telepon",
        "Nomor telepon hanya berisi angka, boleh diawali +62. Contoh: 0812 0000 0000.",
    ),
}


@dataclass(frozen=True, slots=True)
class Form:
    """A form as it came. values: what to show again, by field. given is None where errors are."""

    values: Mapping[str, str]
    errors: Mapping[str, str]
    given: ComplaintIn | None


def untouched() -> dict[str, str]:
    """Return the values of a form that nobody has filled in yet."""
    return {**dict.fromkeys(NAMES, ""), "jenis": KINDS[0][0]}


def read_form(sent: Mapping[str, str], *, areas: frozenset[str], inlet: str, today: date) -> Form:
    """Return what the form says.

    areas: the codes that may be chosen. today: the day in WIB, for nothing happens tomorrow.
    """
    values = {name: sent.get(name, "").replace("\r\n", "\n").strip() for name in NAMES}
    errors: dict[str, str] = {}
    if values["jenis"] not in {code for code, _, _ in KINDS}:
        errors["jenis"] = _KIND
    if not values["uraian"]:
        errors["uraian"] = "Uraian belum diisi. Mohon ceritakan apa yang terjadi."
    if values["wilayah"] and values["wilayah"] not in areas:
        errors["wilayah"] = _AREA
    if values["tanggal"] and (wrong := _wrong_day(values["tanggal"], today)):
        errors["tanggal"] = wrong
    given: ComplaintIn | None = None
    try:
        given = ComplaintIn.model_validate(_body(values, inlet))
    except ValidationError as error:
        for entry in error.errors(include_url=False, include_context=False, include_input=False):
            where = tuple(str(part) for part in entry["loc"])
            name, sentence = _SENTENCES.get(where, ("uraian", "Isian ini tidak dapat diterima."))
            errors.setdefault(name, sentence)
    return Form(values, errors, None if errors else given)


def _wrong_day(text: str, today: date) -> str | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return _DAY
    return "Tanggal kejadian belum lewat. Mohon periksa kembali." if day > today else None


def _body(values: Mapping[str, str], inlet: str) -> dict[str, Any]:
    return {
        "title": values["judul"] or None,
        "text": values["uraian"],
        "inlet": inlet,
        "citizen_word": values["jenis"] or None,
        "class_hint": _CLASS_OF.get(values["jenis"]),
        "place": {"area_code": values["wilayah"] or None, "text": values["lokasi"] or None},
        "occurred_on": values["tanggal"] or None,
        "anonymous": values["anonim"] == YES,
        "confidential": values["rahasia"] == YES,
        "reporter": {
            "name": values["nama"] or None,
            "email": values["surel"] or None,
            "phone": values["telepon"] or None,
        },
    }
