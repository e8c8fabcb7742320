"""Prior engagement: how active a learner was before its first exposure, in four fixed bands.

Everything is counted before the exposure and cut where it was decided beforehand, so no treatment
can move a learner from one band to another.
"""

from typing import Final

import ibis
from ibis.expr import types as ir

from analysis.energize.facts import Window, count_days, day_bits, is_presence, read_bits
from analysis.plan import AnalysisPlan

NONE: Final = "none"
SCORES: Final = (
    (25.0, "low (under 25 points)"),
    (50.0, "middle (25 to 50 points)"),
)
HIGHEST_SCORE: Final = "high (50 points or more)"
"""With calibrated norms a learner who does what is ordinary in every week has about 50 points."""

PACES: Final = (
    (1, "low (less than 1 day a week)"),
    (2, "middle (1 to 2 days a week)"),
)
HIGHEST_PACE: Final = "high (2 days a week or more)"

BANDS: Final = (
    NONE,
    *(label for _, label in SCORES),
    HIGHEST_SCORE,
    *(label for _, label in PACES),
    HIGHEST_PACE,
)
"""All of them, the least engaged first."""

_PREFIX: Final = "prior_"
_ROUNDING: Final = 1e-9  # engines may differ in a score's last digits; no band may hang on them


def scored_metric(plan: AnalysisPlan) -> int | None:
    """The place of the metric whose score before exposure is banded: the first that is a score."""
    places = (place for place, metric in enumerate(plan.metrics) if metric.kind == "score")
    return next(places, None)


def days_before(plan: AnalysisPlan, events: ir.Table, day: ir.IntegerColumn) -> dict[str, ir.Value]:
    """The tally of a plan without a score: active days in the window before exposure, as bits.

    Args:
        plan: its primary's window counts; of a plan without one, the first metric's.
        events: rows with ``kind``.
        day: each event's day from the first exposure on; 0 begins with it.
    """
    days = _window_days(plan)
    return day_bits(Window(days, day + days, _PREFIX), is_presence(events.kind), "present")


def band_of_days(plan: AnalysisPlan, row: ir.Table) -> ir.StringValue:
    """The band of each learner, from the tally that ``days_before`` made."""
    days = _window_days(plan)
    active = count_days(read_bits(row, f"{_PREFIX}present", days))
    paces = [(active * 7 < pace * days, label) for pace, label in PACES]
    return ibis.cases((active == 0, NONE), *paces, else_=HIGHEST_PACE)


def band_of_score(points: ir.FloatingValue) -> ir.StringValue:
    """The band of a score before exposure."""
    limits = [(points < limit - _ROUNDING, label) for limit, label in SCORES]
    return ibis.cases((points < _ROUNDING, NONE), *limits, else_=HIGHEST_SCORE)


def _window_days(plan: AnalysisPlan) -> int:
    """The primary's; plans about the past have none, and then it is the first metric's."""
    primary = (metric for metric in plan.metrics if metric.role == "primary")
    return next(primary, plan.metrics[0]).window_days
