"""Statistical methods: sufficient statistics in, a contrast out. One row each in ``METHODS``."""

from typing import Final

from analysis.results import NotEstimable
from analysis.statistics.clusters import ClusterSums
from analysis.statistics.collected import COVARIATE, OUTCOME, Statistic
from analysis.statistics.moments import Moments

from . import cluster_robust, cuped, welch
from .contrast import Contrast, Method

METHODS: Final = (
    Method("welch", "Welch's t", welch.estimate, Moments, uses_covariate=False),
    Method("cuped", "CUPED", cuped.estimate, Moments, uses_covariate=True),
    Method(
        "cluster_robust",
        "Cluster-robust (CR2)",
        cluster_robust.estimate,
        ClusterSums,
        uses_covariate=True,
    ),
)


def compare(
    control: Statistic, treatment: Statistic, outcome: str = OUTCOME
) -> Contrast | NotEstimable:
    """The contrast by the method that fits what was collected.

    Teams make it cluster-robust, a covariate makes it CUPED, neither leaves Welch's t.
    """
    covariate = COVARIATE if COVARIATE in control.columns else None
    if isinstance(control, ClusterSums) and isinstance(treatment, ClusterSums):
        return cluster_robust.estimate(control, treatment, outcome, covariate)
    if not isinstance(control, Moments) or not isinstance(treatment, Moments):
        raise TypeError("control and treatment: one was collected by team and one by learner")
    if covariate is not None:
        return cuped.estimate(control, treatment, outcome, covariate)
    return welch.estimate(control, treatment, outcome)
