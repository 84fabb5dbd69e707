"""The lexicon's quality on a year of real reports, where these are at hand."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Final

import pytest

from aduan_routing.classify import load_tenant

SCRIPT: Final = Path(__file__).resolve().parents[2] / "load" / "lexicon_quality.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """The measuring script as a module: tests are no package to import from."""
    spec = importlib.util.spec_from_file_location("lexicon_quality", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their own module up
    spec.loader.exec_module(module)
    return module


def test_half_of_the_reports_are_decided_and_four_of_five_rightly(script: ModuleType) -> None:
    """Share decided >= 50 %, right among those >= 80 %, in the whole year and at its end."""
    if not script.REPORTS.is_file():
        pytest.skip(f"labelled reports are not at {script.REPORTS}: quality was not measured")
    quality = script.measure(script.rows_of(script.REPORTS), load_tenant(script.TENANT))

    assert quality.all.rows > 6000
    for tally in (quality.all, quality.held_out):
        assert tally.share_decided >= 0.5
        assert tally.share_right >= 0.8


def test_the_table_counts_what_it_was_given(
    script: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    """Four invented rows: one right, one wrong, one without a label, one of the place."""
    lamp = "Lampu jalan di tanjakan dekat pos ronda padam sejak seminggu, gelap sekali"
    rows = [
        script.Row(text=lamp, place="", label=label, held_out=False)
        for label in ("DISPERKIM", "PDAM", "", "*")
    ]
    quality = script.measure(rows, load_tenant(script.TENANT))

    assert (2, 2, 1) == (quality.all.rows, quality.all.decided, quality.all.right)
    assert {"no label": 1, "unit of the place": 1} == {
        kind: tally.rows for kind, tally in quality.apart.items()
    }
    assert "PDAM -> DISPERKIM 1" in script.table(quality)


def test_the_script_says_in_one_sentence_that_the_reports_are_missing(
    script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No traceback, exit code 2."""
    assert script.main([str(tmp_path / "none.gz")]) == 2
    assert "The labelled reports are not at" in capsys.readouterr().err
