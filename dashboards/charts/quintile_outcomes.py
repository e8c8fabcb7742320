"""The business outcome by fifth of the Energize Score, inside peer groups."""

from typing import Any

import altair as alt

from dashboards import formats
from dashboards.charts.marks import Row, Rows, data, finish
from dashboards.theme import SERIES, Layout

LABELS = {1: "Lowest fifth", 2: "2nd", 3: "3rd", 4: "4th", 5: "Highest fifth"}


def quintile_outcomes(rows: Rows, layout: Layout) -> alt.LayerChart:
    """Rows: {quintile: 1-5 (5 is the most engaged), mean, low, high, n}."""
    shown = [_described(row, layout) for row in rows]
    base = alt.Chart(data(shown)).encode(
        x=alt.X("place:O", sort=None, title="Energize Score", axis=alt.Axis(labelAngle=0)),
        description="about:N",
    )
    axis = alt.Axis(title="Outcome against peers")
    scale = alt.Scale(zero=False)
    spans = base.mark_rule(strokeWidth=3, strokeCap="round", color=SERIES[0]).encode(
        y=alt.Y("low:Q", axis=axis, scale=scale), y2="high:Q"
    )
    dots = base.mark_point(filled=True, size=120, opacity=1, color=SERIES[0]).encode(
        y=alt.Y("mean:Q", axis=axis, scale=scale)
    )
    return finish(alt.layer(spans, dots), layout, 200)


def _described(row: Row, layout: Layout) -> dict[str, Any]:
    place = LABELS[row["quintile"]]
    decimals = formats.decimals_for(row["low"], row["high"])
    about = (
        f"{place}: {formats.measure(row['mean'], decimals)} "
        f"({formats.measure(row['low'], decimals)} to {formats.measure(row['high'], decimals)}), "
        f"{formats.counted(row['n'], 'learner')}"
    )
    short = place.removesuffix(" fifth") if layout.narrow else place
    return {**row, "place": short, "about": about}
