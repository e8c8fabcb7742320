"""Evidence: what the estimates say of each treatment, in the decision's words."""

from .contrast import NO_VARIANCE, Contrast, critical_t
from .correct import holm
from .decide import Treatment
from .estimate import Compared
from .methods.bayes_normal import Z95
from .results import Estimate, MetricResult, NotEstimable
from .sequential import Level

Z_ONE_SIDED = 1.6448536269514722
"""Two one-sided tests at 5 % each, at the last look. Earlier looks use their own boundary."""


def treatments_of(
    compared: list[Compared], metrics: tuple[MetricResult, ...], level: Level, alpha: float
) -> tuple[Treatment, ...]:
    """The evidence on each treatment whose primary could be estimated.

    Args:
        compared: the plan's metrics, exactly one of them primary.
        metrics: their results, in the same order.
        level: of this look.
        alpha: for secondaries, after Holm over metrics and treatments.
    """
    at = next(i for i, each in enumerate(compared) if each.metric.role == "primary")
    primary, result = compared[at], metrics[at]
    guardrails = [each for each in compared if each.metric.role == "guardrail"]
    fell_behind = _secondaries_worse(compared, alpha)
    return tuple(
        _treatment(primary, result, estimate, level, guardrails, fell_behind)
        for estimate in result.estimates
        if isinstance(estimate, Estimate)
    )


def _treatment(
    primary: Compared,
    result: MetricResult,
    estimate: Estimate,
    level: Level,
    guardrails: list[Compared],
    fell_behind: dict[str, tuple[str, ...]],
) -> Treatment:
    variant, sign = estimate.variant, primary.sign
    contrast = primary.estimable[variant]
    worst, best = sorted((sign * estimate.low, sign * estimate.high))
    smallest_z = Z_ONE_SIDED if level.final else level.boundary_z
    farthest = abs(contrast.effect) + critical_t(smallest_z, contrast.df) * contrast.se
    bound = harm_bound(primary, contrast, level)
    return Treatment(
        variant=variant,
        effect=estimate.effect,
        low=estimate.low,
        high=estimate.high,
        wins=worst > 0,
        loses=best < 0,
        harmed=bound < 0,
        negligible=farthest < primary.minimum_effect,
        p_better=estimate.posterior.p_better,
        p_best=result.p_best[variant],
        surely=max(0.0, -bound),
        farthest=farthest,
        guardrails_harmed=_below_margin(guardrails, variant, level.harm_z),
        guardrails_worse=_below_margin(guardrails, variant, Z95),
        guardrails_unknown=tuple(
            each.metric.title for each in guardrails if _is_unknown(each.contrasts[variant])
        ),
        secondaries_worse=fell_behind.get(variant, ()),
    )


def _is_unknown(contrast: Contrast | NotEstimable) -> bool:
    """Whether nothing can be said of a guardrail; the same value for everybody is good news."""
    return isinstance(contrast, NotEstimable) and contrast != NO_VARIANCE


def _below_margin(guardrails: list[Compared], variant: str, z: float) -> tuple[str, ...]:
    """Guardrails that this treatment has made worse by more than their margin."""
    found = []
    for guardrail in guardrails:
        contrast = guardrail.estimable.get(variant)
        if contrast is None:
            continue
        margin = guardrail.metric.minimum_effect or 0.0
        most = guardrail.sign * contrast.effect + critical_t(z, contrast.df) * contrast.se
        if most < -margin:
            found.append(guardrail.metric.title)
    return tuple(found)


def _secondaries_worse(compared: list[Compared], alpha: float) -> dict[str, tuple[str, ...]]:
    cells = [
        (variant, each, contrast)
        for each in compared
        if each.metric.role == "secondary"
        for variant, contrast in each.estimable.items()
    ]
    adjusted = holm([contrast.p_value for _, _, contrast in cells])
    worse: dict[str, tuple[str, ...]] = {}
    for (variant, each, contrast), p_value in zip(cells, adjusted, strict=True):
        if p_value < alpha and each.sign * contrast.effect < 0:
            worse[variant] = (*worse.get(variant, ()), each.metric.title)
    return worse


def harm_bound(compared: Compared, contrast: Contrast, level: Level) -> float:
    """The most that the effect may be, good direction positive; true at every look at once."""
    return compared.sign * contrast.effect + critical_t(level.harm_z, contrast.df) * contrast.se
