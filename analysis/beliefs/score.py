"""The experiment's score in two questions: who engaged at all, and how far those got who did."""

from dataclasses import replace

import ibis

from analysis.bayes.scores import (
    FULL,
    ScoreEffects,
    ScoreSums,
    compare_scores,
    compare_scores_by_sampling,
)
from analysis.collect import learner_outcomes
from analysis.energize.norms import Norms
from analysis.exposed import exposed_of, exposures_of
from analysis.lake.reader import Lake
from analysis.metrics.kind import OUTCOME
from analysis.plan import AnalysisPlan, MetricPlan

from .asked import refuse_misfit, seed_of


def score_effects(
    plan: AnalysisPlan, lake: Lake, norms: Norms | None, sampling: bool = False
) -> ScoreEffects:
    """Did more learners engage at all, or did those who engaged get further.

    Args:
        plan: its first score is read, of learners whose window is complete.
        lake: the events, pinned at a version.
        norms: the score's frozen scale.
        sampling: by PyMC's NUTS instead of the grid. It compiles for some seconds.

    Raises:
        ValueError: the plan has no score, teams were randomised, or a variant has too few scores.
    """
    refuse_misfit(plan)
    metric = next((each for each in plan.metrics if each.kind == "score"), None)
    if metric is None:
        kinds = ", ".join(each.kind for each in plan.metrics)
        raise ValueError(f"metrics: found {kinds}, expected a score among them")
    if plan.unit_kind == "team":
        raise ValueError(
            f"{plan.experiment}: found teams, expected learners as units, because a team's "
            f"learners are alike; ask `momentum bayes teams {plan.experiment}`"
        )
    sums = _score_sums(plan, metric, lake, norms)
    compared = compare_scores_by_sampling if sampling else compare_scores
    return compared(sums, seed_of(plan), 1 if metric.direction == "increase" else -1)


def _score_sums(
    plan: AnalysisPlan, metric: MetricPlan, lake: Lake, norms: Norms | None
) -> dict[str, ScoreSums]:
    alone = replace(plan, metrics=(replace(metric, role="primary"),), strata=())
    people = exposed_of(plan, exposures_of(plan, lake)).people
    learners = learner_outcomes(alone, lake, norms, people)
    share = learners[f"m0_{OUTCOME}"] / FULL
    inside = (share > 0) & (share < 1)
    # Of what is not inside no logarithm is taken, not even one that would be left out.
    safe = ibis.ifelse(inside, share, 0.5)
    grouped = learners.group_by("variant").aggregate(
        n=learners.count(),
        n_zero=(share <= 0).sum(),
        n_full=(share >= 1).sum(),
        log_score=safe.ln().sum(where=inside),
        log_rest=(1 - safe).ln().sum(where=inside),
    )
    found = {row["variant"]: row for row in grouped.to_pyarrow().to_pylist()}
    nobody = {"n": 0, "n_zero": 0, "n_full": 0, "log_score": 0.0, "log_rest": 0.0}
    return {
        variant: ScoreSums(**{name: found.get(variant, nobody)[name] or 0 for name in nobody})
        for variant in plan.variants
    }
