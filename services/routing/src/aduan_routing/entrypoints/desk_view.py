"""What the officers' pages show of a case: codes turned into words, nothing decided."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from aduan_routing.classify import Reference
from aduan_routing.entrypoints import desk_words as words
from aduan_routing.entrypoints.desk_forms import FORMS, Form
from aduan_routing.entrypoints.workbench import CaseJson

EXCERPT: Final = 140
HEADING: Final = 80
TONES: Final = ("primary", "secondary", "danger")
LEVELS: Final = (
    ("dinas", "Dinas"),
    ("badan", "Badan"),
    ("bagian", "Bagian"),
    ("kecamatan", "Kecamatan"),
    ("bumd", "Badan usaha dan rumah sakit daerah"),
)
Options = Sequence[tuple[str | None, Sequence[tuple[str, str]]]]
"""Choices of a field as the select macro takes them: (heading, [(code, words)])."""


def desk_facts(items: Sequence[CaseJson], reference: Reference, now: datetime) -> dict[str, Any]:
    """Return the rows of a desk."""
    return {"rows": [_row(item, reference, now) for item in items]}


def case_facts(
    case: CaseJson, content: Mapping[str, str], reference: Reference, now: datetime
) -> dict[str, Any]:
    """Return what one case's page shows. content: the words of a confidential case, if opened."""
    place = case["place"] or {}
    return {
        "case": case,
        "label": words.STATES[case["state"]],
        "heading": _heading(case, content),
        "text": content.get("text") or case["text"],
        "place_text": content.get("place_text") or place.get("text"),
        "due": _due(case, now),
        "facts": _facts(case, reference),
        "lines": [_line(n, entry, content) for n, entry in enumerate(case["entries"], start=1)],
        "replies": [_reply(reply, content) for reply in case["replies"]],
        "suggestions": _suggestions(case, reference),
        "reasons": [
            {"name": words.REASONS.get(one["code"], one["code"]), "words": one.get("words")}
            for one in case["reasons"]
        ],
        "proofs": [id for entry in case["entries"] for id in entry["evidence"]],
        "actions": _actions(case),
        "options": _options(case, reference),
    }


def _actions(case: CaseJson) -> list[tuple[str, Form]]:
    """Return exactly what is allowed, the usual first and what ends a case last."""
    found = [(name, FORMS[name]) for name in case["allowed"]]
    return sorted(found, key=lambda one: TONES.index(one[1].tone))


def _row(case: CaseJson, reference: Reference, now: datetime) -> dict[str, Any]:
    text = case["text"] or ""
    return {
        "ticket": case["ticket"],
        "heading": _heading(case, {}),
        "excerpt": None if case["title"] is None else _cut(text, EXCERPT),
        "state": case["state"],
        "label": words.STATES[case["state"]],
        "due": _due(case, now),
        "category": _category(case, reference),
        "area": _area(case, reference),
        "unit": _unit(case["opd"], reference),
        "confidential": case["confidential"],
        "oversight": case["oversight"],
        "conflict": case["conflict"],
        "suggested": _suggestions(case, reference)[:1],
    }


def _heading(case: CaseJson, content: Mapping[str, str]) -> str:
    title = content.get("title") or case["title"]
    if title:
        return str(title)
    if case["confidential"]:
        return "Laporan rahasia"
    return _cut(case["text"] or "", HEADING) or "Laporan tanpa judul"


def _cut(text: str, longest: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 1].rstrip()}…"


def _due(case: CaseJson, now: datetime) -> dict[str, str] | None:
    nearest = case["nearest"]
    if nearest is None:
        return None
    left, tone = words.left(nearest["due_at"], now)
    name = words.CLOCKS.get(nearest["name"], nearest["name"])
    return {"at": nearest["due_at"], "left": left, "tone": tone, "name": name}


def _category(case: CaseJson, reference: Reference) -> str | None:
    known = reference.categories.get(case["category"] or "")
    return known.name if known is not None else None


