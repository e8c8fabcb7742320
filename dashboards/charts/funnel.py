"""How many learners reach each step of a course: one small picture a course."""

from typing import Any, Final

import altair as alt

from dashboards import formats
from dashboards.charts.marks import Row, Rows, data, in_order
from dashboards.theme import GRID, SERIES, Layout

FEW: Final = 2  # courses that have the room to name their steps
ROOM_FOR_LABELS: Final = {"wide": 190, "narrow": 128}
IN_A_ROW: Final = {"wide": 3, "narrow": 2}
ROOM_FOR_AXIS: Final = {"wide": 80, "narrow": 75}
HEADER: Final = {"title": None, "labelFontWeight": "bold", "labelAnchor": "start"}


def funnel(rows: Rows, layout: Layout) -> alt.FacetChart:
    """Rows: {course, step, label, n, share}; share of those who began the course."""
    shown = [_described(row) for row in rows]
    courses = in_order(rows, "course")
    if len(courses) <= FEW:
        return _with_names(shown, courses, layout)
    return _small(shown, courses, layout)


def _with_names(shown: list[dict[str, Any]], courses: list[str], layout: Layout) -> alt.FacetChart:
    place = alt.Y("place:O", sort=in_order(shown, "place"), title=None)
    axis = alt.Axis(format=".0%", title="Share of those who began", grid=False)
    steps = _bars(
        alt.Chart().encode(y=place, description="about:N"), alt.X, {"axis": axis}, {"height": 16}
    )
    width = layout.width - ROOM_FOR_LABELS[layout.name]
    header = alt.Header(**HEADER, labelOrient="top", labelAngle=0)
    return (
        alt.layer(*steps, data=data(shown))
        .properties(width=width, height=alt.Step(26))
        .facet(row=alt.Row("course:N", sort=courses, header=header))
        .resolve_scale(y="independent")
    )


def _small(shown: list[dict[str, Any]], courses: list[str], layout: Layout) -> alt.FacetChart:
    axis = alt.Axis(format=".0%", title=None, values=[0, 0.5, 1])
    place = alt.X("step:O", title=None, axis=alt.Axis(labelAngle=0, grid=False))
    steps = _bars(alt.Chart().encode(x=place, description="about:N"), alt.Y, {"axis": axis}, {})
    columns = IN_A_ROW[layout.name]
    width = (layout.width - ROOM_FOR_AXIS[layout.name]) // columns - 12
    facet = alt.Facet("course:N", sort=courses, header=alt.Header(**HEADER, labelLimit=width))
    return (
        alt.layer(*steps, data=data(shown))
        .properties(width=width, height=80)
        .facet(facet=facet, columns=columns, spacing={"row": 16, "column": 12})
        .resolve_scale(x="independent")
    )


def _bars(
    base: alt.Chart, channel: type[alt.X | alt.Y], look: dict[str, Any], size: dict[str, Any]
) -> tuple[alt.Chart, alt.Chart]:
    """The share that came so far, in front of all who began."""
    name = "x" if channel is alt.X else "y"
    scale = alt.Scale(domain=[0, 1])
    whole = channel("whole:Q", scale=scale, **look)
    share = channel("share:Q", scale=scale, **look)
    return (
        base.mark_bar(color=GRID, aria=False, **size).encode(**{name: whole}),
        base.mark_bar(color=SERIES[0], cornerRadius=2, **size).encode(**{name: share}),
    )


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
