"""Each look's result against the boundary that it had to pass."""

import altair as alt

from dashboards import formats
from dashboards.charts.marks import Row, Rows, data, finish, zero_line
from dashboards.theme import MUTED, SERIES, Layout


def look_history(rows: Rows, layout: Layout) -> alt.LayerChart:
    """Rows: {look, z, boundary, crossed}; z above zero is the good direction."""
    shown = [{**row, "below": -row["boundary"], "about": _about(row)} for row in rows]
    base = alt.Chart(data(shown)).encode(
        x=alt.X("look:O", title="Look", axis=alt.Axis(labelAngle=0)), description="about:N"
    )
    title = "Standard errors from zero"
    line = {"color": MUTED, "strokeDash": [4, 3], "point": {"color": MUTED, "shape": "stroke"}}
    result = base.mark_point(filled=True, size=120, opacity=1, color=SERIES[0]).encode(
        y=alt.Y("z:Q", title=title),
        shape=alt.Shape(
            "crossed:N",
            scale=alt.Scale(domain=[False, True], range=["circle", "diamond"]),
            legend=None,
        ),
    )
    return finish(
        alt.layer(
            zero_line("y"),
            base.mark_line(**line).encode(y=alt.Y("boundary:Q", title=title)),
            base.mark_line(**line).encode(y=alt.Y("below:Q", title=title)),
            base.mark_line(color=SERIES[0], strokeWidth=2).encode(y=alt.Y("z:Q", title=title)),
            result,
        ),
        layout,
        190,
    )


def _about(row: Row) -> str:
    verb = "passed" if row["crossed"] else "did not pass"
    return (
        f"Look {row['look']}: {formats.signed(row['z'], 2)}, "
        f"{verb} the boundary of {formats.measure(row['boundary'], 2)}"
    )
