"""Marks that several charts share: intervals, reference lines, bands."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import altair as alt

from dashboards.theme import BAD, DASHES, GOOD, INK, MUTED, SERIES, SHAPES, UNCLEAR, Layout

Row = Mapping[str, Any]
Rows = Sequence[Row]
APART: Final = dict.fromkeys(("color", "shape", "strokeDash"), "independent")  # legends
TONES: Final = ("good", "bad", "unclear")  # of an interval: beyond zero the good way, the bad way


def data(rows: Rows) -> alt.Data:
    """The rows inside the specification: nothing is fetched."""
    return alt.Data(values=[dict(row) for row in rows])


def finish(chart: alt.LayerChart | alt.Chart, layout: Layout, height: int) -> alt.LayerChart:
    """The chart at the layout's width, whatever its labels take."""
    return chart.properties(
        width=layout.width,
        height=height,
        autosize=alt.AutoSizeParams(type="fit-x", contains="padding"),
    )


def zero_line(axis: str) -> alt.Chart:
    """A solid line at zero across the chart: "x" or "y" is the axis that carries the values."""
    encoding = {axis: alt.datum(0)}
    return alt.Chart(data([{}])).mark_rule(color=INK, strokeWidth=1, aria=False).encode(**encoding)


def reference_line(axis: str, value: float) -> alt.Chart:
    """A dashed line at a value that matters, such as the minimum effect."""
    mark = alt.Chart(data([{}])).mark_rule(color=MUTED, strokeDash=[4, 3], aria=False)
    return mark.encode(**{axis: alt.datum(value)})


def tone_colour() -> alt.Color:
    """Good, bad or unclear: the shape says it too."""
    scale = alt.Scale(domain=list(TONES), range=[GOOD, BAD, UNCLEAR])
    return alt.Color("tone:N", scale=scale, legend=None)


def tone_shape() -> alt.Shape:
    """The second sign beside ``tone_colour``."""
    scale = alt.Scale(domain=list(TONES), range=["triangle-right", "triangle-left", "circle"])
    return alt.Shape("tone:N", scale=scale, legend=None)


def tone(low: float, high: float, increase_is_good: bool = True) -> str:
    """Which way an interval lies: "unclear" when it holds zero."""
    if low > 0:
        return "good" if increase_is_good else "bad"
    if high < 0:
        return "bad" if increase_is_good else "good"
    return "unclear"


def series_colour(field: str, domain: Sequence[str], legend: bool = True) -> alt.Color:
    """A colour for each series, in the domain's order."""
    scale = alt.Scale(domain=list(domain), range=_cycled(SERIES, len(domain)))
    shown = alt.Legend(title=None) if legend and len(domain) > 1 else None
    return alt.Color(f"{field}:N", scale=scale, legend=shown)


def series_dash(field: str, domain: Sequence[str]) -> alt.StrokeDash:
    """The second sign beside ``series_colour`` for lines."""
    shown = alt.Legend(title=None) if len(domain) > 1 else None
    scale = alt.Scale(domain=list(domain), range=_cycled(DASHES, len(domain)))
    return alt.StrokeDash(f"{field}:N", scale=scale, legend=shown)


def series_shape(field: str, domain: Sequence[str], legend: bool = True) -> alt.Shape:
    """The second sign beside ``series_colour`` for points."""
    shown = alt.Legend(title=None) if legend and len(domain) > 1 else None
    scale = alt.Scale(domain=list(domain), range=_cycled(SHAPES, len(domain)))
    return alt.Shape(f"{field}:N", scale=scale, legend=shown)


def in_order(rows: Rows, field: str) -> list[Any]:
    """The field's values, each once, as they first come."""
    return list(dict.fromkeys(row[field] for row in rows))


def _cycled(values: Sequence[Any], length: int) -> list[Any]:
    return [values[index % len(values)] for index in range(length)]
