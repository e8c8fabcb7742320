"""Statistical methods: one file, one page and one row in ``METHODS`` each. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from analysis.bandit import batched
from analysis.contrast import Contrast
from analysis.results import NotEstimable
from analysis.statistics.batches import Batches
from analysis.statistics.clusters import ClusterSums
from analysis.statistics.collected import COVARIATE, OUTCOME, Statistic
from analysis.statistics.life import LifeTable
from analysis.statistics.moments import Moments
from analysis.statistics.quantiles import Quantile
from analysis.statistics.strata import Strata

from . import (
    always_valid,
    bayes_normal,
    beta_binomial,
    cluster_robust,
    complier,
    crossover,
    cupac,
    cuped,
    dunnett,
    factorial,
    fieller,
    futility,
    group_sequential,
    icc,
    proportion,
    quantile,
    randomisation,
    ratio,
    stagewise,
    stratified,
    survival,
    welch,
)


@dataclass(frozen=True)
class Method:
    """One method: its name is its file, and its page docs/statistics/<name>.md."""

    name: str
    title: str
    answers: str
    function: Callable[..., Any]


METHODS: Final = (
    Method("welch", "Welch's t", "how two means differ", welch.estimate),
    Method("cuped", "CUPED", "how they differ at equal covariates", cuped.estimate),
    Method("cupac", "CUPAC", "how they differ given all that was known before", cupac.estimate),
    Method(
        "cluster_robust",
        "Cluster-robust (CR2)",
        "how they differ when teams were randomised",
        cluster_robust.estimate,
    ),
    Method(
        "proportion",
        "Score test (Miettinen-Nurminen)",
        "how two proportions differ when counts are small",
        proportion.estimate,
    ),
    Method(
        "stratified",
        "Stratified difference",
        "how two means differ within strata",
        stratified.estimate,
    ),
    Method("survival", "Time to event", "how much sooner something happens", survival.estimate),
    Method("quantile", "Quantile", "how a quantile of many values differs", quantile.estimate),
    Method("ratio", "Ratio (delta method)", "how two ratios of sums differ", ratio.estimate),
    Method("icc", "Intraclass correlation", "how alike learners of a team are", icc.estimate),
    Method(
        "randomisation",
        "Randomisation inference",
        "how rare the difference is among all draws of the teams",
        randomisation.estimate,
    ),
    Method("factorial", "Factorial effects", "what each factor does", factorial.main_effect),
    Method(
        "crossover",
        "Crossover",
        "how treatments differ within learners",
        crossover.estimate,
    ),
    Method("complier", "Complier effect", "what it did for those who took it", complier.estimate),
    Method(
        "dunnett",
        "Dunnett's comparison",
        "how far from 0 one of several treatments must be",
        dunnett.critical,
    ),
    Method("fieller", "Fieller's interval", "the effect as a share", fieller.relative),
    Method("bayes_normal", "Normal posterior", "what to believe now", bayes_normal.posterior),
    Method(
        "beta_binomial",
        "Beta-binomial",
        "what to believe of two shares, exactly",
        beta_binomial.estimate,
    ),
    Method(
        "group_sequential",
        "Lan-DeMets",
        "how far from 0 a planned look asks for",
        group_sequential.boundaries,
    ),
    Method(
        "stagewise",
        "Stage-wise ordering",
        "what a stopped experiment found",
        stagewise.adjusted,
    ),
    Method(
        "futility",
        "Predictive power",
        "whether it is worth waiting for the last look",
        futility.predictive_power,
    ),
    Method(
        "always_valid",
        "Always-valid bound",
        "how far from 0 any look asks for",
        always_valid.two_sided_z,
    ),
)


def compare(
    control: Statistic, treatment: Statistic, outcome: str = OUTCOME
) -> Contrast | NotEstimable:
    """The contrast by the method that fits what was collected.

    Life tables and quantiles have their own, a denominator makes it a ratio, teams make it
    cluster-robust, strata stratified, few zeros or ones a score test, a covariate CUPED; nothing of
    these leaves Welch's t.
    """
    if isinstance(control, Batches) and isinstance(treatment, Batches):
        return batched.estimate(list(zip(control.parts, treatment.parts, strict=True)), outcome)
    if isinstance(control, LifeTable) and isinstance(treatment, LifeTable):
        return survival.estimate(control, treatment)
    if isinstance(control, Quantile) and isinstance(treatment, Quantile):
        return quantile.estimate(control, treatment)
    if outcome == OUTCOME and ratio.is_ratio(control):
        return ratio.estimate(control, treatment)
    covariate = COVARIATE if COVARIATE in control.columns else None
    if isinstance(control, ClusterSums) and isinstance(treatment, ClusterSums):
        return cluster_robust.estimate(control, treatment, outcome, covariate)
    if not isinstance(control, Moments) or not isinstance(treatment, Moments):
        raise TypeError("control and treatment: one was collected by team and one by learner")
    return _compare_learners(control, treatment, outcome, covariate)


def _compare_learners(
    control: Moments, treatment: Moments, outcome: str, covariate: str | None
) -> Contrast | NotEstimable:
    if isinstance(control, Strata) and isinstance(treatment, Strata):
        return stratified.estimate(control.parts, treatment.parts, outcome, covariate)
    if proportion.fits(control, treatment, outcome):
        return proportion.estimate(control, treatment, outcome)
    if covariate is not None:
        return cuped.estimate(control, treatment, outcome, covariate)
    return welch.estimate(control, treatment, outcome)
