"""Stratified comparison: like is compared with like, and strata count by their size."""

from collections.abc import Mapping
from functools import reduce
from operator import add
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from analysis.contrast import (
    TOO_FEW_UNITS,
    WHOLLY_EXPLAINED,
    Contrast,
    no_variance,
)
from analysis.results import NotEstimable
from analysis.statistics.moments import Moments

Floats = npt.NDArray[np.float64]
ByStratum = Mapping[str, Moments]

_ROUNDING: Final = 1e-13


class _Cells(NamedTuple):
    """What is known of each stratum in one variant, (S,)."""

    n: Floats
    mean: Floats
    before: Floats  # mean of the covariate
    within: Floats  # (S, 3): centred sums yy, yx, xx

    @property
    def total(self) -> Floats:
        """The sums within, over all strata."""
        found: Floats = self.within.sum(axis=0)
        return found

    def residual(self, slope: float) -> Floats:
        """Per stratum, the sum of squares of outcome - slope x covariate."""
        weights = np.array([1.0, -2 * slope, slope**2])
        left: Floats = np.maximum(self.within @ weights, 0.0)
        return left


def estimate(
    control: ByStratum,
    treatment: ByStratum,
    outcome: str = "outcome",
    covariate: str | None = None,
) -> Contrast | NotEstimable:
    """How the means differ within strata, averaged by the strata's size.

    Miratrix, Sekhon and Yu (2013), section 2: one difference per stratum, each with its own
    variances, weighted by the stratum's share of all units. (Weights by precision would answer for
    another population.) A covariate has one slope, pooled within strata and variants. Strata with
    fewer than two units of a variant are taken together.
    """
    pairs = _pairs(control, treatment)
    if not pairs:
        return TOO_FEW_UNITS
    c = _cells([pair[0] for pair in pairs], outcome, covariate)
    t = _cells([pair[1] for pair in pairs], outcome, covariate)
    plain = _contrast(c, t, 0.0, adjusted=False)
    if covariate is None or isinstance(plain, NotEstimable):
        return plain
    _, shared, spread = c.total + t.total
    size = float((c.n + t.n) @ ((c.before + t.before) / 2) ** 2)
    if (c.n + t.n).sum() - 2 * len(pairs) < 4 or spread <= 1e-12 * size:
        return plain
    return _contrast(c, t, shared / spread, adjusted=True)


def _pairs(control: ByStratum, treatment: ByStratum) -> list[tuple[Moments, Moments]]:
    """Control and treatment by stratum, at least two units each; small strata are merged."""
    columns = next(iter({**control, **treatment}.values())).columns if control or treatment else ()
    nobody = Moments.empty(columns)
    names = sorted({*control, *treatment})
    found = [(control.get(name, nobody), treatment.get(name, nobody)) for name in names]
    found.sort(key=lambda pair: min(pair[0].n, pair[1].n))
    small = [pair for pair in found if min(pair[0].n, pair[1].n) < 2]
    large = found[len(small) :]
    while small and large and min(sum(pair[side].n for pair in small) for side in (0, 1)) < 2:
        small.append(large.pop(0))
    if small:
        rest = reduce(add, (pair[0] for pair in small)), reduce(add, (pair[1] for pair in small))
        large = [*large, rest]
    return [pair for pair in large if min(pair[0].n, pair[1].n) >= 2]


def _cells(parts: list[Moments], outcome: str, covariate: str | None) -> _Cells:
    x = covariate or outcome
    return _Cells(
        n=np.array([part.n for part in parts], dtype=np.float64),
        mean=np.array([part.mean_of(outcome) for part in parts]),
        before=np.array([part.mean_of(x) for part in parts]),
        within=np.array(
            [
                [part.cross(outcome, outcome), part.cross(outcome, x), part.cross(x, x)]
                for part in parts
            ]
        ),
    )


def _contrast(c: _Cells, t: _Cells, slope: float, adjusted: bool) -> Contrast | NotEstimable:
    n = c.n + t.n
    share = n / n.sum()
    room = n.sum() - 2 * len(n)
    spent = room / (room - 1) if adjusted else 1.0
    own = [spent * share**2 * each.residual(slope) / (each.n - 1) / each.n for each in (c, t)]
    means = [float(share @ each.mean) for each in (c, t)]
    total = own[0].sum() + own[1].sum()
    if not adjusted and total <= (_ROUNDING * max(abs(mean) for mean in means)) ** 2:
        return no_variance(means[1], means[0])
    left = c.residual(slope).sum() + t.residual(slope).sum()
    if adjusted and left <= 1e-12 * (c.total[0] + t.total[0]):
        return WHOLLY_EXPLAINED
    middle = (c.n * c.before + t.n * t.before) / n
    gaps = [float(share @ (each.before - middle)) for each in (c, t)]
    slope_variance = left / (room - 1) / (c.total[2] + t.total[2]) if adjusted else 0.0
    df = total**2 / sum((v**2 / (each.n - 1)).sum() for v, each in zip(own, (c, t), strict=True))
    variances = [v.sum() + gap**2 * slope_variance for v, gap in zip(own, gaps, strict=True)]
    plain = sum((share**2 * each.within[:, 0] / (each.n - 1) / each.n).sum() for each in (c, t))
    covariance = gaps[0] * gaps[1] * slope_variance
    se_squared = sum(variances) - 2 * covariance
    return Contrast(
        method="stratified",
        n=int(t.n.sum()),
        n_control=int(c.n.sum()),
        n_learners=int(t.n.sum()),
        n_learners_control=int(c.n.sum()),
        mean=means[1] - slope * gaps[1],
        mean_control=means[0] - slope * gaps[0],
        variance=float(variances[1]),
        variance_control=float(variances[0]),
        covariance=covariance,
        df=max(float(df) - adjusted, 1.0),
        variance_reduction=max(0.0, 1 - float(se_squared / plain)) if adjusted else 0.0,
    )
