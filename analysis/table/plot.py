"""Plot: a forest plot of a table's effects, for notebooks."""

from typing import Any

import altair as alt

from analysis.results import Estimate

from .answer import TableAnswer

_WIDTH = 420


def forest(analysis: TableAnswer) -> alt.LayerChart | alt.VConcatChart:
    """Every effect with its interval, one panel an outcome, because outcomes differ in unit."""
    panels = []
    for metric in analysis.metrics:
        rows = [
            {
                "label": analysis.name(each.variant),
                "effect": each.effect,
                "low": each.low,
                "high": each.high,
                "side": _side(each.low, each.high, metric.direction),
            }
            for each in metric.estimates
            if isinstance(each, Estimate)
        ]
        if rows:
            panels.append(_panel(rows, f"{metric.title}: difference from control"))
    for found in analysis.segments:
        rows = [
            {
                "label": each.level,
                "effect": each.pooled.mean,
                "low": each.pooled.low,
                "high": each.pooled.high,
                "side": _side(each.pooled.low, each.pooled.high, analysis.metrics[0].direction),
            }
            for each in found.effects
        ]
        if rows:
            title = f"{analysis.metrics[0].title} by {found.column}, pooled: {found.variant}"
            panels.append(_panel(rows, title))
    chart: alt.LayerChart | alt.VConcatChart
    chart = panels[0] if len(panels) == 1 else alt.vconcat(*panels)
    return chart


def _side(low: float, high: float, direction: str) -> str:
    sign = 1 if direction == "increase" else -1
    worst, best = sorted((sign * low, sign * high))
    return "better" if worst > 0 else "worse" if best < 0 else "unclear"


def _panel(rows: list[dict[str, Any]], title: str) -> Any:
    base = alt.Chart(alt.Data(values=rows)).encode(
        y=alt.Y("label:N", title=None, sort=None),
        # Shape says it as well: colour alone is lost on some readers and on paper.
        color=alt.Color(
            "side:N",
            title=None,
            scale=alt.Scale(
                domain=["better", "unclear", "worse"], range=["#0072b2", "#6b6b6b", "#d55e00"]
            ),
        ),
        tooltip=["label:N", "effect:Q", "low:Q", "high:Q"],
    )
    shape = alt.Shape(
        "side:N",
        title=None,
        scale=alt.Scale(
            domain=["better", "unclear", "worse"],
            range=["triangle-right", "circle", "triangle-left"],
        ),
    )
    interval = base.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q", title=title), x2="high:Q")
    points = base.mark_point(filled=True, size=90).encode(x="effect:Q", shape=shape)
    zero = (
        alt.Chart(alt.Data(values=[{"zero": 0}]))
        .mark_rule(strokeDash=[4, 3], color="#555")
        .encode(x="zero:Q")
    )
    return alt.layer(zero, interval, points).properties(width=_WIDTH)
