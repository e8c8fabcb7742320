"""Colours: equal in the stylesheet, readable, told apart."""

import re

import pytest

from dashboards import STATIC_DIR
from dashboards.theme import COLOURS, STEPS, variables

CSS = (STATIC_DIR / "momentum.css").read_text()
TEXT_PAIRS = (
    ("ink", "paper"),
    ("ink", "surface"),
    ("muted", "paper"),
    ("muted", "surface"),
    ("brand", "paper"),
    ("brand", "surface"),
    ("on-brand", "brand"),
    *((tone, f"{tone}-soft") for tone in ("good", "bad", "wait", "calm", "stop")),
    ("ink", "stop-soft"),
    ("ink", "bad-soft"),
    ("ink", "brand-soft"),
)
MARKS = ("first", "second", "third", "fourth", "good", "bad", "unclear", "ink", "muted")


def declared(scheme):
    dark_parts = re.findall(r"prefers-color-scheme: dark\) \{\s*:root \{([^}]*)\}", CSS)
    rest = re.sub(r"@media \(prefers-color-scheme: dark\) \{\s*:root \{[^}]*\}\s*\}", "", CSS)
    light_parts = re.findall(r":root \{([^}]*)\}", rest)
    parts = light_parts + (dark_parts if scheme == "dark" else [])
    return {
        name: value.strip()
        for part in parts
        for name, value in re.findall(r"(--[\w-]+): ([^;]+);", part)
    }


def luminance(colour):
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_stylesheet__chart_colours__are_those_of_the_theme(scheme):
    found = {name: value for name, value in declared(scheme).items() if "--chart-" in name}

    assert found == variables(scheme)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), TEXT_PAIRS)
def test_words__each_pair__have_the_contrast_of_wcag_aa(scheme, text, ground):
    colours = declared(scheme)

    assert contrast(colours[f"--{text}"], colours[f"--{ground}"]) >= 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", MARKS)
def test_marks__each_colour__stands_out_from_the_surface(scheme, name):
    colours = declared(scheme)

    assert contrast(colours[f"--chart-{name}"], colours["--surface"]) >= 3


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_heat__steps__grow_steadily_away_from_the_surface(scheme):
    steps = [getattr(colour, scheme) for colour in COLOURS if colour.name.startswith("step")]
    surface = declared(scheme)["--surface"]
    distances = [contrast(step, surface) for step in steps]

    assert len(steps) == len(STEPS) == 5
    assert distances == sorted(distances)


def test_colours__light_values__are_all_different():
    assert len({colour.light for colour in COLOURS}) == len(COLOURS)
