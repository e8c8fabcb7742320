"""CHARTS: one function a file, from rows to a Vega-Lite chart at a given width.

Importing this package imports Altair, which takes a second: ``dashboards.drawing`` does so when it
draws the first chart.
"""

from collections.abc import Callable
from typing import Any, Final

from dashboards.charts.activity_return import activity_return
from dashboards.charts.calibration import calibration
from dashboards.charts.claim_decay import claim_decay
from dashboards.charts.component_split import component_split
from dashboards.charts.distribution import distribution
from dashboards.charts.forest import forest
from dashboards.charts.funnel import funnel
from dashboards.charts.incentive_returns import incentive_returns
from dashboards.charts.look_history import look_history
from dashboards.charts.marks import Rows
from dashboards.charts.posterior import posterior
from dashboards.charts.quintile_outcomes import quintile_outcomes
from dashboards.charts.retention_heatmap import retention_heatmap
from dashboards.charts.segments import segments
from dashboards.charts.stickiness import stickiness
from dashboards.charts.survival import survival
from dashboards.charts.trend import trend
from dashboards.charts.weekly_states import weekly_states
from dashboards.theme import Layout, config

CHARTS: Final[dict[str, Callable[[Rows, Layout], Any]]] = {
    "activity_return": activity_return,
    "calibration": calibration,
    "claim_decay": claim_decay,
    "component_split": component_split,
    "distribution": distribution,
    "forest": forest,
    "funnel": funnel,
    "incentive_returns": incentive_returns,
    "look_history": look_history,
    "posterior": posterior,
    "quintile_outcomes": quintile_outcomes,
    "retention_heatmap": retention_heatmap,
    "segments": segments,
    "stickiness": stickiness,
    "survival": survival,
    "trend": trend,
    "weekly_states": weekly_states,
}


def specification(chart: str, rows: Rows, layout: Layout, *, check: bool = False) -> dict[str, Any]:
    """The chart as a Vega-Lite specification; ``check`` holds it against the schema (slow)."""
    drawn = CHARTS[chart](rows, layout)
    return {**drawn.to_dict(validate=check), "config": config(layout)}
