"""Whether chances that were told came true."""

from typing import Any

import altair as alt

from dashboards import formats
from dashboards.charts.marks import Row, Rows, data, finish
from dashboards.theme import MUTED, SERIES, Layout

WHOLE = alt.Scale(domain=[0, 1], nice=False)


def calibration(rows: Rows, layout: Layout) -> alt.LayerChart:
    """Rows: {predicted, observed, n}; shares from 0 to 1. On the line they agree."""
    shown = [_described(row) for row in rows]
    base = alt.Chart(data(shown)).encode(
        x=alt.X(
            "predicted:Q",
            scale=WHOLE,
            axis=alt.Axis(format="%", title="Chance to return, as the score tells it"),
        ),
        y=alt.Y("observed:Q", scale=WHOLE, axis=alt.Axis(format="%", title="Who did return")),
        description="about:N",
    )
    line = alt.Chart(data([{"at": 0}, {"at": 1}])).mark_line(
        color=MUTED, strokeDash=[4, 3], strokeWidth=1, aria=False
    )
    return finish(
        alt.layer(
            line.encode(x=alt.X("at:Q", scale=WHOLE), y=alt.Y("at:Q", scale=WHOLE)),
            base.mark_line(color=SERIES[0], strokeWidth=2, aria=False),
            base.mark_point(filled=True, size=80, opacity=1, color=SERIES[0]),
        ),
        layout,
        220,
    )


def _described(row: Row) -> dict[str, Any]:
    about = (
        f"Told {formats.percent(row['predicted'])}, came back {formats.percent(row['observed'])} "
        f"of {formats.counted(row['n'], 'learner')}"
    )
    return {**row, "about": about}
