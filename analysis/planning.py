"""Planning: what to count on once an experiment is over."""

from collections.abc import Mapping
from dataclasses import replace

from .estimate import with_estimates
from .methods.stagewise import StageWise
from .results import Decision, Estimate, MetricResult, Planning, Verdict

_OPEN = frozenset({Verdict.KEEP_RUNNING, Verdict.DO_NOT_USE})


def is_over(decision: Decision, final: bool) -> bool:
    """Whether a verdict ends the experiment, so that people start to plan with its number."""
    if decision.verdict is Verdict.REVIEW:
        return final
    return decision.verdict not in _OPEN


def with_planning(metric: MetricResult, stopped: Mapping[str, StageWise | None]) -> MetricResult:
    """The metric with each treatment's planning estimate beside the raw one.

    An experiment that stops because its result is large has, on average, been lucky. The posterior
    takes that luck back as far as earlier effects say: a noisy result moves far, a precise one
    hardly. With several looks, the stage-wise estimate stands beside it, which needs no prior.

    Args:
        metric: the primary's results.
        stopped: treatment -> what the looks make of it; empty with one look.
    """
    return with_estimates(
        metric, lambda each: replace(each, planning=_planning(each, stopped.get(each.variant)))
    )


def _planning(estimate: Estimate, stopped: StageWise | None) -> Planning:
    belief = estimate.posterior
    found = Planning(belief.mean, belief.low, belief.high)
    if stopped is None:
        return found
    return replace(
        found,
        adjusted=stopped.estimate,
        adjusted_low=stopped.low,
        adjusted_high=stopped.high,
    )
