"""The samples are as varied as they claim, and everything in them that looks private is invented."""

import csv
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).parents[3]
TENANT: Final = ROOT / "reference" / "tenants" / "33.74"
GREETINGS: Final = (
    "assalamualaikum warahmatullahi wabarakatuh",
    "selamat pagi siang sore malam bapak ibu",
)
FIELDS: Final = {
    "external_id", "title", "text", "citizen_word", "class_hint", "category_hint", "place",
    "anonymous", "confidential", "occurred_on", "reporter", "reported_at",
}  # fmt: skip


def rows_of(path: Path) -> list[dict[str, str]]:
    """Read a CSV file with a header."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def samples() -> list[dict[str, Any]]:
    """All sample complaints."""
    lines = (ROOT / "reference/samples/complaints.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def offices() -> dict[str, str]:
    """The office of each labelled sample: external id -> OPD code, `@area` for the kecamatan."""
    office_of = {row["code"]: row["office"] for row in rows_of(TENANT / "categories.csv")}
    labels = rows_of(ROOT / "reference/samples/labels.csv")
    return {row["external_id"]: office_of[row["category"]] for row in labels if row["category"]}


def shingles(text: str, words: int = 5) -> set[tuple[str, ...]]:
    """Return every run of five words, lower case, without punctuation."""
    found = re.findall(r"\w+", text.lower())
    return {tuple(found[i : i + words]) for i in range(len(found) - words + 1)}


def test_there_are_enough_samples_each_with_its_own_external_id(
    samples: list[dict[str, Any]],
) -> None:
    """At least 220 complaints, and feeding them twice names the same ones."""
    ids = {sample["external_id"] for sample in samples}

    assert len(samples) >= 220
    assert len(ids) == len(samples)


def test_every_sample_uses_only_fields_of_the_public_post(samples: list[dict[str, Any]]) -> None:
    """A sample is a body of POST /v1/complaints, nothing else."""
    unknown = {key for sample in samples for key in sample} - FIELDS

    assert set() == unknown
    assert all(sample["text"].strip() for sample in samples)


def test_no_two_samples_share_five_words_in_a_row(samples: list[dict[str, Any]]) -> None:
    """People repeat greetings, not sentences: nothing here came out of a template."""
    polite = set().union(*(shingles(greeting) for greeting in GREETINGS))
    owner: dict[tuple[str, ...], str] = {}
    shared = []
    for sample in samples:
        for run in shingles(f"{sample.get('title', '')} {sample['text']}") - polite:
            other = owner.setdefault(run, sample["external_id"])
            if other != sample["external_id"]:
                shared.append((" ".join(run), other, sample["external_id"]))

    assert [] == shared


def test_the_samples_come_from_sixty_real_kelurahan(samples: list[dict[str, Any]]) -> None:
    """Area codes are the directory's, and at least 60 kelurahan speak."""
    known = {row["code"]: row["level"] for row in rows_of(TENANT / "areas.csv")}
    used = {
        sample["place"]["area_code"] for sample in samples if "area_code" in sample.get("place", {})
    }

    assert used <= known.keys()
    assert sum(known[code] == "kelurahan" for code in used) >= 60


def test_the_samples_concern_at_least_twelve_offices(
    samples: list[dict[str, Any]], offices: dict[str, str]
) -> None:
    """Every labelled sample exists, and a dozen OPD have work."""
    assert offices.keys() <= {sample["external_id"] for sample in samples}
    assert len(set(offices.values()) - {"@area"}) >= 12


def test_all_classes_and_flags_occur(samples: list[dict[str, Any]]) -> None:
    """All four classes, anonymous and confidential ones, both at once, with and without a reporter."""
    classes = Counter(sample.get("class_hint") for sample in samples)
    flags = Counter((sample["anonymous"], sample["confidential"]) for sample in samples)

    assert min(classes[name] for name in (
        "aspirasi", "permintaan_informasi",
        "pengaduan_tidak_berkadar_pengawasan", "pengaduan_berkadar_pengawasan",
    )) >= 5  # fmt: skip
    assert all(
        flags[anonymous, secret] >= 3 for anonymous in (True, False) for secret in (True, False)
    )
    assert sum("reporter" in sample for sample in samples) >= 30


def test_short_and_long_ones_occur(samples: list[dict[str, Any]]) -> None:
    """From one word to a paragraph."""
    lengths = [len(sample["text"].split()) for sample in samples]

    assert min(lengths) <= 3
    assert max(lengths) >= 25


def test_numbers_in_the_texts_are_invented(samples: list[dict[str, Any]]) -> None:
    """Phone numbers, NIK and e-mails occur so that they can be scrubbed; none can be anybody's."""
    text = "\n".join(sample["text"] for sample in samples)
    phones = re.findall(r"\b08\d{2}[- ]?\d{4}[- ]?\d{3,4}\b", text)
    niks = re.findall(r"\b\d{16}\b", text)
    mails = re.findall(r"\S+@\S+\w", text)

    assert len(phones) >= 4
    assert all("0000" in phone for phone in phones)
    assert len(niks) >= 2
    assert all(nik[4:6] == "99" for nik in niks), "kecamatan 99 does not exist"
    assert len(mails) >= 2
    assert all(mail.endswith("@example.test") for mail in mails)


def test_reporters_are_invented(samples: list[dict[str, Any]]) -> None:
    """Their addresses are of the reserved top level, their phones of a block of zeros."""
    reporters = [sample["reporter"] for sample in samples if "reporter" in sample]

    assert all(r["email"].endswith("@example.test") for r in reporters if "email" in r)
    assert all(re.fullmatch(r"08\d{2}0000\d{4}", r["phone"]) for r in reporters if "phone" in r)


@pytest.mark.parametrize("word", ["pantura", "PLN", "provinsi", "DARURAT", "PUNGLI"])
def test_matters_of_others_and_emergencies_occur(samples: list[dict[str, Any]], word: str) -> None:
    """A national road, electricity, a provincial matter, an emergency, an extortion."""
    assert any(word in sample["text"] for sample in samples)
