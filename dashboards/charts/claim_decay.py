"""Whether a reward still brings learners back when it was claimed before."""

import altair as alt

from dashboards import formats
from dashboards.charts.marks import Row, Rows, data, finish
from dashboards.theme import SERIES, Layout


def claim_decay(rows: Rows, layout: Layout) -> alt.LayerChart:
    """Rows: {repeat (1 is a learner's first claim), share, low, high, n}; shares 0-1."""
    shown = [{**row, "about": _about(row)} for row in rows]
    base = alt.Chart(data(shown)).encode(
        x=alt.X(
            "repeat:O", sort=None, title="A learner's claim number", axis=alt.Axis(labelAngle=0)
        ),
        description="about:N",
    )
    axis = alt.Axis(format=".0%", title="Active again within 7 days")
    scale = alt.Scale(domain=[0, 1])
    value = alt.Y("share:Q", axis=axis, scale=scale)
    spans = base.mark_rule(strokeWidth=2.5, strokeCap="round", color=SERIES[0]).encode(
        y=alt.Y("low:Q", axis=axis, scale=scale), y2="high:Q"
    )
    line = base.mark_line(strokeWidth=1.5, color=SERIES[0], opacity=0.6).encode(y=value)
    dots = base.mark_point(filled=True, size=90, opacity=1, color=SERIES[0]).encode(y=value)
    return finish(alt.layer(line, spans, dots), layout, 190)


def _about(row: Row) -> str:
    return (
        f"Claim number {row['repeat']}: {formats.percent(row['share'])} active again "
        f"({formats.percent(row['low'])} to {formats.percent(row['high'])}), "
        f"{formats.counted(row['n'], 'claim')}"
    )
