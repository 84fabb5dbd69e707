"""Bad reference data stops the start with one sentence that names file and field."""

import shutil
from pathlib import Path
from typing import Final

import pytest

from aduan_routing.classify import BadReference, load_tenant

FOLDER: Final = Path(__file__).resolve().parents[3] / "reference" / "tenants" / "33.74"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    return shutil.copytree(FOLDER, tmp_path / "33.74")


def spoil(file: Path, old: str, new: str) -> None:
    """Replace the first occurrence; the text must be there, else the test proves nothing."""
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.parametrize(
    ("file", "old", "new", "sentence"),
    [
        ("offices.csv", "dinas,yes,0.60", "dinas,maybe,0.60", "offices.csv line 2: field 'autom"),
        ("offices.csv", "dinas,yes,0.60", "dinas,yes,1.60", "offices.csv line 2: field 'thresh"),
        ("offices.csv", "dinas,yes,0.60", "dinas,yes,high", "offices.csv line 2: field 'thresh"),
        ("offices.csv", "dinas,yes,0.60", "guild,yes,0.60", "offices.csv line 2: field 'level"),
        ("offices.csv", "\nDISTARU,", "\nDPU,", "offices.csv line 4: field 'code' repeats DPU"),
        ("offices.csv", "\n33.74.01,", "\n33.74.99,", "which areas.csv does not know"),
        ("areas.csv", ",kecamatan,33.74,-6.98", ",kecamatan,33.75,-6.98", "field 'parent'"),
        ("areas.csv", "33.74.01.1002", "33.74.01.1001", "field 'code' repeats 33.74.01.1001"),
        ("areas.csv", "33.74.01.1001,Miroto", "33.74.01.1001,", "field 'name' must not be empty"),
        ("categories.csv", ",DPU,yes", ",DPW,yes", "categories.csv line 2: field 'office' is DPW"),
        ("categories.csv", ",DPU,yes,", ",DPU,yes,x,", "more fields than the header names"),
        ("inlets.csv", "2025-04-01", "1 April 2025", "inlets.csv line 2: field 'valid_from'"),
        ("inlets.csv", "2025-03-31", "2021-03-31", "field 'valid_to' lies before valid_from"),
        ("tenant.toml", 'partner = "laporgub"', 'partner = "lapor"', "tenant.toml: field 'partn"),
        ("tenant.toml", 'code = "33.74"', 'code = "35.73"', "tenant.toml: field 'code' is 35.73"),
        ("tenant.toml", "south = -7.12", 'south = "x"', "tenant.toml [box]: field 'south'"),
        ("lexicon.toml", "[terms.pju]", "[terms.pju2]", "lexicon.toml [terms]: field 'pju2'"),
        ("lexicon.toml", "\n[grades]", "\n[grades", "lexicon.toml: this is not TOML"),
        ("lexicon.toml", '"pju"', '"di"', "lexicon.toml [terms]"),
        ("lexicon.toml", "[0.25, 0.28]", "[0.25]", "field 'measured' holds something"),
        ("lexicon.toml", "[0.0, 0.0]", "[0.1, 0.0]", "field 'measured' must rise"),
        ("jurisdiction.toml", '"jembatan"]', '"jambatan"]', "jurisdiction.toml [roads]: field"),
        ("jurisdiction.toml", 'code = "listrik"', 'code = "samsat"', "'code' of two matters"),
        ("jurisdiction.toml", 'any = ["pln"', 'any = ["P.L.N."', "field 'any' holds 'P.L.N.'"),
    ],
)
def test_a_spoiled_file_is_named_with_its_field(
    folder: Path, file: str, old: str, new: str, sentence: str
) -> None:
    """The message holds where to look, in one line that ends with a full stop."""
    spoil(folder / file, old, new)

    with pytest.raises(BadReference) as caught:
        load_tenant(folder)

    assert sentence in str(caught.value)
    assert file in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")


def test_a_missing_file_is_named(folder: Path) -> None:
    """A folder without areas cannot be used."""
    (folder / "areas.csv").unlink()

    with pytest.raises(BadReference, match=r"areas\.csv: cannot be read"):
        load_tenant(folder)


def test_a_file_in_another_encoding_is_named(folder: Path) -> None:
    """Latin-1 from an old spreadsheet is refused rather than garbled."""
    (folder / "offices.csv").write_bytes("code,name\nDPU,Pekerjaan Umum é\n".encode("latin-1"))

    with pytest.raises(BadReference, match=r"offices\.csv: this is not UTF-8"):
        load_tenant(folder)


def test_a_file_without_data_is_named(folder: Path) -> None:
    """A header alone is not a directory."""
    (folder / "offices.csv").write_text("code,name\n", encoding="utf-8")

    with pytest.raises(BadReference, match=r"offices\.csv: there is no line of data"):
        load_tenant(folder)
