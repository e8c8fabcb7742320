"""The experiment's effect as few teams tell it, and how alike a team's learners are."""

from dataclasses import replace

from analysis.bayes import teams
from analysis.bayes.teams import TeamBelief
from analysis.collect import collect
from analysis.energize.norms import Norms
from analysis.estimate import compare_all
from analysis.lake.reader import Lake
from analysis.metrics import metric_kind
from analysis.plan import AnalysisPlan
from analysis.results import NotEstimable
from analysis.statistics.clusters import ClusterSums

from .asked import refuse_misfit


def team_beliefs(
    plan: AnalysisPlan, lake: Lake, norms: Norms | None
) -> dict[str, TeamBelief | NotEstimable]:
    """The primary's effect by treatment, from team means, with a belief about the ICC.

    Raises:
        ValueError: learners were randomised, or the primary is not one number a learner.
    """
    refuse_misfit(plan)
    if plan.unit_kind != "team":
        raise ValueError(
            f"{plan.experiment}: found learners, expected teams as units; its readout has the "
            "posterior"
        )
    kind = metric_kind(plan.primary.kind)
    if not kind.is_one_number:
        raise ValueError(
            f"metric {plan.primary.key}: found kind {kind.name}, expected one number a "
            "learner, such as the score, a sum or a count"
        )
    alone = replace(plan, metrics=(plan.primary,))
    statistics = collect(alone, lake, norms).metrics[plan.primary.key]
    compared = compare_all(plan.primary, plan.variants, statistics)
    control = statistics[plan.control]
    found: dict[str, TeamBelief | NotEstimable] = {}
    for variant, contrast in compared.contrasts.items():
        treatment = statistics[variant]
        if isinstance(contrast, NotEstimable):
            found[variant] = contrast
        elif isinstance(control, ClusterSums) and isinstance(treatment, ClusterSums):
            found[variant] = teams.estimate(control, treatment, compared.prior)
    return found
