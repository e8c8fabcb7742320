"""Each segment's effect twice: as measured, and drawn towards the other segments."""

from typing import Any

import altair as alt

from dashboards import formats
from dashboards.charts.marks import (
    Row,
    Rows,
    data,
    finish,
    in_order,
    series_colour,
    series_shape,
    zero_line,
)
from dashboards.theme import Layout


def segments(rows: Rows, layout: Layout) -> alt.LayerChart:
    """Rows: {label, which, effect, low, high, unit}; two a label, one for each ``which``."""
    shown = [_described(row) for row in rows]
    which = in_order(rows, "which")
    base = alt.Chart(data(shown)).encode(
        y=alt.Y("label:N", sort=in_order(rows, "label"), title=None),
        yOffset=alt.YOffset("which:N", sort=which),
        color=series_colour("which", which),
        description="about:N",
    )
    unit = str(rows[0].get("unit") or "")
    position = alt.X("low:Q", title=f"Effect, {unit}" if unit else "Effect")
    drawn = alt.layer(
        zero_line("x"),
        base.mark_rule(strokeWidth=3, strokeCap="round").encode(x=position, x2="high:Q"),
        base.mark_point(filled=True, size=90, opacity=1).encode(
            x=alt.X("effect:Q"), shape=series_shape("which", which)
        ),
    )
    return finish(drawn, layout, 26 + 40 * len(in_order(rows, "label")))


def _described(row: Row) -> dict[str, Any]:
    decimals = formats.decimals_for(row["low"], row["high"])
    span = formats.interval(row["low"], row["high"], decimals)
    size = formats.signed(row["effect"], decimals)
    return {**row, "about": f"{row['label']}, {row['which']}: {size} ({span})"}
