"""How much more often those who did an activity return than similar learners who did not."""

from typing import Any

import altair as alt

from dashboards import formats
from dashboards.charts.marks import (
    Row,
    Rows,
    data,
    finish,
    tone,
    tone_colour,
    tone_shape,
    zero_line,
)
from dashboards.theme import Layout


def activity_return(rows: Rows, layout: Layout) -> alt.LayerChart:
    """Rows: {activity, reach, repeat_rate, difference, low, high, n}; shares 0-1."""
    shown = [_described(row) for row in rows]
    base = alt.Chart(data(shown)).encode(
        y=alt.Y("activity:N", sort=None, title=None), color=tone_colour(), description="about:N"
    )
    title = "Return next week, against similar learners"
    position = alt.X("low:Q", title=title, axis=alt.Axis(format="+.0%"))
    spans = base.mark_rule(strokeWidth=3, strokeCap="round").encode(x=position, x2="high:Q")
    dots = base.mark_point(filled=True, size=120, opacity=1).encode(
        x="difference:Q", shape=tone_shape()
    )
    return finish(alt.layer(zero_line("x"), spans, dots), layout, 30 + 28 * len(shown))


def _described(row: Row) -> dict[str, Any]:
    about = (
        f"{row['activity']}: {formats.signed_percent(row['difference'])} "
        f"({formats.signed_percent(row['low'])} to {formats.signed_percent(row['high'])}); "
        f"reaches {formats.percent(row['reach'])}, {formats.percent(row['repeat_rate'])} repeat it"
    )
    return {**row, "about": about, "tone": tone(row["low"], row["high"])}
