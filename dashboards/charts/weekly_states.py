"""Who was active each week: retained, new, resurrected; below the line, who left."""

from typing import Any

import altair as alt

from dashboards import formats
from dashboards.charts.marks import Row, Rows, data, finish, series_colour, zero_line
from dashboards.theme import Layout

STATES = ("retained", "new", "resurrected", "churned")


def weekly_states(rows: Rows, layout: Layout) -> alt.LayerChart:
    """Rows: {week (ISO date), state: new | retained | resurrected | churned, n}."""
    shown = [_described(row) for row in rows]
    bars = (
        alt.Chart(data(shown))
        .mark_bar(cornerRadius=1)
        .encode(
            x=alt.X(
                "monday:O", sort=None, title="Week of", axis=alt.Axis(labelAngle=0, grid=False)
            ),
            y=alt.Y("signed:Q", title="Learners", axis=alt.Axis(format=",d")),
            color=series_colour("state", STATES),
            order=alt.Order("rank:Q"),
            description="about:N",
        )
    )
    return finish(alt.layer(bars, zero_line("y")), layout, 210)


def _described(row: Row) -> dict[str, Any]:
    left = row["state"] == "churned"
    return {
        **row,
        "monday": formats.day_month(row["week"]),
        "signed": -row["n"] if left else row["n"],
        "rank": STATES.index(row["state"]),
        "about": (
            f"Week of {formats.date(row['week'])}: "
            f"{formats.counted(row['n'], 'learner')} {row['state']}"
        ),
    }
