"""Balance: were the variants alike before anyone met them?"""

from analysis.methods import compare
from analysis.results import NotEstimable
from analysis.statistics.clusters import ClusterSums
from analysis.statistics.collected import COVARIATE, Statistic
from analysis.statistics.moments import Moments

from .trust import Finding, Trust

ALARM = 0.001
_BEFORE = "before"


def run(trust: Trust) -> Finding | None:
    """The smallest p value of a difference in the covariate, over the treatments.

    Before exposure nothing can differ but by chance; if it does, assignment or logging is at fault.
    """
    p_values = {}
    control = _covariate_only(trust.primary.get(trust.variants[0]))
    for variant in trust.variants[1:]:
        treatment = _covariate_only(trust.primary.get(variant))
        if control is None or treatment is None:
            return None
        contrast = compare(control, treatment, _BEFORE)
        if not isinstance(contrast, NotEstimable):
            p_values[variant] = contrast.p_value
    if not p_values:
        return None
    worst = min(p_values, key=lambda variant: p_values[variant])
    details: dict[str, object] = {"p_values": p_values}
    if p_values[worst] >= ALARM:
        return Finding(True, "The variants were alike before exposure.", p_values[worst], details)
    return Finding(
        False,
        f"{worst} differed from {trust.variants[0]} before exposure, more than chance explains:"
        " look for units that were exposed before the start, or lost after it.",
        p_values[worst],
        details,
    )


def _covariate_only(statistic: Statistic | None) -> Statistic | None:
    """The covariate as if it were an outcome, so that it is not adjusted by itself."""
    if statistic is None or COVARIATE not in statistic.columns:
        return None
    if not isinstance(statistic, Moments | ClusterSums):
        return None
    at = [statistic.columns.index(COVARIATE)]
    if isinstance(statistic, ClusterSums):
        return ClusterSums((_BEFORE,), statistic.n, statistic.sums[:, at])
    return Moments((_BEFORE,), statistic.n, statistic.mean[at], statistic.m2[at][:, at])
