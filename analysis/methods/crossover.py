"""Crossover designs: each learner gets the treatments one after the other, in a drawn order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from analysis.contrast import Contrast, no_variance
from analysis.results import NotEstimable
from analysis.statistics.moments import Moments

Floats = npt.NDArray[np.float64]
Order = tuple[str, ...]  # the treatment of each period

TOO_FEW_ORDERS = NotEstimable(
    "the treatments cannot be told from the periods: every learner has the same order",
    "draw at least two orders, so that each treatment is seen in more than one period",
)
CARRY_OVER_HIDDEN = NotEstimable(
    "with these orders what lingers from one period cannot be told from what the next one does",
    "use a balanced set of orders (Williams) with three periods or more, or leave days between",
)
TOO_FEW_LEARNERS = NotEstimable(
    "an order has fewer than two learners who were seen in every period",
    "add learners, or wait until more have finished the last period",
)


@dataclass(frozen=True)
class CrossoverEffects:
    """What a crossover says: every treatment against the first, every period, what lingers."""

    treatments: dict[str, Contrast]  # treatment -> against the reference
    periods: tuple[Contrast, ...]  # each period from the second on, against the first
    carry_over: dict[str, Contrast | NotEstimable]  # what having had it last period still does


class _Fit(NamedTuple):
    """Every coefficient as weights on the orders' period means."""

    orders: tuple[Order, ...]
    weights: Floats  # (orders, coefficients, periods)
    level: Floats  # (orders, periods): of the mean under the reference
    names: tuple[str, ...]


def estimate(
    cells: Mapping[Order, Moments],
    reference: str,
    *,
    carry_over: bool = False,
) -> CrossoverEffects | NotEstimable:
    """Treatments compared within learners, periods and learners held equal.

    Least squares with one level per learner, one per period and one per treatment (Jones, Kenward
    2014, chapters 2 and 5). All learners of an order share their design, so the answer is linear in
    the orders' means; its variance is taken from how learners of the same order differ, which
    allows any correlation between a learner's periods. For two orders of two periods this is
    Welch's test on the within-learner differences (Hills, Armitage 1979).

    Args:
        cells: per order, the moments of its learners with one column per period, in time.
        reference: the treatment that the others are compared with.
        carry_over: also let each treatment linger for one period. It costs precision, and some
            sets of orders cannot tell; the treatments' effects are then adjusted for it.
    """
    treatments = sorted({treatment for order in cells for treatment in order})
    if reference not in treatments or len(treatments) < 2:
        return TOO_FEW_ORDERS
    if min(cell.n for cell in cells.values()) < 2:
        return TOO_FEW_LEARNERS
    others = [treatment for treatment in treatments if treatment != reference]
    plain = _least_squares(cells, others, lingering=[])
    if plain is None:
        return TOO_FEW_ORDERS
    if not carry_over:
        return _read(cells, plain, others, {})
    fit = _least_squares(cells, others, lingering=others)
    if fit is None:
        return _read(cells, plain, others, dict.fromkeys(others, CARRY_OVER_HIDDEN))
    lingering = {t: _contrast(cells, fit, f"carry-over {t}") for t in others}
    return _read(cells, fit, others, lingering)


def _read(
    cells: Mapping[Order, Moments],
    fit: _Fit,
    others: Sequence[str],
    carry_over: dict[str, Contrast | NotEstimable],
) -> CrossoverEffects | NotEstimable:
    """The effects by name; one that has no variance stands for all."""
    n_periods = len(fit.orders[0])
    names = [
        *(f"treatment {treatment}" for treatment in others),
        *(f"period {period}" for period in range(1, n_periods)),
    ]
    found = [_contrast(cells, fit, name) for name in names]
    contrasts = [one for one in found if isinstance(one, Contrast)]
    if len(contrasts) < len(found):
        return next(one for one in found if isinstance(one, NotEstimable))
    return CrossoverEffects(
        dict(zip(others, contrasts, strict=False)), tuple(contrasts[len(others) :]), carry_over
    )


def _least_squares(
    cells: Mapping[Order, Moments], others: Sequence[str], lingering: Sequence[str]
) -> _Fit | None:
    """The coefficients' weights; None when the orders cannot tell them apart."""
    orders = tuple(sorted(cells))
    n_periods = len(orders[0])
    names = (
        *(f"treatment {treatment}" for treatment in others),
        *(f"period {period}" for period in range(1, n_periods)),
        *(f"carry-over {treatment}" for treatment in lingering),
    )
    designs = []
    for order in orders:
        columns = [[float(now == t) for now in order] for t in others]
        columns += [
            [float(p == period) for p in range(n_periods)] for period in range(1, n_periods)
        ]
        columns += [[0.0, *(float(before == t) for before in order[:-1])] for t in lingering]
        design = np.array(columns).T
        designs.append(design - design.mean(axis=0))  # a learner's own level goes out
    gram = np.zeros((len(names), len(names)))
    for order, design in zip(orders, designs, strict=True):
        gram += cells[order].n * design.T @ design
    if np.linalg.cond(gram) > 1e10:
        return None
    inverse = np.linalg.inv(gram)
    weights = np.stack(
        [cells[order].n * inverse @ design.T for order, design in zip(orders, designs, strict=True)]
    )
    return _Fit(orders, weights, _reference_level(cells, orders, others, weights), names)


def _reference_level(
    cells: Mapping[Order, Moments], orders: Sequence[Order], others: Sequence[str], weights: Floats
) -> Floats:
    """The mean of all learners, had they had the reference in every period: (orders, periods)."""
    n_periods = len(orders[0])
    n = sum(cell.n for cell in cells.values())
    level = np.stack([np.full(n_periods, cells[order].n / n / n_periods) for order in orders])
    for at, treatment in enumerate(others):
        share = sum(cells[order].n * order.count(treatment) for order in orders) / n / n_periods
        level = level - share * weights[:, at]
    return level


def _contrast(cells: Mapping[Order, Moments], fit: _Fit, name: str) -> Contrast | NotEstimable:
    """One coefficient, beside the mean that the reference would have had."""
    at = fit.names.index(name)
    effect, variance, spent = 0.0, 0.0, 0.0
    mean, variance_mean, covariance = 0.0, 0.0, 0.0
    for order, weights, level in zip(fit.orders, fit.weights, fit.level, strict=True):
        cell, pull = cells[order], weights[at]
        spread = cell.m2 / (cell.n - 1) / cell.n
        effect += float(pull @ cell.mean)
        mean += float(level @ cell.mean)
        own = float(pull @ spread @ pull)
        variance += own
        spent += own**2 / (cell.n - 1)
        variance_mean += float(level @ spread @ level)
        covariance += float(level @ spread @ pull)
    if variance <= (1e-13 * max(abs(mean), abs(mean + effect))) ** 2:
        return no_variance(mean + effect, mean)
    n = sum(cell.n for cell in cells.values())
    return Contrast(
        method="crossover",
        n=n,
        n_control=n,
        n_learners=n,
        n_learners_control=n,
        mean=mean + effect,
        mean_control=mean,
        variance=variance + variance_mean + 2 * covariance,
        variance_control=variance_mean,
        covariance=variance_mean + covariance,
        df=variance**2 / spent,
    )
