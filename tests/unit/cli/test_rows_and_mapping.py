"""What `aduan feed` reads, and how a row of somebody's file becomes the body of the POST."""

import gzip
import io
import json
import sys
from pathlib import Path

import pytest

from aduan_standalone.cli import mapping, rows
from aduan_standalone.cli.mapping import BadRow
from aduan_standalone.cli.refusal import Refusal

JSON_LINES = (
    '{"id": 7, "isi": "lampu mati", "di": {"kel": "Miroto"}}\n\n{"id": 8, "isi": "banjir"}\n'
)


def read(path: Path) -> list[rows.Row]:
    """Read a whole file."""
    with rows.opened(str(path)) as found:
        return list(found)


def test_json_lines_are_read_and_blank_lines_passed_over(tmp_path: Path) -> None:
    """One object a line."""
    (tmp_path / "a.jsonl").write_text(JSON_LINES, encoding="utf-8")

    assert [7, 8] == [row["id"] for row in read(tmp_path / "a.jsonl")]
    assert 2 == rows.count(str(tmp_path / "a.jsonl"))


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_spreadsheet_with_any_delimiter_and_a_byte_order_mark_is_read(
    tmp_path: Path, delimiter: str
) -> None:
    """What Excel saves in Indonesia: semicolons, a mark before the header, line breaks in cells."""
    text = delimiter.join(("id", "isi")) + "\r\n" + delimiter.join(("1", '"dua\r\nbaris"')) + "\r\n"
    (tmp_path / "a.csv").write_text(text, encoding="utf-8-sig", newline="")

    assert [{"id": "1", "isi": "dua\r\nbaris"}] == read(tmp_path / "a.csv")


def test_gzip_is_recognised_by_content(tmp_path: Path) -> None:
    """The name does not matter."""
    (tmp_path / "a").write_bytes(gzip.compress(JSON_LINES.encode()))

    assert 2 == len(read(tmp_path / "a"))


def test_standard_input_is_a_source(monkeypatch: pytest.MonkeyPatch) -> None:
    """`feed -`."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(JSON_LINES.encode())))
    with rows.opened("-") as found:
        read_rows = list(found)

    assert 2 == len(read_rows)
    assert rows.count("-") is None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"a": 1}\n{"a": \n', "line 2 is not a JSON object"),
        (b'{"a": 1}\n[1]\n', "line 2 is not a JSON object"),
        (b"a,b\n1\n", "row 2 does not have as many columns"),
        (b"a,b\n1,2,3\n", "row 2 does not have as many columns"),
        (b"\xff\xfe\x00a", "not UTF-8"),
        (gzip.compress(b'{"a": 1}\n')[:-9], "cannot be read"),
    ],
)
def test_a_broken_file_is_refused_with_one_sentence(
    tmp_path: Path, content: bytes, words: str
) -> None:
    """The sentence says where, and shows nothing of the content."""
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(Refusal, match=words) as refusal:
        read(tmp_path / "a")

    assert 2 == refusal.value.code
    assert "\n" not in refusal.value.sentence


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    """Neither is a traceback."""
    for path in (tmp_path / "absent", tmp_path):
        with pytest.raises(Refusal, match="cannot be read"):
            read(path)


def test_an_empty_file_has_no_rows(tmp_path: Path) -> None:
    """Nothing to feed is no error."""
    (tmp_path / "a").write_bytes(b"\n\n")

    assert [] == read(tmp_path / "a")


def test_mapped_columns_become_nested_fields_of_their_types() -> None:
    """Dots go down on both sides; numbers and flags are converted, empty cells left out."""
    found = mapping.parse(
        [
            "external_id=id",
            "text=isi",
            "place.text=di.kel",
            "place.lat=lat",
            "anonymous=anonim",
            "title=t",
        ]
    )
    body = found.body(
        {
            "id": 7,
            "isi": "x",
            "di": {"kel": "Miroto"},
            "lat": "-6.98",
            "anonim": "Ya",
            "t": "",
            "more": 1,
        }
    )

    assert {
        "external_id": "7",
        "text": "x",
        "place": {"text": "Miroto", "lat": -6.98},
        "anonymous": True,
    } == body


def test_without_a_map_a_json_row_is_the_body_itself() -> None:
    """The samples are fed like this."""
    row = {"external_id": "a", "text": "b", "place": {"area_code": "33.74"}, "anonymous": False}

    assert row == mapping.parse([]).body(row)


def test_without_a_map_dotted_csv_columns_become_objects() -> None:
    """A spreadsheet whose header names the fields needs no --map."""
    body = mapping.parse([]).body(
        {
            "external_id": "a",
            "text": "b",
            "place.text": "Miroto",
            "confidential": "tidak",
            "title": "",
        }
    )

    assert {
        "external_id": "a",
        "text": "b",
        "place": {"text": "Miroto"},
        "confidential": False,
    } == body


@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        (["text"], "not of the form"),
        (["text="], "not of the form"),
        (["external_id=id", "teks=isi"], "teks is no field"),
        (["text=isi"], "must name external_id"),
        (["external_id=id", "text=a", "text=b"], "twice"),
    ],
)
def test_a_wrong_map_is_refused(pairs: list[str], words: str) -> None:
    """Before anything is sent."""
    with pytest.raises(Refusal, match=words) as refusal:
        mapping.parse(pairs)

    assert 2 == refusal.value.code


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"id": "", "isi": "rahasia sekali", "lat": 1}, "has no external_id"),
        ({"id": "1", "isi": " ", "lat": "utara"}, "column lat is not a number"),
        ({"id": "1", "isi": ["x"], "lat": 1}, "column isi is not text"),
    ],
)
def test_an_unusable_row_names_the_column_and_not_its_content(
    row: dict[str, object], words: str
) -> None:
    """Content of a citizen never reaches the terminal."""
    found = mapping.parse(["external_id=id", "text=isi", "place.lat=lat"])
    with pytest.raises(BadRow, match=words) as error:
        found.body(row)

    assert "utara" not in str(error.value)


def test_a_column_that_no_row_has_is_found() -> None:
    """Also one that would be nested."""
    found = mapping.parse(["external_id=id", "text=isi", "place.text=di.desa"])

    assert ["di.desa"] == found.missing_from(
        [json.loads(line) for line in JSON_LINES.split("\n\n")]
    )


def test_constants_fill_what_a_row_leaves_open() -> None:
    """`--set` speaks only where the row is silent."""
    found = mapping.parse(
        ["external_id=id", "text=isi", "confidential=r"],
        ["confidential=no", "place.area_code=33.74"],
    )

    assert found.body({"id": "1", "isi": "x", "r": "ya"})["confidential"] is True
    body = found.body({"id": "1", "isi": "x", "r": ""})
    assert body["confidential"] is False
    assert {"area_code": "33.74"} == body["place"]


@pytest.mark.parametrize("given", ["anonymous=perhaps", "anonymous", "nama=x"])
def test_a_wrong_constant_is_refused(given: str) -> None:
    """As a wrong map is."""
    with pytest.raises(Refusal):
        mapping.parse([], [given])
