"""Evidence: what the estimates say of each treatment, in the decision's words."""

from collections.abc import Mapping
from dataclasses import replace
from math import inf
from typing import Literal

from .case import Guardrail, OnCoPrimary, Treatment
from .contrast import NO_VARIANCE, Contrast
from .correct import benjamini_hochberg
from .estimate import Compared, with_estimates
from .guardrails import guardrail_power, standing
from .levels import MetricLevel
from .plan import AnalysisPlan
from .regret import regrets
from .results import Estimate, MetricResult, NotEstimable
from .sequential import Level, level_of_look

Z_ONE_SIDED = 1.6448536269514722
"""Two one-sided tests at 5 % each, at the last look. Earlier looks use their own boundary."""

Guardrails = Mapping[str, Mapping[str, Guardrail]]
"""treatment -> guardrail's key -> how it stands"""


def guardrails_of(
    plan: AnalysisPlan,
    compared: Mapping[str, Compared],
    level: Level,
    levels: Mapping[str, MetricLevel],
) -> dict[str, dict[str, Guardrail]]:
    """How every treatment stands with every guardrail."""
    guardrails = [metric for metric in plan.metrics if metric.role == "guardrail"]
    power = guardrail_power(plan.power, len(guardrails))
    harm_z = level.harm_z
    if plan.co_primaries:  # guardrails share their alpha with treatments, not with primaries
        harm_z = level_of_look(plan, level.information, len(plan.variants) - 1).harm_z
    return {
        variant: {
            metric.key: standing(compared[metric.key], variant, levels[metric.key], harm_z, power)
            for metric in guardrails
        }
        for variant in plan.variants[1:]
    }


def with_standing(result: MetricResult, guardrails: Guardrails) -> MetricResult:
    """A guardrail's result with the word for how each treatment stands; others as they are."""
    if result.role != "guardrail":
        return result
    return with_estimates(
        result,
        lambda each: replace(each, guardrail=guardrails[each.variant][result.key].state),
    )


def treatments_of(
    compared: list[Compared],
    metrics: tuple[MetricResult, ...],
    level: Level,
    alpha: float,
    guardrails: Guardrails | None = None,
    sides: Literal["two", "one"] = "two",
) -> tuple[Treatment, ...]:
    """The evidence on each treatment, also where only guardrails or co-primaries tell of it.

    Args:
        compared: the plan's metrics, exactly one of them primary; co-primaries join in.
        metrics: their results, in the same order.
        level: of this look.
        alpha: for secondaries that no correction was chosen for.
        guardrails: how each treatment stands with them.
        sides: "one": only the always-valid bound calls a treatment worse.
    """
    at = next(i for i, each in enumerate(compared) if each.metric.role == "primary")
    fell_behind = _secondaries_worse(compared, metrics, alpha)
    may_lose = sides == "two"
    co_primaries = [
        (each, _on_metric(each, result, level, may_lose))
        for each, result in zip(compared, metrics, strict=True)
        if each.metric.role == "co_primary"
    ]
    seen = _on_metric(compared[at], metrics[at], level, may_lose)
    return tuple(
        replace(
            _unseen(variant, contrast) if isinstance(contrast, NotEstimable) else seen[variant],
            guardrails=tuple((guardrails or {}).get(variant, {}).values()),
            secondaries_worse=fell_behind.get(variant, ()),
            co_primaries=tuple(
                _on_co_primary(each, known[variant])
                for each, known in co_primaries
                if variant in known
            ),
            missing=tuple(
                each.metric.title
                for each, known in co_primaries
                if variant not in known and each.contrasts[variant] != NO_VARIANCE
            ),
            same_for_all=tuple(
                each.metric.title
                for each, _ in co_primaries
                if each.contrasts[variant] == NO_VARIANCE
            ),
        )
        for variant, contrast in compared[at].contrasts.items()
    )


def _unseen(variant: str, why: NotEstimable) -> Treatment:
    """A treatment without an estimate on the primary: all may be, and nothing is claimed."""
    return Treatment(
        variant=variant,
        effect=0.0,
        low=-inf,
        high=inf,
        wins=False,
        loses=False,
        harmed=False,
        negligible=False,
        p_better=0.5,
        p_best=0.0,
        farthest=inf,
        unseen=why.reason,
    )


def _on_metric(
    compared: Compared, result: MetricResult, level: Level, may_lose: bool
) -> dict[str, Treatment]:
    """What the evidence on one primary says of each treatment that could be estimated."""
    regret = _regrets(compared)
    return {
        each.variant: replace(
            _treatment(compared, each, level.of(compared.metric.key), may_lose),
            p_best=result.p_best[each.variant],
            regret=regret[each.variant],
        )
        for each in result.estimates
        if not isinstance(each, NotEstimable)
    }


def _on_co_primary(compared: Compared, found: Treatment) -> OnCoPrimary:
    metric = compared.metric
    return OnCoPrimary(
        metric.key,
        metric.title,
        metric.unit_label,
        compared.minimum_effect,
        compared.no_concern,
        found,
    )


def _treatment(primary: Compared, estimate: Estimate, level: Level, may_lose: bool) -> Treatment:
    variant, sign = estimate.variant, primary.sign
    contrast = primary.estimable[variant]
    worst, best = sorted((sign * estimate.low, sign * estimate.high))
    smallest_z = Z_ONE_SIDED if level.final else level.boundary_z
    farthest = max(abs(limit) for limit in contrast.bounds(smallest_z))
    bound = harm_bound(primary, contrast, level)
    return Treatment(
        variant=variant,
        effect=estimate.effect,
        low=estimate.low,
        high=estimate.high,
        wins=worst > 0,
        loses=may_lose and best < 0,
        harmed=bound < 0,
        negligible=farthest < primary.minimum_effect,
        p_better=estimate.posterior.p_better,
        p_best=0.0,
        surely=max(0.0, -bound),
        farthest=farthest,
        expected_loss=estimate.posterior.expected_loss,
        teams=estimate.teams,
    )


def _regrets(primary: Compared) -> dict[str, float]:
    contrasts = primary.estimable
    if not contrasts:
        return {}
    prior = primary.prior
    found = regrets(tuple(contrasts.values()), prior.sd, prior.mean, primary.sign)
    return dict(zip(contrasts, found, strict=True))


def _secondaries_worse(
    compared: list[Compared], metrics: tuple[MetricResult, ...], alpha: float
) -> dict[str, tuple[str, ...]]:
    """Which secondaries fell behind: by the corrected interval, or else by p values."""
    cells = [
        (each, estimate, metric.correction)
        for each, metric in zip(compared, metrics, strict=True)
        if metric.role == "secondary"
        for estimate in metric.estimates
        if isinstance(estimate, Estimate)
    ]
    adjusted = benjamini_hochberg([estimate.p_value for _, estimate, _ in cells])
    worse: dict[str, tuple[str, ...]] = {}
    for (each, estimate, correction), p_value in zip(cells, adjusted, strict=True):
        corrected = correction == "benjamini_hochberg"
        is_found = not estimate.low <= 0 <= estimate.high if corrected else p_value < alpha
        if is_found and each.sign * estimate.effect < 0:
            worse[estimate.variant] = (*worse.get(estimate.variant, ()), each.metric.title)
    return worse


def harm_bound(compared: Compared, contrast: Contrast, level: Level) -> float:
    """The most that the effect may be, good direction positive; true at every look at once."""
    return max(compared.sign * limit for limit in contrast.bounds(level.harm_z))
