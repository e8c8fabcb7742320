"""What to believe about the effect: its density, with zero and the minimum effect."""

from typing import Any

import altair as alt
import numpy as np

from dashboards import formats
from dashboards.charts.marks import (
    APART,
    Row,
    Rows,
    data,
    finish,
    in_order,
    reference_line,
    series_colour,
    series_dash,
    zero_line,
)
from dashboards.theme import Layout

POINTS = 121
REACH_SD = 3.5


def posterior(rows: Rows, layout: Layout) -> alt.LayerChart:
    """Rows: {label, mean, sd, unit, increase_is_good, minimum_effect?}; normal densities."""
    points = [point for row in rows for point in _density(row)]
    labels = in_order(rows, "label")
    unit = str(rows[0].get("unit") or "")
    base = alt.Chart(data(points)).encode(
        x=alt.X("effect:Q", title=f"Effect, {unit}" if unit else "Effect"),
        description="about:N",
    )
    hidden = alt.Axis(labels=False, ticks=False, grid=False, title=None)
    height = alt.Y("density:Q", axis=hidden, stack=None)
    layers = [
        base.mark_area(opacity=0.22).encode(
            y=height, color=series_colour("label", labels, legend=False), detail="label:N"
        ),
        base.mark_line(strokeWidth=2).encode(
            y=height,
            color=series_colour("label", labels),
            strokeDash=series_dash("label", labels),
        ),
        zero_line("x"),
    ]
    minimum = rows[0].get("minimum_effect")
    if minimum:
        sign = 1 if rows[0].get("increase_is_good", True) else -1
        layers.append(reference_line("x", sign * minimum))
    return finish(alt.layer(*layers).resolve_legend(**APART), layout, 150)


def _density(row: Row) -> list[dict[str, Any]]:
    mean, sd = row["mean"], row["sd"]
    decimals = formats.decimals_for(mean - 2 * sd, mean + 2 * sd)
    about = (
        f"{row['label']}: most likely {formats.signed(mean, decimals)}, "
        f"give or take {formats.measure(1.96 * sd, decimals)}"
    )
    offsets = np.linspace(-REACH_SD, REACH_SD, POINTS)
    heights = np.exp(-0.5 * offsets**2) / sd
    return [
        {
            "label": row["label"],
            "effect": float(mean + offset * sd),
            "density": float(height),
            "about": about,
        }
        for offset, height in zip(offsets, heights, strict=True)
    ]
