"""Invented people, and a search for them in every byte that we leave behind."""

import os
import re

COUNT = int(os.environ.get("ADUAN_LEAKS", "1000"))
TEXTS = (
    "Saya {name}, jalan depan rumah berlubang. Hubungi {phone} atau {email}, NIK {nik}.",
    "Lampu jalan mati, kata {name}. WA {spaced} ya pak, KTP {nik_spaced}",
    "Sampah tidak diangkut. Pelapor: {upper} / {plus} / {email}",
    "Air PDAM keruh, {first} sudah lapor dua kali, telepon {dotted}",
)


def a_person(number: int) -> dict[str, str]:
    """An invented person whose traces nothing else could leave."""
    digits = f"{number:06d}"
    nik = f"3374{digits}{digits[::-1]}"
    return {
        "name": f"Zulqarna{_letters(number)} Prawiroyudo",
        "first": f"Zulqarna{_letters(number)}",
        "upper": f"ZULQARNA{_letters(number)} PRAWIROYUDO".upper(),
        "phone": f"08119{digits}7",
        "spaced": f"0811 9{digits[:3]} {digits[3:]}7",
        "dotted": f"0811.9{digits[:3]}.{digits[3:]}7",
        "plus": f"+62 811-9{digits[:3]}-{digits[3:]}7",
        "email": f"zq{digits}@leak.test",
        "nik": nik,
        "nik_spaced": " ".join(nik[i : i + 4] for i in range(0, 16, 4)),
    }


def _letters(number: int) -> str:
    return "".join(chr(97 + int(digit)) for digit in f"{number:04d}")


# Case-insensitive, and whatever stands between the digits.
NAMES = re.compile(rb"zulqarna|prawiroyudo|zq\d{6}@", re.IGNORECASE)
NUMBERS = re.compile(rb"811[ .-]?9\d{3}[ .-]?\d{3}7|3374(?:[ .-]?\d){12}")


def planted_numbers() -> frozenset[bytes]:
    """Phones and NIK as bare digits: uuids and seals hold other runs of digits by chance."""
    people = map(a_person, range(COUNT))
    return frozenset(
        digits.encode() for person in people for digits in (person["phone"][1:], person["nik"])
    )


def found_in(data: bytes, where: str, numbers: frozenset[bytes] = planted_numbers()) -> list[str]:
    """Say where a planted thing stands, without repeating it."""
    names = [f"{where}: a name at byte {hit.start()}" for hit in NAMES.finditer(data)]
    return names + [
        f"{where}: a number at byte {hit.start()}"
        for hit in NUMBERS.finditer(data)
        if re.sub(rb"\D", b"", hit[0]) in numbers
    ]
