"""Designs: what a table says of factors, of those who took a variant up, and of shares exactly."""

from collections.abc import Mapping

from analysis.designed import FactorEffect, OnCompliers
from analysis.designs.compliers import on_compliers
from analysis.designs.factors import factor_effects
from analysis.estimate import Compared
from analysis.methods import beta_binomial
from analysis.methods.beta_binomial import ShareBelief
from analysis.plan import AnalysisPlan
from analysis.sequential import Level, level_of_look
from analysis.statistics.collected import Collected
from analysis.statistics.moments import Moments

from .load import Loaded
from .request import TableRequest


def designed(
    plan: AnalysisPlan, level: Level, loaded: Loaded
) -> tuple[tuple[FactorEffect, ...], tuple[OnCompliers, ...]]:
    """Factors' effects and the effect on compliers, each interval by itself at this look."""
    nobody = dict.fromkeys(loaded.variants, 0)
    collected = Collected(
        nobody, nobody, nobody, 0, metrics=loaded.statistics, take_up=loaded.take_up
    )
    alone = level_of_look(plan, level.information, 1).boundary_z
    return factor_effects(plan, collected, alone), on_compliers(plan, collected, alone)


def share_beliefs(
    compared: Mapping[str, Compared], request: TableRequest
) -> dict[tuple[str, str], ShareBelief]:
    """(outcome, variant) -> what to believe of a 0/1 outcome, exactly, under flat priors.

    It knows neither covariates nor strata nor clusters, and gives way to a prior that was stated.
    """
    if request.covariates or request.prior is not None:
        return {}
    found = {}
    for outcome in request.compared:
        each = compared[outcome.key]
        for variant in each.estimable:
            control, treatment = each.statistics[each.control], each.statistics[variant]
            if outcome.kind != "mean" or type(control) is not Moments:
                continue
            if isinstance(treatment, Moments):
                belief = beta_binomial.estimate(control, treatment, sign=each.sign)
                if isinstance(belief, ShareBelief):
                    found[outcome.key, variant] = belief
    return found
