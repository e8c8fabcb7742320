"""How many learners are active again within 7 and within 28 days of a claim."""

from typing import Any

import altair as alt

from dashboards import formats
from dashboards.charts.marks import Row, Rows, data, finish, in_order, series_colour, series_shape
from dashboards.theme import Layout

PERIODS = ("within 7 days", "within 28 days")


def incentive_returns(rows: Rows, layout: Layout) -> alt.LayerChart:
    """Rows: {incentive, within_days: 7 | 28, share, low, high, n}; shares 0-1."""
    shown = [_described(row) for row in rows]
    base = alt.Chart(data(shown)).encode(
        y=alt.Y("incentive:N", sort=in_order(rows, "incentive"), title=None),
        yOffset=alt.YOffset("period:N", sort=list(PERIODS)),
        description="about:N",
    )
    axis = alt.Axis(format=".0%", title="Active again after a claim")
    scale = alt.Scale(domain=[0, 1])
    position = alt.X("low:Q", axis=axis, scale=scale)
    spans = base.mark_rule(strokeWidth=3, strokeCap="round").encode(
        x=position, x2="high:Q", color=series_colour("period", PERIODS)
    )
    dots = base.mark_point(filled=True, size=110, opacity=1).encode(
        x=alt.X("share:Q", axis=axis, scale=scale),
        color=series_colour("period", PERIODS),
        shape=series_shape("period", PERIODS),
    )
    height = 30 + 44 * len(in_order(rows, "incentive"))
    return finish(alt.layer(spans, dots), layout, height)


def _described(row: Row) -> dict[str, Any]:
    period = f"within {row['within_days']} days"
    about = (
        f"{row['incentive']}: {formats.percent(row['share'])} active again {period} "
        f"({formats.percent(row['low'])} to {formats.percent(row['high'])}), "
        f"{formats.counted(row['n'], 'claim')}"
    )
    return {**row, "period": period, "about": about}
