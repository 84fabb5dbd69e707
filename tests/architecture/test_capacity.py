"""docs/capacity.md is what the benchmarks give: no number in it can grow old unseen."""

import re
from typing import Final

import pytest
from tools import capacity

TEXT: Final = capacity.SOURCE.read_text("utf-8")
PAGE: Final = capacity.PAGE.read_text("utf-8")


def test_the_page_is_what_the_benchmarks_give() -> None:
    """A new measurement without a new page fails here: python -m tools.capacity."""
    assert capacity.render(TEXT) == PAGE


def test_the_figures_are_those_of_the_tables() -> None:
    """Read the way a person would, and added up as the table says."""
    found = capacity.figures(TEXT)

    for row in (found.cpu_posted, found.cpu_life):
        parts = [ms for name, ms in row.items() if name != "together"]
        assert 7 == len(parts)
        assert row["together"] == pytest.approx(sum(parts), abs=0.4)
    assert found.cpu_posted["together"] < found.cpu_life["together"]
    assert found.routed <= found.acknowledged
    assert 0 < found.mongo_kib and 0 < found.kafka_kib and 0 < found.one_process


def test_another_measurement_makes_another_page() -> None:
    """Every figure that is read is used: changed in the benchmarks, it changes the page."""
    for figure in (
        r"(a whole life \| )([\d.]+)", r"(processes at rest: )(\d+)", r"(off at \*\*)(\d+)",
        r"(100,000 cases \| \*\*)([\d.]+)", r"(services at \*\*)(\d+)", r"(complaint takes )(\d+)",
    ):  # fmt: skip
        assert re.search(figure, TEXT), figure
        other = re.sub(figure, r"\g<1>7777", TEXT)
        assert capacity.render(other) != PAGE, figure


def test_a_figure_that_is_gone_is_missed() -> None:
    """A page with holes is not written."""
    with pytest.raises(capacity.Unreadable):
        capacity.render(TEXT.replace("a whole life", "something else"))


def test_the_arithmetic_is_as_it_is_shown() -> None:
    """Done by hand: 2,000,000 a year are 0.0634 a second, a hundred times that is 6.34."""
    nation = capacity.SIZES[-1]

    assert 6.342 == pytest.approx(nation.burst, abs=0.001)
    assert 1 == capacity.replicas(nation, 10.0)  # 6.34 x 10 ms = 0.063 cores
    assert 2 == capacity.replicas(nation, 100.0)  # 0.634 cores, at most half of one each
    assert 12_000 == capacity.SIZES[0].year
    assert 420_000 == capacity.SIZES[1].year
