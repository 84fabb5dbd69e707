"""The colours of the shared style sheet, measured: WCAG 2.2 AA asks 4.5 for text, 3 for borders."""

import re
from importlib.resources import files
from typing import Final, get_args

import pytest

from aduan.contracts.values import State
from aduan.web.pages import STATE_LABELS

CSS: Final = files("aduan.web.pages").joinpath("aduan.css").read_text("utf-8")
COLOURS: Final = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", CSS))
STATES: Final = tuple(STATE_LABELS)
GROUNDS: Final = ("paper", "surface", "sunken")
TEXT: Final = [
    *((text, ground) for text in ("ink", "soft", "link", "bad", "primary") for ground in GROUNDS),
    ("on-primary", "primary"),
    ("on-primary", "primary-deep"),
    *((kind, f"{kind}-ground") for kind in ("bad", "warn", "good", "info")),
    *((f"state-{state}", f"state-{state}-ground") for state in STATES),
]
SHAPES: Final = [
    *((shape, ground) for shape in ("edge", "focus", "primary") for ground in GROUNDS),
    ("focus", "info-ground"),
    ("focus", "bad-ground"),
]


def luminance(colour: str) -> float:
    """Return the relative luminance of #rrggbb (WCAG 2.2)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours by their names in the style sheet."""
    high, low = sorted((luminance(COLOURS[one]), luminance(COLOURS[other])), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_the_measure_is_right() -> None:
    """Black on white is 21, and a grey that is known to just fail does fail."""
    COLOURS.update({"black": "#000000", "white": "#ffffff", "grey": "#777777"})

    assert contrast("black", "white") == pytest.approx(21)
    assert 4.4 < contrast("grey", "white") < 4.5


@pytest.mark.parametrize(("text", "ground"), TEXT, ids="-on-".join)
def test_every_text_can_be_read(text: str, ground: str) -> None:
    """At least 4.5 to 1."""
    assert contrast(text, ground) >= 4.5


@pytest.mark.parametrize(("shape", "ground"), SHAPES, ids="-on-".join)
def test_every_border_and_focus_can_be_seen(shape: str, ground: str) -> None:
    """At least 3 to 1."""
    assert contrast(shape, ground) >= 3


def test_no_rule_brings_a_colour_of_its_own() -> None:
    """A colour outside the measured list would escape this test; print is black on white."""
    rules = CSS.partition("box-sizing")[2].partition("@media print")[0]

    assert re.findall(r"#[0-9a-fA-F]{3,8}\b", rules) == []


def test_every_state_has_words_a_badge_and_both_its_colours() -> None:
    """The twelve states of routing, and `received` before it."""
    assert set(STATES) == {"received", *get_args(State)}
    for state in STATES:
        rule = f".state-{state} {{ color: var(--state-{state}); background: var(--state-{state}-ground); }}"
        assert rule in CSS
