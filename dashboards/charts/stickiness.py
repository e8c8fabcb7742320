"""Which share of the month's active learners is active in the week."""

import altair as alt

from dashboards import formats
from dashboards.charts.marks import Row, Rows, data, finish
from dashboards.theme import SERIES, Layout


def stickiness(rows: Rows, layout: Layout) -> alt.LayerChart:
    """Rows: {week (ISO date), share}."""
    shown = [
        {**row, "monday": formats.day_month(row["week"]), "about": _about(row)} for row in rows
    ]
    base = alt.Chart(data(shown)).encode(
        x=alt.X("monday:O", sort=None, title="Week of", axis=alt.Axis(labelAngle=0, grid=False)),
        y=alt.Y(
            "share:Q",
            title="Weekly of monthly active",
            scale=alt.Scale(domain=[0, 1]),
            axis=alt.Axis(format=".0%"),
        ),
        description="about:N",
    )
    line = base.mark_line(strokeWidth=2, color=SERIES[0])
    dots = base.mark_point(filled=True, size=45, opacity=1, color=SERIES[0])
    return finish(alt.layer(line, dots), layout, 190)


def _about(row: Row) -> str:
    return f"Week of {formats.date(row['week'])}: {formats.percent(row['share'])}"
