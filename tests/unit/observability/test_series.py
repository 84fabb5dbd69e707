"""The list of all series: whole, described, and what the page says."""

import inspect
import re
from pathlib import Path
from typing import Final

import pytest

from aduan.observability.metrics import Series
from aduan.observability.process import OPERATIONS
from aduan.storage.port import Store
from aduan_standalone import metrics_page
from aduan_standalone.series import every_series, parts

ROOT: Final = Path(__file__).resolve().parents[3]
SERIES: Final = every_series()
OURS: Final = re.compile(r"aduan_[a-z0-9]+(_[a-z0-9]+)+")


def test_no_name_is_given_twice() -> None:
    """Two classes with one name would refuse to stand on one registry."""
    names = [one.name for one in SERIES]

    assert sorted(set(names)) == names


@pytest.mark.parametrize("one", SERIES, ids=lambda one: one.name)
def test_a_series_says_what_it_is_and_what_to_do(one: Series) -> None:
    """Whoever is called at night reads it: the unit in the name, a sentence, and a remedy."""
    library = one.name.startswith(("process_", "python_"))

    assert library or OURS.fullmatch(one.name)
    assert (one.kind == "counter") == one.name.endswith("_total")
    assert one.words.endswith(".")
    assert one.act.endswith(".")
    assert one.kind != "histogram" or one.name.endswith("_seconds")
    assert one.over == "sum" or one.kind == "gauge"


def test_the_page_of_metrics_is_what_the_code_declares(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A renamed series, a new label or another remedy makes the committed page old."""
    monkeypatch.chdir(ROOT)

    assert 0 == metrics_page.main(["--check"]), capsys.readouterr().err


def test_a_page_that_is_old_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The check compares and writes nothing; without it the page is written."""
    monkeypatch.chdir(tmp_path)
    Path("docs").mkdir()
    page = Path("docs/metrics.md")
    page.write_text("old")

    assert 1 == metrics_page.main(["--check"])
    assert "docs/metrics.md" in capsys.readouterr().err
    assert "old" == page.read_text()
    assert 0 == metrics_page.main([])
    assert 0 == metrics_page.main(["--check"])


def test_the_page_names_every_series_once() -> None:
    """Nothing is left out because it has no section."""
    shown = re.findall(
        r"^\| `([a-z0-9_]+)` \| (?:counter|gauge|histogram) \|", metrics_page.page(), re.MULTILINE
    )

    assert sorted(shown) == [one.name for one in SERIES]
    assert len(parts()) > 5


def test_every_operation_of_the_store_is_timed() -> None:
    """A method that the port gains has to be put under a name, or nobody would see it."""
    port = {name for name, _ in inspect.getmembers(Store, inspect.isfunction) if name[0] != "_"}

    assert port == {method for methods in OPERATIONS.values() for method in methods}
