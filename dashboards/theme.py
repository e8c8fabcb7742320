"""What all charts share: two widths, the colours of both schemes, the shape of axes.

A chart names its colours by the light scheme's value. In a page each is replaced by a CSS variable,
so that one drawing follows the reader's scheme; in a file it stays as it is.
"""

from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True)
class Layout:
    """The room that a chart has."""

    name: str  # wide | narrow: the stylesheet shows one of them
    width: int  # pixels, all included
    label_limit: int  # pixels for a category's name
    ticks: int  # about how many on the horizontal axis

    @property
    def narrow(self) -> bool:
        """Whether this is a phone's room."""
        return self.name == "narrow"


WIDE: Final = Layout("wide", 520, 165, 6)
NARROW: Final = Layout("narrow", 330, 112, 4)
LAYOUTS: Final = (WIDE, NARROW)


@dataclass(frozen=True)
class Colour:
    """One colour in both schemes; marks keep 3:1 against the surface, words 4.5:1."""

    name: str
    light: str
    dark: str


COLOURS: Final = (
    Colour("ink", "#1d2733", "#e8ebee"),
    Colour("muted", "#56616f", "#a5b0bc"),
    Colour("grid", "#e4e1d9", "#2b353f"),
    Colour("surface", "#fefefe", "#1a2129"),
    Colour("first", "#0a6aa6", "#5ab4ea"),
    Colour("second", "#c8540a", "#f2914a"),
    Colour("third", "#00805e", "#35c79b"),
    Colour("fourth", "#ab4a83", "#e39fc6"),
    Colour("good", "#0b7285", "#4cc3d9"),
    Colour("bad", "#b8431a", "#f58b63"),
    Colour("unclear", "#6a7480", "#98a3af"),
    Colour("step1", "#e9f1f2", "#1f2d34"),
    Colour("step2", "#b9d8dc", "#23505a"),
    Colour("step3", "#76b4bd", "#2b7885"),
    Colour("step4", "#2f8492", "#58a9b5"),
    Colour("step5", "#0d5561", "#a3dde5"),
)
BY_NAME: Final = {colour.name: colour.light for colour in COLOURS}

INK: Final = BY_NAME["ink"]
MUTED: Final = BY_NAME["muted"]
GRID: Final = BY_NAME["grid"]
SURFACE: Final = BY_NAME["surface"]
GOOD: Final = BY_NAME["good"]
BAD: Final = BY_NAME["bad"]
UNCLEAR: Final = BY_NAME["unclear"]
SERIES: Final = tuple(BY_NAME[name] for name in ("first", "second", "third", "fourth"))
STEPS: Final = tuple(BY_NAME[f"step{step}"] for step in range(1, 6))
MEASURED_SIZE: Final = 13  # the page shows 12: a reader's font may be wider than the server's
DASHES: Final = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3])  # a second sign beside each series' colour
SHAPES: Final = ("circle", "square", "diamond", "triangle-up")


def config(layout: Layout) -> dict[str, Any]:
    """The Vega-Lite configuration of every chart."""
    size = MEASURED_SIZE
    axis = {
        "labelColor": MUTED,
        "titleColor": MUTED,
        "labelFontSize": size,
        "titleFontSize": size,
        "titleFontWeight": "normal",
        "titlePadding": 8,
        "gridColor": GRID,
        "domainColor": GRID,
        "tickColor": GRID,
        "labelLimit": layout.label_limit,
        "labelPadding": 6,
    }
    return {
        "background": None,
        "padding": {"left": 6, "right": 10, "top": 4, "bottom": 4},
        "font": "sans-serif",
        "view": {"stroke": None},
        "axis": axis,
        "axisX": {
            "titleAnchor": "end",
            "tickCount": layout.ticks,
            "labelFlush": False,
            "labelOverlap": True,
        },
        "axisY": {"domain": False, "ticks": False},
        "legend": {
            "orient": "top",
            "direction": "horizontal",
            "columns": 2 if layout.narrow else 4,
            "labelColor": INK,
            "labelFontSize": size,
            "labelLimit": 130 if layout.narrow else 200,
            "title": None,
            "symbolSize": 90,
            "offset": 8,
            "padding": 0,
        },
        "header": {"labelColor": INK, "labelFontSize": size, "title": None},
        "text": {"color": INK, "fontSize": size},
    }


def variables(scheme: str) -> dict[str, str]:
    """The CSS variables of one scheme, "light" or "dark"."""
    return {f"--chart-{colour.name}": getattr(colour, scheme) for colour in COLOURS}
