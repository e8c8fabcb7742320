"""Which share of learners is still active, week after week since joining (Kaplan-Meier)."""

import altair as alt

from dashboards import formats
from dashboards.charts.marks import Row, Rows, data, finish
from dashboards.theme import SERIES, Layout


def survival(rows: Rows, layout: Layout) -> alt.LayerChart:
    """Rows: {week, survival, low, high, at_risk}; shares 0-1."""
    shown = [{**row, "about": _about(row)} for row in rows]
    base = alt.Chart(data(shown)).encode(
        x=alt.X("week:Q", title="Weeks since joining", axis=alt.Axis(tickMinStep=1, grid=False)),
        description="about:N",
    )
    axis = alt.Axis(format=".0%")
    scale = alt.Scale(domain=[0, 1])
    band = base.mark_area(interpolate="step-after", opacity=0.2, color=SERIES[0]).encode(
        y=alt.Y("low:Q", title="Still active", axis=axis, scale=scale), y2="high:Q"
    )
    value = alt.Y("survival:Q", title="Still active", axis=axis, scale=scale)
    line = base.mark_line(interpolate="step-after", strokeWidth=2, color=SERIES[0]).encode(y=value)
    dots = base.mark_point(filled=True, size=36, opacity=1, color=SERIES[0]).encode(y=value)
    return finish(alt.layer(band, line, dots), layout, 210)


def _about(row: Row) -> str:
    return (
        f"Week {row['week']}: {formats.percent(row['survival'])} still active "
        f"({formats.percent(row['low'])} to {formats.percent(row['high'])}), "
        f"{formats.count(row['at_risk'])} at risk"
    )
