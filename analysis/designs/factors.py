"""Factors: what each one does over all combinations, and whether one changes another."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import combinations, product
from typing import Final, NamedTuple

import numpy as np

from analysis.contrast import Contrast
from analysis.designed import FactorEffect
from analysis.methods import factorial
from analysis.methods.factorial import Cell
from analysis.methods.ratio import linearised
from analysis.plan import AnalysisPlan, FactorPlan
from analysis.results import NotEstimable
from analysis.statistics.clusters import ClusterSums
from analysis.statistics.collected import COVARIATE, OUTCOME, Collected, Statistic
from analysis.statistics.moments import Moments

_ENOUGH_TO_ADJUST: Final = 20  # learners beyond one per cell: a slope then costs next to nothing

Cells = Mapping[Cell, Moments | ClusterSums]


class _Question(NamedTuple):
    """One factor's level against its first, or the same of two factors at once."""

    factors: tuple[int, ...]
    levels: tuple[tuple[str, str], ...]  # first level and the other, by factor


def factor_effects(plan: AnalysisPlan, collected: Collected, z: float) -> tuple[FactorEffect, ...]:
    """Main effects and interactions of every metric that has means; () without factors.

    Args:
        plan: with ``factors`` and the ``cells`` that its variants are.
        collected: statistics by variant.
        z: how far intervals reach, as a normal score: each by itself, for no other question.
    """
    found = []
    for metric in plan.metrics if plan.factors else ():
        cells = _cells(plan, collected.metrics.get(metric.key, {}))
        if cells is None:
            continue
        found += [
            _effect(plan, metric.key, cells, question, z) for question in _questions(plan.factors)
        ]
    return tuple(found)


def _cells(plan: AnalysisPlan, statistics: Mapping[str, Statistic]) -> Cells | None:
    """The statistics by their levels; None for a metric that is no mean, or has gaps."""
    found = {plan.cells[v]: linearised(s) for v, s in statistics.items() if v in plan.cells}
    learners = {cell: s for cell, s in found.items() if isinstance(s, Moments)}
    teams = {cell: s for cell, s in found.items() if isinstance(s, ClusterSums)}
    if len(found) < len(plan.cells):
        return None
    if len(teams) == len(found):
        return teams
    return adjusted(learners) if len(learners) == len(found) else None


def adjusted(cells: Mapping[Cell, Moments]) -> Mapping[Cell, Moments]:
    """The outcomes at equal covariates: one slope, pooled within cells (Lin 2013; CUPED's)."""
    if any(COVARIATE not in cell.columns for cell in cells.values()):
        return cells
    n = sum(cell.n for cell in cells.values())
    shared = sum(cell.cross(OUTCOME, COVARIATE) for cell in cells.values())
    spread = sum(cell.cross(COVARIATE, COVARIATE) for cell in cells.values())
    if n < len(cells) + _ENOUGH_TO_ADJUST or spread <= 0:
        return cells
    slope = shared / spread
    middle = sum(cell.n * cell.mean_of(COVARIATE) for cell in cells.values()) / n
    weights, shift = np.array([[1.0, -slope]]), np.array([slope * middle])
    both = (OUTCOME, COVARIATE)
    return {key: cell.only(both).linear((OUTCOME,), weights, shift) for key, cell in cells.items()}


def _questions(factors: tuple[FactorPlan, ...]) -> Iterator[_Question]:
    """Every main effect, then every interaction of two factors."""
    for at, factor in enumerate(factors):
        for level in factor.levels[1:]:
            yield _Question((at,), ((factor.levels[0], level),))
    for first, second in combinations(range(len(factors)), 2):
        one, other = factors[first], factors[second]
        for a, b in product(one.levels[1:], other.levels[1:]):
            yield _Question((first, second), ((one.levels[0], a), (other.levels[0], b)))


def _effect(
    plan: AnalysisPlan, metric: str, cells: Cells, question: _Question, z: float
) -> FactorEffect:
    contrast = _contrast(cells, question)
    asked = FactorEffect(
        metric=metric,
        factors=tuple(plan.factors[at].title for at in question.factors),
        levels=_titles(plan, question, 1),
        references=_titles(plan, question, 0),
    )
    if isinstance(contrast, NotEstimable):
        return replace(asked, why_not=contrast.reason)
    low, high = contrast.bounds(z)
    return replace(
        asked,
        effect=contrast.effect,
        se=contrast.se,
        df=contrast.df,
        low=low,
        high=high,
        p_value=contrast.p_value,
    )


def _titles(plan: AnalysisPlan, question: _Question, side: int) -> tuple[str, ...]:
    return tuple(
        plan.factors[at].title_of(levels[side])
        for at, levels in zip(question.factors, question.levels, strict=True)
    )


def _contrast(cells: Cells, question: _Question) -> Contrast | NotEstimable:
    if len(question.factors) == 1:
        return factorial.main_effect(cells, question.factors[0], question.levels[0])
    first, second = question.factors
    one, other = question.levels
    return factorial.interaction(cells, (first, second), (one, other))
