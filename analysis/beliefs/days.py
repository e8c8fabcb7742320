"""The experiment's effect day by day since exposure: does it fade, and what is left."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil
from typing import Final

import ibis
import numpy as np
import numpy.typing as npt
from ibis.expr import types as ir

from analysis.bayes.novelty import FEWEST_DAYS, Daily, Trend, trend
from analysis.energize.facts import Window
from analysis.estimate import PRIOR_PER_SPREAD
from analysis.exposed import exposed_of, exposures_of
from analysis.gathered import mature_learners
from analysis.lake.reader import Lake
from analysis.metrics import metric_kind
from analysis.metrics.kind import OUTCOME, InWindow, MetricKind, PerLearner
from analysis.metrics.presence import ACTIVE_DAYS
from analysis.plan import AnalysisPlan, MetricPlan
from analysis.results import NotEstimable
from analysis.statistics.clusters import ClusterSums
from analysis.statistics.gather import gather_cluster_sums, gather_moments
from analysis.statistics.moments import Moments
from analysis.tallies import events_around, events_beside

from .asked import refuse_misfit

Floats = npt.NDArray[np.float64]

MOST_STEPS: Final = 28
"""Steps of a trend: a longer window is cut into as many parts, each of several days."""

FEWEST_TEAMS: Final = 6
FEWEST_LEARNERS: Final = 20
TOO_FEW: Final = NotEstimable(
    f"fewer than {FEWEST_LEARNERS} learners (or {FEWEST_TEAMS} teams) of a variant have a complete"
    " window",
    "wait until outcome windows are complete",
)
ADDS_UP: Final = ("count", "sum", "active_days")
"""Kinds whose value in a window is the sum of its days' values."""


@dataclass(frozen=True, eq=False)
class Novelty:
    """How the effect goes on with the days since exposure.

    Attributes:
        measure: what is counted a day, in words.
        days: the middle of each step; 0 is the day of exposure.
        effects: treatment -> its effect in each step, a day.
        ses: treatment -> their standard errors.
        trends: treatment -> the trend, or why there is none.
    """

    measure: str
    days: Floats
    effects: Mapping[str, Floats]
    ses: Mapping[str, Floats]
    trends: Mapping[str, Trend | NotEstimable]


def novelty(plan: AnalysisPlan, lake: Lake) -> Novelty:
    """The primary day by day of learners whose window is complete, and whether the effect fades.

    Everybody is watched on every day, so that no day is of other learners than the next. A primary
    that is no sum of days (the score, a share, a ratio) is watched by active days instead.

    Raises:
        ValueError: a design that cannot be read by day.
    """
    refuse_misfit(plan)
    metric = plan.primary
    own = metric.kind in ADDS_UP
    steps = _Steps.of(metric, metric_kind(metric.kind) if own else ACTIVE_DAYS)
    arms = _arms(plan, _by_step(plan, lake, steps), steps)
    effects: dict[str, Floats] = {}
    ses: dict[str, Floats] = {}
    trends: dict[str, Trend | NotEstimable] = {}
    sign = 1 if metric.direction == "increase" else -1
    for variant in plan.variants[1:]:
        control, treatment = arms.get(plan.control, TOO_FEW), arms.get(variant, TOO_FEW)
        if isinstance(control, NotEstimable) or isinstance(treatment, NotEstimable):
            trends[variant] = TOO_FEW
            continue
        effects[variant] = treatment.mean - control.mean
        covariance = treatment.covariance + control.covariance
        ses[variant] = np.sqrt(np.diag(covariance))
        effect_sd = PRIOR_PER_SPREAD * control.spread
        trends[variant] = _trend(steps.days, effects[variant], covariance, effect_sd, sign)
    measure = f"{metric.title}, a day" if own else "active days, a day"
    return Novelty(measure, steps.days, effects, ses, trends)


