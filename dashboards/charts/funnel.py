"""How many learners reach each step of a course."""

from typing import Any

import altair as alt

from dashboards import formats
from dashboards.charts.marks import Row, Rows, data, in_order
from dashboards.theme import GRID, SERIES, Layout

ROOM_FOR_LABELS = {"wide": 190, "narrow": 128}


def funnel(rows: Rows, layout: Layout) -> alt.FacetChart:
    """Rows: {course, step, label, n, share}; share of those who began the course."""
    shown = [_described(row) for row in rows]
    base = alt.Chart().encode(
        y=alt.Y("place:O", sort=in_order(shown, "place"), title=None), description="about:N"
    )
    axis = alt.Axis(format=".0%", title="Share of those who began", grid=False)
    scale = alt.Scale(domain=[0, 1])
    whole = base.mark_bar(height=16, color=GRID, aria=False).encode(
        x=alt.X("whole:Q", scale=scale, axis=axis)
    )
    reached = base.mark_bar(height=16, color=SERIES[0], cornerRadius=2).encode(
        x=alt.X("share:Q", scale=scale, axis=axis)
    )
    width = layout.width - ROOM_FOR_LABELS[layout.name]
    steps = alt.layer(whole, reached, data=data(shown)).properties(width=width, height=alt.Step(26))
    header = alt.Header(labelAlign="left", labelAnchor="start", title=None, labelFontWeight="bold")
    return steps.facet(row=alt.Row("course:N", sort=in_order(rows, "course"), header=header))


def _described(row: Row) -> dict[str, Any]:
    return {
        **row,
        "whole": 1,
        "place": f"{row['step']}. {row['label']}",
        "about": (
            f"{row['course']}, {row['label']}: {formats.counted(row['n'], 'learner')}, "
            f"{formats.percent(row['share'])} of those who began"
        ),
    }
