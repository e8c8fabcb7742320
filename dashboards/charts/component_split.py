"""The score's effect, split by component: bars that add up to the whole."""

from typing import Any

import altair as alt

from dashboards import formats
from dashboards.charts.marks import Row, Rows, data, finish, tone, tone_colour, zero_line
from dashboards.theme import INK, Layout


def component_split(rows: Rows, layout: Layout) -> alt.LayerChart:
    """Rows: {component, effect, low, high}, in score points."""
    shown = [_described(row) for row in rows]
    base = alt.Chart(data(shown)).encode(
        y=alt.Y("component:N", sort=None, title=None), description="about:N"
    )
    bars = base.mark_bar(cornerRadius=2, height=16).encode(
        x=alt.X("effect:Q", title="Effect, score points"), color=tone_colour()
    )
    spans = base.mark_rule(color=INK, strokeWidth=1.5).encode(x="low:Q", x2="high:Q")
    return finish(alt.layer(bars, spans, zero_line("x")), layout, 30 + 30 * len(shown))


def _described(row: Row) -> dict[str, Any]:
    decimals = formats.decimals_for(row["low"], row["high"])
    about = (
        f"{row['component']}: {formats.signed(row['effect'], decimals)} points "
        f"({formats.interval(row['low'], row['high'], decimals)})"
    )
    return {**row, "about": about, "tone": tone(row["low"], row["high"])}