@dataclass(frozen=True)
class _Steps:
    """The window, cut into steps of as many days each; what is left at its end is not read."""

    metric: MetricPlan  # in a window of one step
    kind: MetricKind
    starts: tuple[int, ...]

    @classmethod
    def of(cls, metric: MetricPlan, kind: MetricKind) -> "_Steps":
        width = ceil(metric.window_days / MOST_STEPS)
        named = metric.event_kinds if kind.name == metric.kind else ()
        starts = tuple(range(0, metric.window_days - width + 1, width))
        return cls(replace(metric, window_days=width, event_kinds=named), kind, starts)

    @property
    def width(self) -> int:
        return self.metric.window_days

    @property
    def days(self) -> Floats:
        return np.array(self.starts) + (self.width - 1) / 2

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(f"day{start}" for start in self.starts)

    def tallies(self, events: ir.Table) -> dict[str, ir.Value]:
        found: dict[str, ir.Value] = {}
        for start, name in zip(self.starts, self.columns, strict=True):
            window = Window(self.width, events.day - start, f"{name}_")
            found |= self.kind.aggregates(InWindow(self.metric, events, window))
        return found

    def values(self, row: ir.Table) -> dict[str, ir.Value]:
        found = {}
        for name in self.columns:
            value = self.kind.values(PerLearner(self.metric, row, f"{name}_", None))[OUTCOME]
            found[name] = (value.cast("float64") / self.width).fill_null(0.0)
        return found


def _by_step(plan: AnalysisPlan, lake: Lake, steps: _Steps) -> ir.Table:
    """One row a learner whose window is complete: ``unit``, ``variant``, a column for each step."""
    people = exposed_of(plan, exposures_of(plan, lake)).people
    people = mature_learners(plan, people, plan.primary)
    order = ibis.window(order_by=["learner", "exposed_us"])
    numbered = people.mutate(place=ibis.row_number().over(order)).cache()
    events = events_beside(plan, events_around(plan, lake), numbered)
    counted = events.group_by("place").aggregate(**steps.tallies(events))
    joined = numbered.left_join(counted, "place")
    return joined.select("unit", "variant", **steps.values(joined)).cache()


@dataclass(frozen=True, eq=False)
class _Arm:
    """One variant, step by step."""

    mean: Floats
    covariance: Floats  # of the means
    spread: float  # over learners


def _arms(plan: AnalysisPlan, rows: ir.Table, steps: _Steps) -> dict[str, _Arm | NotEstimable]:
    moments = {
        key[0]: each for key, each in gather_moments(rows, ["variant"], steps.columns).items()
    }
    if plan.unit_kind == "learner":
        return {variant: _arm(each) for variant, each in moments.items()}
    sums = gather_cluster_sums(rows, ["variant"], "unit", steps.columns)
    return {key[0]: _arm(moments[key[0]], each) for key, each in sums.items()}


def _arm(moments: Moments, sums: ClusterSums | None = None) -> _Arm | NotEstimable:
    n = moments.n
    if n < FEWEST_LEARNERS or (sums is not None and sums.n_clusters < FEWEST_TEAMS):
        return TOO_FEW
    spread = float(np.sqrt(np.diag(moments.m2).mean() / (n - 1)))
    if sums is None:
        return _Arm(moments.mean, moments.m2 / (n - 1) / n, spread)
    left = sums.sums - sums.n[:, None] * moments.mean  # what each team is off by, in all
    teams_share = sums.n_clusters / (sums.n_clusters - 1)
    return _Arm(moments.mean, teams_share * left.T @ left / n**2, spread)


def _trend(
    days: Floats, effects: Floats, covariance: Floats, effect_sd: float, sign: int
) -> Trend | NotEstimable:
    varies = np.diag(covariance) > 0
    if varies.sum() < FEWEST_DAYS or not effect_sd > 0:
        return NotEstimable(
            f"on fewer than {FEWEST_DAYS} days of the window did anybody do anything",
            "watch a metric with a longer window, or one that more learners move",
        )
    return trend(
        Daily(days[varies], effects[varies], covariance[np.ix_(varies, varies)]), effect_sd, sign
    )
