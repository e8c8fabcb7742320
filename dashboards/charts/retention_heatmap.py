"""Which share of each cohort comes back, week by week."""

from typing import Any

import altair as alt

from dashboards import formats
from dashboards.charts.marks import Row, Rows, data, finish, in_order
from dashboards.theme import INK, STEPS, SURFACE, Layout

CLASSES = ("0–20 %", "20–40 %", "40–60 %", "60–80 %", "80–100 %")
DARK_FROM = 3  # from this class on a cell's words take the surface's colour
MOST_CELLS_WITH_WORDS = {"wide": 13, "narrow": 6}


def retention_heatmap(rows: Rows, layout: Layout) -> alt.LayerChart:
    """Rows: {cohort (ISO date of its Monday), week, share, n}."""
    shown = [_described(row) for row in rows]
    n_cohorts, n_weeks = len(in_order(rows, "cohort")), len(in_order(rows, "week"))
    base = alt.Chart(data(shown)).encode(
        x=alt.X("week:O", title="Weeks since joining", axis=alt.Axis(labelAngle=0, grid=False)),
        y=alt.Y("joined:O", sort=in_order(shown, "joined"), title=None),
        description="about:N",
    )
    scale = alt.Scale(domain=list(CLASSES), range=list(STEPS))
    legend = alt.Legend(title=None, columns=3 if layout.narrow else 5, symbolType="square")
    cells = base.mark_rect(stroke=SURFACE, strokeWidth=2, cornerRadius=3).encode(
        color=alt.Color("class:O", scale=scale, legend=legend)
    )
    layers = [cells]
    if n_weeks <= MOST_CELLS_WITH_WORDS[layout.name]:
        layers.append(
            base.mark_text(fontSize=11, aria=False).encode(
                text="label:N",
                color=alt.condition("datum.on_dark", alt.value(SURFACE), alt.value(INK)),
            )
        )
    return finish(alt.layer(*layers), layout, max(60, 26 * n_cohorts))


def _described(row: Row) -> dict[str, Any]:
    step = min(4, int(row["share"] * 5))
    share = formats.percent(row["share"])
    return {
        **row,
        "joined": formats.date(row["cohort"]),
        "class": CLASSES[step],
        "on_dark": step >= DARK_FROM,
        "label": f"{row['share'] * 100:.0f}",
        "about": (
            f"Joined {formats.date(row['cohort'])}, week {row['week']}: {share} active "
            f"of {formats.counted(row['n'], 'learner')}"
        ),
    }
