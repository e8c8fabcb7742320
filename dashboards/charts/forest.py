"""Estimates and their intervals, one row a treatment, against zero and the minimum effect."""

from typing import Any

import altair as alt

from dashboards import formats
from dashboards.charts.marks import (
    Row,
    Rows,
    data,
    finish,
    reference_line,
    tone,
    tone_colour,
    tone_shape,
    zero_line,
)
from dashboards.theme import Layout


def forest(rows: Rows, layout: Layout) -> alt.LayerChart:
    """Rows: {label, effect, low, high, unit, increase_is_good, minimum_effect?}."""
    shown = [_described(row) for row in rows]
    base = alt.Chart(data(shown)).encode(
        y=alt.Y("label:N", sort=None, title=None),
        color=tone_colour(),
        description="about:N",
    )
    unit = str(rows[0].get("unit") or "")
    position = alt.X("low:Q", title=f"Effect, {unit}" if unit else "Effect")
    layers = [
        zero_line("x"),
        base.mark_rule(strokeWidth=3, strokeCap="round").encode(x=position, x2="high:Q"),
        base.mark_point(filled=True, size=130, opacity=1).encode(
            x=alt.X("effect:Q"), shape=tone_shape()
        ),
    ]
    minimum = rows[0].get("minimum_effect")
    if minimum:
        sign = 1 if rows[0].get("increase_is_good", True) else -1
        layers.insert(0, reference_line("x", sign * minimum))
    return finish(alt.layer(*layers), layout, 26 + 30 * len(shown))


def _described(row: Row) -> dict[str, Any]:
    decimals = formats.decimals_for(row["low"], row["high"])
    about = (
        f"{row['label']}: {formats.signed(row['effect'], decimals)} "
        f"({formats.interval(row['low'], row['high'], decimals)})"
    )
    good = row.get("increase_is_good", True)
    return {**row, "about": about, "tone": tone(row["low"], row["high"], good)}
