"""Estimates: one metric, every treatment against the control, test and belief from one contrast."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import isfinite

import numpy as np

from .bayes.prior import Prior
from .contrast import Contrast, critical_t
from .levels import MetricLevel
from .methods import compare
from .methods.bayes_normal import chances_to_be_best, posterior
from .methods.fieller import relative
from .methods.ratio import linearised
from .plan import MetricPlan
from .results import Estimate, MetricResult, NotEstimable
from .statistics.clusters import ClusterSums
from .statistics.collected import OUTCOME, Statistic
from .teams import teams_of

DEFAULT_MINIMUM_EFFECT = 0.1
"""In the control's standard deviations, for a primary metric that names no minimum effect."""

PRIOR_PER_MINIMUM_EFFECT = 2.0
"""The prior's sd: effects beyond four times what matters are held to be rare."""

PRIOR_PER_SPREAD = 0.5
"""The prior's sd in the control's standard deviations, for a metric without a minimum effect."""

NARROWEST_PRIOR = PRIOR_PER_MINIMUM_EFFECT * DEFAULT_MINIMUM_EFFECT
"""In the control's standard deviations: "any gain matters" must not rule large gains out."""

TEAM_MEANS_TO_SPREAD = 2.5
"""Learners spread about so many times as wide as team means do (at an ICC of .16)."""

SHARPEST_PRIOR = 1e-6
"""In standard errors: a control that hardly varies must not forbid every effect for certain."""

OUT_OF_RANGE = NotEstimable(
    "the outcomes are too large, too small or not finite to be compared",
    "check the metric's unit, and set a cap for outcomes that cannot be right",
)


@dataclass(frozen=True)
class Compared:
    """A metric's contrasts, with what is needed to read them."""

    metric: MetricPlan
    control: str
    contrasts: dict[str, Contrast | NotEstimable]  # treatment -> contrast, in the plan's order
    spread: float  # the control's standard deviation over learners; 0 when unknown
    statistics: Mapping[str, Statistic] = field(default_factory=dict)  # by variant

    @property
    def sign(self) -> int:
        """1 when more is better, -1 when less is."""
        return 1 if self.metric.direction == "increase" else -1

    @property
    def minimum_effect(self) -> float:
        """The smallest difference that matters: the plan's, or the default share of the spread."""
        if self.metric.minimum_effect:
            return self.metric.minimum_effect
        return DEFAULT_MINIMUM_EFFECT * self.spread

    @property
    def no_concern(self) -> float:
        """The loss that nobody would mind: a tenth of what matters, or of the default when more."""
        return max(self.minimum_effect, DEFAULT_MINIMUM_EFFECT * self.spread) / 10

    @property
    def prior_sd(self) -> float:
        """The prior's sd, in the metric's unit."""
        if self.metric.minimum_effect:
            wished = PRIOR_PER_MINIMUM_EFFECT * self.metric.minimum_effect
            return max(wished, NARROWEST_PRIOR * self.spread)
        return PRIOR_PER_SPREAD * self.spread

    @property
    def prior(self) -> Prior:
        """What is believed before the data: the plan's prior, or a weakly informative one."""
        if self.metric.prior is not None:
            return self.metric.prior
        least = SHARPEST_PRIOR * max(each.se for each in self.estimable.values())
        return Prior(sd=max(self.prior_sd, least) if self.prior_sd else least / SHARPEST_PRIOR)

    @property
    def estimable(self) -> dict[str, Contrast]:
        """The contrasts that there are."""
        return {key: c for key, c in self.contrasts.items() if isinstance(c, Contrast)}


def compare_all(
    metric: MetricPlan, variants: tuple[str, ...], statistics: dict[str, Statistic]
) -> Compared:
    """Every treatment against the control (the first variant), on one metric."""
    control = statistics.get(variants[0])
    contrasts: dict[str, Contrast | NotEstimable] = {}
    for variant in variants[1:]:
        treatment = statistics.get(variant)
        if control is None or treatment is None:
            missing = variants[0] if control is None else variant
            contrasts[variant] = NotEstimable(
                f"no unit of {missing} has a complete outcome yet",
                "wait until outcome windows are complete; check that exposures arrive",
            )
        else:
            contrasts[variant] = _in_range(compare(control, treatment))
    spread = _spread(control)
    if spread == 0:
        spread = max((_spread(statistics.get(variant)) for variant in variants[1:]), default=0.0)
    return Compared(metric, variants[0], contrasts, spread, statistics)


