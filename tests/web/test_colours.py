"""The colours of both themes: text can be read, marks be seen, and data told apart by every kind of eye."""

import re
from importlib.resources import files
from pathlib import Path

import pytest

TOKENS = (Path(str(files("botwatch_web"))) / "static" / "css" / "tokens.css").read_text(encoding="utf-8")
LIGHT, DARK = (dict(re.findall(r"--bw-([\w-]+): (#[0-9a-f]{6});", half)) for half in TOKENS.split("@media"))
THEMES = pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])

GROUNDS = ("ground", "surface", "raised")
STATES = ("ok", "warn", "fail", "unknown")
# Each colour of text, with what it stands on.
TEXT = [
    *((ink, ground) for ink in ("ink", "ink-soft", "accent", "accent-strong") for ground in GROUNDS),
    *((ink, "accent-wash") for ink in ("ink", "accent", "accent-strong")),
    *((state, "surface") for state in STATES),
    *((state, f"{state}-wash") for state in STATES),
    *(("ink", f"{state}-wash") for state in STATES),
    ("accent-ink", "accent"),
    ("accent-ink", "accent-strong"),
    ("surface", "ink"),
]
# What has to be seen but not read: borders of fields, lines and bars of charts.
MARKS = [(mark, "surface") for mark in ("line-strong", "in", "before", "ok", "fail", "accent")]
# Colours that one chart tells apart.
APART = [("in", "before"), ("in", "out"), ("out", "before"), ("in", "fail"), ("before", "ok")]

# How each kind of eye sees linear red, green and blue: Machado, Oliveira and Fernandes 2009, full severity.
EYES = {
    "usual": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "no red": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "no green": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "no blue": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}

Colour = tuple[float, float, float]


def linear(colour: str) -> Colour:
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return brightened(red), brightened(green), brightened(blue)


def brightened(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def luminance(colour: Colour) -> float:
    return 0.2126 * colour[0] + 0.7152 * colour[1] + 0.0722 * colour[2]


def contrast(one: str, other: str) -> float:
    """WCAG 2.2: from 1, the same, to 21."""
    dark, light = sorted(luminance(linear(colour)) for colour in (one, other))
    return (light + 0.05) / (dark + 0.05)


def lab(colour: Colour) -> Colour:
    """CIE L*a*b*, white D65."""
    red, green, blue = colour
    x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.95047
    y = luminance(colour)
    z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.08883
    fx, fy, fz = (value ** (1 / 3) if value > 0.008856 else 7.787 * value + 16 / 116 for value in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def seen(colour: str, eye: str) -> Colour:
    red, green, blue = (
        min(max(sum(share * part for share, part in zip(row, linear(colour), strict=True)), 0), 1)
        for row in EYES[eye]
    )
    return lab((red, green, blue))


def distance(one: Colour, other: Colour) -> float:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True)) ** 0.5


@THEMES
def test_text_can_be_read(theme: dict[str, str]) -> None:
    weak = {pair: round(contrast(theme[pair[0]], theme[pair[1]]), 2) for pair in TEXT}
    assert {pair: value for pair, value in weak.items() if value < 4.5} == {}


@THEMES
def test_marks_can_be_seen(theme: dict[str, str]) -> None:
    weak = {pair: round(contrast(theme[pair[0]], theme[pair[1]]), 2) for pair in MARKS}
    assert {pair: value for pair, value in weak.items() if value < 3} == {}


@THEMES
@pytest.mark.parametrize("eye", EYES)
def test_data_stay_apart(theme: dict[str, str], eye: str) -> None:
    """Ten is a difference seen at a glance; two can just be seen."""
    apart = {
        (one, other): round(distance(seen(theme[one], eye), seen(theme[other], eye))) for one, other in APART
    }
    assert {pair: value for pair, value in apart.items() if value < 20} == {}


def test_both_themes_have_every_colour() -> None:
    assert LIGHT.keys() == DARK.keys()
