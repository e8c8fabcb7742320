"""Teams: what whole teams, rather than learners, mean for one estimate."""

from dataclasses import replace
from typing import Final

from scipy.special import ndtr

from .methods import icc, randomisation
from .methods.ratio import is_ratio
from .results import NotEstimable, Teams
from .statistics.clusters import ClusterSums
from .statistics.collected import OUTCOME, Statistic
from .statistics.quantiles import Quantile

FEW_TEAMS: Final = 6
"""Teams a variant below which nobody is named a winner: too few to see how teams differ."""


def teams_of(control: Statistic | None, treatment: Statistic | None, z: float) -> Teams | None:
    """How alike learners of a team are, and what the draw alone says where teams are few.

    Args:
        control: the control's statistic.
        treatment: the treatment's.
        z: how far the estimate's interval reaches, as a normal score: the draw's has its level.
    """
    if isinstance(control, Quantile) and isinstance(treatment, Quantile):
        came_in_teams = control.n < control.n_learners or treatment.n < treatment.n_learners
        return Teams(n_fewest=min(control.n, treatment.n)) if came_in_teams else None
    if not isinstance(control, ClusterSums) or not isinstance(treatment, ClusterSums):
        return None
    found = Teams(n_fewest=min(control.n_clusters, treatment.n_clusters))
    if is_ratio(control):
        return found
    found = _with_likeness(found, control, treatment)
    return found if found.n_fewest >= FEW_TEAMS else _with_draw(found, control, treatment, z)


def _with_likeness(found: Teams, control: ClusterSums, treatment: ClusterSums) -> Teams:
    alike = icc.estimate(control, treatment, outcome=OUTCOME)
    if isinstance(alike, NotEstimable):
        return found
    return replace(
        found,
        icc=alike.icc,
        icc_low=alike.low,
        icc_high=alike.high,
        design_effect=alike.design_effect,
        n_effective=alike.n_effective,
    )


def _with_draw(found: Teams, control: ClusterSums, treatment: ClusterSums, z: float) -> Teams:
    draw = randomisation.estimate(control, treatment, OUTCOME, alpha=float(2 * ndtr(-z)))
    if isinstance(draw, NotEstimable):
        return found
    return replace(
        found,
        draw_p_value=draw.p_value,
        draw_low=draw.low,
        draw_high=draw.high,
        n_draws=draw.n_draws,
    )
