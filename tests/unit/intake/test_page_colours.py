"""Every text of the pages can be read by people who see little: WCAG 2.2, level AA."""

import re
from importlib.resources import files

import pytest

from aduan.web.pages import STATE_LABELS

CSS = files("aduan.web.pages").joinpath("aduan.css").read_text("utf-8")
COLOURS = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", CSS))
PAIRS = [
    *[(ink, ground) for ink in ("ink", "soft", "link", "bad") for ground in ("paper", "surface", "sunken")],
    *[(kind, f"{kind}-ground") for kind in ("bad", "warn", "good", "info")],
    *[(f"state-{state}", f"state-{state}-ground") for state in STATE_LABELS],
    ("on-primary", "primary"),
    ("on-primary", "primary-deep"),
    ("primary", "surface"),
    ("primary", "sunken"),
    ("bad", "bad-ground"),
]  # fmt: skip
EDGES = [(edge, ground) for edge in ("edge", "focus") for ground in ("paper", "surface")]


def luminance(colour: str) -> float:
    """Return the relative luminance (WCAG 2.2) of `#rrggbb`."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, two: str) -> float:
    """Return the contrast ratio of two colours of the style sheet, 1 to 21."""
    dark, light = sorted((luminance(COLOURS[one]), luminance(COLOURS[two])))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(("ink", "ground"), PAIRS)
def test_a_text_stands_out_from_its_ground(ink: str, ground: str) -> None:
    """At least 4.5 to 1."""
    assert 4.5 <= contrast(ink, ground)


@pytest.mark.parametrize(("edge", "ground"), EDGES)
def test_a_field_and_the_focus_stand_out(edge: str, ground: str) -> None:
    """At least 3 to 1."""
    assert 3.0 <= contrast(edge, ground)


def test_every_state_has_a_badge() -> None:
    """A new state needs its colours."""
    assert all(f".state-{state} " in CSS for state in STATE_LABELS)