def _area(case: CaseJson, reference: Reference) -> str | None:
    known = reference.areas.get(case["area"] or "")
    if known is None:
        return None
    kecamatan = reference.areas.get(reference.kecamatan_of(known.code) or "")
    if known.level == "kelurahan" and kecamatan is not None:
        return f"{known.name}, Kec. {kecamatan.name}"
    return known.name


def _unit(code: str | None, reference: Reference) -> str | None:
    office = reference.offices.get(code or "")
    return office.name if office is not None else code


def _facts(case: CaseJson, reference: Reference) -> list[tuple[str, str]]:
    klass = words.CLASSES.get(case["class"], case["class"])
    sure = "" if case["class_confirmed"] else " (belum ditetapkan)"
    flags = [
        name
        for name, shown in (("Anonim", case["anonymous"]), ("Rahasia", case["confidential"]))
        if shown
    ]
    follow_up = case["follow_up"]
    rows = [
        ("Klasifikasi", f"{klass}{sure}"),
        ("Kategori", _category(case, reference)),
        ("Wilayah", _area(case, reference)),
        ("Perangkat daerah", _unit(case["opd"], reference)),
        ("Instansi mitra", words.PARTNERS.get(case["partner"] or "")),
        ("Usulan tujuan", _unit(case["proposed"], reference)),
        ("Sifat", ", ".join(flags) or None),
        ("Terverifikasi", "Ya" if case["verified"] else "Belum"),
        ("Janji tindak lanjut", follow_up["on"] if follow_up else None),
        ("Tahun anggaran", str(follow_up["fiscal_year"]) if follow_up else None),
        ("Dibuka kembali", f"{case['reopened_count']} kali" if case["reopened_count"] else None),
    ]
    return [(label, value) for label, value in rows if value]


def _line(number: int, entry: Mapping[str, Any], content: Mapping[str, str]) -> dict[str, str]:
    prefix = f"entry-{number}-"
    opened = {
        ref.removeprefix(prefix): text for ref, text in content.items() if ref.startswith(prefix)
    }
    said = [
        f"{words.WORDS_OF.get(name, name)}: {text}"
        for name, text in {**entry["words"], **opened}.items()
    ]
    by = words.ACTORS.get(entry["actor"]["kind"], "")
    form = FORMS.get(entry["action"])
    done = entry["citizen_text"] or (form.done if form is not None else "")
    return {"at": entry["at"], "text": f"{done} ({by})", "more": "\n".join(said)}


def _reply(reply: Mapping[str, Any], content: Mapping[str, str]) -> dict[str, Any]:
    text = reply["text"] or content.get(f"reply-{reply['reply_id']}")
    name = words.REPLIES.get(reply["kind"], reply["kind"])
    return {"at": reply["at"], "name": name, "rating": reply["rating"], "text": text}


def _suggestions(case: CaseJson, reference: Reference) -> list[dict[str, str]]:
    return [
        {
            "opd": one["opd"],
            "name": _unit(one["opd"], reference) or one["opd"],
            "share": words.percent(one["confidence"]),
        }
        for one in case["suggestions"]
    ]


def _options(case: CaseJson, reference: Reference) -> dict[str, Options]:
    """Return the choices of every kind of field that has some."""
    offices: list[tuple[str | None, Sequence[tuple[str, str]]]] = []
    for level, heading in LEVELS:
        group = [
            (office.code, office.name)
            for office in reference.offices.values()
            if office.level == level and office.code != case["opd"]
        ]
        if case["oversight"]:
            group = [one for one in group if one[0] == reference.tenant.oversight]
        if group:
            offices.append((heading, group))
    partners = list(words.PARTNERS.items())
    others = ("Instansi lain", [*partners, ("lainnya", "Instansi lain, tuliskan namanya")])
    return {
        "office": offices,
        "body": [*offices, others],
        "partner": [(None, partners)],
        "class": [(None, list(words.CLASSES.items()))],
        "category": [
            (None, [(category.code, category.name) for category in reference.categories.values()])
        ],
        "yesno": [(None, [("ya", "Ya"), ("tidak", "Tidak")])],
    }