def _in_range(contrast: Contrast | NotEstimable) -> Contrast | NotEstimable:
    """The contrast, or why its numbers cannot be worked with: no NaN reaches a decision."""
    if isinstance(contrast, NotEstimable):
        return contrast
    numbers = (contrast.effect, contrast.se, contrast.mean, contrast.mean_control, contrast.df)
    if all(map(isfinite, numbers)) and contrast.se > 0 and contrast.df > 0:
        return contrast
    return OUT_OF_RANGE


def _spread(statistic: Statistic | None) -> float:
    """The standard deviation over learners; from team means it is a rule of thumb."""
    if statistic is None:
        return 0.0
    statistic = linearised(statistic)
    if isinstance(statistic, ClusterSums):
        if statistic.n_clusters < 2:
            return 0.0
        means = statistic.sum_of(OUTCOME) / statistic.n
        return TEAM_MEANS_TO_SPREAD * float(np.std(means, ddof=1))
    return statistic.variance(OUTCOME) ** 0.5 if statistic.n > 1 else 0.0


def estimate_metric(compared: Compared, level: MetricLevel) -> MetricResult:
    """The metric's results: intervals at its level, beliefs, chances to be best."""
    metric = compared.metric
    found = compared.estimable
    p_best = {}
    if found:
        chances = chances_to_be_best(list(found.values()), compared.prior, compared.sign)
        p_best = dict(zip([compared.control, *found], chances, strict=True))
    return MetricResult(
        key=metric.key,
        title=metric.title,
        role=metric.role,
        direction=metric.direction,
        unit_label=metric.unit_label,
        minimum_effect=metric.minimum_effect,
        estimates=tuple(
            contrast
            if isinstance(contrast, NotEstimable)
            else _estimate(compared, variant, contrast, level)
            for variant, contrast in compared.contrasts.items()
        ),
        p_best=p_best,
        correction=level.correction,
        margin=metric.margin if metric.role == "guardrail" else None,
        value_per_unit=metric.value_per_unit,
        currency=metric.currency,
        version=metric.version,
    )


def _estimate(compared: Compared, variant: str, contrast: Contrast, level: MetricLevel) -> Estimate:
    critical = critical_t(level.z[variant], contrast.df)
    low, high = contrast.bounds(level.z[variant])
    belief = posterior(contrast, compared.prior, compared.sign, compared.metric.minimum_effect)
    worth = compared.metric.value_per_unit
    teams = teams_of(
        compared.statistics.get(compared.control),
        compared.statistics.get(variant),
        level.z[variant],
    )
    return Estimate(
        metric=compared.metric.key,
        variant=variant,
        control=compared.control,
        method=contrast.method,
        n=contrast.n,
        n_control=contrast.n_control,
        n_learners=contrast.n_learners,
        n_learners_control=contrast.n_learners_control,
        mean=contrast.mean,
        mean_control=contrast.mean_control,
        effect=contrast.effect,
        se=contrast.se,
        df=contrast.df,
        low=low,
        high=high,
        p_value=contrast.p_value,
        relative=relative(contrast, critical),
        posterior=belief,
        variance_reduction=contrast.variance_reduction,
        p_adjusted=level.p_adjusted.get(variant),
        loss_in_money=None if worth is None else abs(worth) * belief.expected_loss,
        teams=teams,
    )


def with_estimates(result: MetricResult, change: Callable[[Estimate], Estimate]) -> MetricResult:
    """The result with every estimate changed; what could not be estimated stays as it is."""
    estimates = tuple(
        change(each) if isinstance(each, Estimate) else each for each in result.estimates
    )
    return replace(result, estimates=estimates)
