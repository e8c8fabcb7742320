"""Planning: what to count on once an experiment is over."""

from dataclasses import replace

from .results import Decision, Estimate, MetricResult, Planning, Verdict

_OPEN = frozenset({Verdict.KEEP_RUNNING, Verdict.DO_NOT_USE})


def is_over(decision: Decision, final: bool) -> bool:
    """Whether a verdict ends the experiment, so that people start to plan with its number."""
    if decision.verdict is Verdict.REVIEW:
        return final
    return decision.verdict not in _OPEN


def with_planning(metric: MetricResult) -> MetricResult:
    """The metric with each treatment's planning estimate beside the raw one.

    An experiment that stops because its result is large has, on average, been lucky. The posterior
    takes that luck back as far as earlier effects say: a noisy result moves far, a precise one
    hardly.
    """
    estimates = tuple(
        replace(
            estimate,
            planning=Planning(
                estimate.posterior.mean, estimate.posterior.low, estimate.posterior.high
            ),
        )
        if isinstance(estimate, Estimate)
        else estimate
        for estimate in metric.estimates
    )
    return replace(metric, estimates=estimates)
