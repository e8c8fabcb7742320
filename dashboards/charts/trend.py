"""The primary's estimate as it stood at the end of each day, with its interval."""

from typing import Any

import altair as alt

from dashboards import formats
from dashboards.charts.marks import (
    APART,
    Row,
    Rows,
    data,
    finish,
    in_order,
    series_colour,
    series_dash,
    series_shape,
    zero_line,
)
from dashboards.theme import Layout


def trend(rows: Rows, layout: Layout) -> alt.LayerChart:
    """Rows: {label, day (ISO), effect, low, high, n, unit}."""
    shown = [_described(row) for row in rows]
    labels = in_order(rows, "label")
    unit = str(rows[0].get("unit") or "")
    base = alt.Chart(data(shown)).encode(
        x=alt.X(
            "day:T",
            title=None,
            scale=alt.Scale(type="utc"),
            axis=alt.Axis(format="%-d %b", grid=False),
        ),
        description="about:N",
    )
    title = f"Effect, {unit}" if unit else "Effect"
    value = alt.Y("effect:Q", title=title)
    colour = series_colour("label", labels)
    unlabelled = series_colour("label", labels, legend=False)
    band = base.mark_area(opacity=0.18).encode(
        y=alt.Y("low:Q", title=title),
        y2="high:Q",
        detail="label:N",
        color=unlabelled,
    )
    line = base.mark_line(strokeWidth=2).encode(
        y=value, color=colour, strokeDash=series_dash("label", labels)
    )
    dots = base.mark_point(filled=True, size=28, opacity=1).encode(
        y=value, color=unlabelled, shape=series_shape("label", labels, legend=False)
    )
    layers = alt.layer(zero_line("y"), band, line, dots)
    return finish(layers.resolve_legend(**APART), layout, 210)


def _described(row: Row) -> dict[str, Any]:
    decimals = formats.decimals_for(row["low"], row["high"])
    about = (
        f"{formats.date(row['day'])}, {row['label']}: {formats.signed(row['effect'], decimals)} "
        f"({formats.interval(row['low'], row['high'], decimals)}), {formats.count(row['n'])} units"
    )
    return {**row, "about": about}
