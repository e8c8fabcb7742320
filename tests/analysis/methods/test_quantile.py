"""Against statsmodels' quantile regression, the bootstrap of whole units, and simulation."""

import ibis
import numpy as np
import pyarrow as pa
import pytest
import statsmodels.api as sm
from scipy import stats

from analysis.contrast import critical_t
from analysis.methods import compare, quantile
from analysis.quantiles import quantiles_of
from analysis.results import NotEstimable
from analysis.statistics.moments import Moments
from analysis.statistics.quantiles import Quantile

Z = 1.959963984540054


def of(values, unit, share):
    """What the engine gathers, by numpy."""
    at = np.quantile(values, share)
    names = np.unique(unit)
    rows = np.array([[(values[unit == u] <= at).sum(), (unit == u).sum()] for u in names], float)
    counts = Moments.of(("below", "values"), rows)
    low, high = np.quantile(values, Quantile.shares_beside(share, Quantile.share_error(counts)))
    return Quantile(share, at, low, high, counts, len(names))


def clustered(seed, n_units=200, spread=1.0, shift=0.0):
    """Values of a few each of many units, whose levels differ."""
    rng = np.random.default_rng(seed)
    n = rng.integers(1, 12, n_units)
    unit = np.repeat(np.arange(n_units), n)
    level = rng.normal(0, spread, n_units)[unit]
    return np.exp(0.5 * (level + rng.normal(0, 1, len(unit)))) + shift, unit


@pytest.mark.parametrize("share", [0.25, 0.5, 0.9])
def test_quantiles_of__rows_in_the_engine__is_what_numpy_finds(share):
    values, unit = clustered(1)
    variant = np.where(unit % 2 == 0, "a", "b")
    table = ibis.memtable(
        pa.table({"variant": variant, "unit": unit, "learner": unit, "value": values})
    )

    found = quantiles_of(table, share)

    for name in ("a", "b"):
        expected = of(values[variant == name], unit[variant == name], share)
        assert found[name].n_learners == found[name].n == expected.n
        for field in ("value", "low", "high", "error"):
            assert getattr(found[name], field) == pytest.approx(getattr(expected, field), rel=1e-9)


@pytest.mark.parametrize("share", [0.25, 0.5, 0.9])
def test_quantile__one_value_a_unit__is_near_quantile_regression(share):
    rng = np.random.default_rng(3)
    control, treatment = rng.gamma(4, 2, 4000), rng.gamma(4, 2, 4000) + 0.4
    arms = [of(values, np.arange(len(values)), share) for values in (control, treatment)]

    contrast = quantile.estimate(*arms)

    treated = sm.add_constant(np.repeat([0.0, 1.0], 4000))
    fit = sm.QuantReg(np.r_[control, treatment], treated).fit(q=share, vcov="robust")
    assert contrast.effect == pytest.approx(fit.params[1], abs=0.02 * contrast.se + 0.005)
    # Two estimates of the same density, each with its own bandwidth.
    assert contrast.se == pytest.approx(fit.bse[1], rel=0.1)


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_quantile__several_values_a_unit__is_near_the_bootstrap_of_units(share):
    values, unit = clustered(4, n_units=400)
    found = of(values, unit, share)
    rows = [values[unit == u] for u in range(400)]
    rng = np.random.default_rng(5)

    drawn = [
        np.quantile(np.concatenate([rows[u] for u in rng.integers(0, 400, 400)]), share)
        for _ in range(600)
    ]

    # The bootstrap's own error is 3 %; the density's is larger.
    assert found.error == pytest.approx(np.std(drawn, ddof=1), rel=0.15)
    alone = of(values, np.arange(len(values)), share)
    assert found.error > 1.2 * alone.error


@pytest.mark.parametrize(("share", "n_units"), [(0.5, 60), (0.5, 300), (0.9, 300)])
def test_quantile__repeated_draws__covers_no_difference(share, n_units):
    n_draws, hits = 400, 0
    for seed in range(n_draws):
        arms = [of(*clustered(2 * seed + side, n_units), share) for side in (0, 1)]
        contrast = quantile.estimate(*arms)
        hits += abs(contrast.effect) < critical_t(Z, contrast.df) * contrast.se

    # 95 % with a Monte-Carlo error of 1.1 %: four of them each way.
    assert 0.906 < hits / n_draws < 0.99


def test_quantile__arms_swapped__flips_the_sign():
    a, b = of(*clustered(6), 0.5), of(*clustered(7, shift=0.3), 0.5)

    there, back = quantile.estimate(a, b), quantile.estimate(b, a)

    assert there.effect == -back.effect
    assert there.se == pytest.approx(back.se)
    assert compare(a, b) == there


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_quantile__another_scale__scales_effect_and_error_alike(scale):
    (x, unit), (y, other) = clustered(8), clustered(9)

    plain = quantile.estimate(of(x, unit, 0.5), of(y, other, 0.5))
    scaled = quantile.estimate(of(x * scale, unit, 0.5), of(y * scale, other, 0.5))

    assert scaled.effect == pytest.approx(plain.effect * scale, rel=1e-9)
    assert scaled.se == pytest.approx(plain.se * scale, rel=1e-9)


def test_quantile__cannot_be_estimated__says_why():
    fine = of(*clustered(10), 0.5)
    few = of(np.array([1.0, 2.0, 3.0]), np.arange(3), 0.9)
    one = of(np.array([1.0, 2.0]), np.zeros(2), 0.5)
    tied = of(np.repeat([0.0, 5.0, 9.0], [20, 160, 20]), np.arange(200), 0.5)

    for bad, reason in (
        (few, "too few values lie beyond"),
        (one, "fewer than two units"),
        (tied, "so many values are equal"),
    ):
        answer = quantile.estimate(fine, bad)
        assert isinstance(answer, NotEstimable)
        assert reason in answer.reason
    assert "same outcome" in quantile.estimate(tied, tied).reason


def test_quantile__normal_values__have_the_textbook_error():
    values = stats.norm.ppf((np.arange(10_000) + 0.5) / 10_000)

    found = of(values, np.arange(10_000), 0.5)

    assert found.error == pytest.approx((np.pi / 2 / 10_000) ** 0.5, rel=0.005)
