import numpy as np
import pytest
import statsmodels.api as sm

from analysis.methods import cluster_robust, crossover, ratio
from analysis.sizing.variance import (
    crossover_variance,
    design_effect,
    mean_variance,
    proportion_variance,
    ratio_variance,
    team_variance,
)
from analysis.statistics.clusters import ClusterSums
from analysis.statistics.moments import Moments


def test_mean__covariate__leaves_what_a_regression_leaves():
    rng = np.random.default_rng(1)
    before = rng.normal(0, 1, 5_000)
    after = 0.6 * before + rng.normal(0, 0.8, 5_000)

    found = mean_variance(after.std(ddof=1), np.corrcoef(before, after)[0, 1] ** 2)

    assert found == pytest.approx(sm.OLS(after, sm.add_constant(before)).fit().mse_resid, rel=1e-3)


def test_proportion__is_the_binomials():
    assert proportion_variance(0.3) == pytest.approx(0.21)
    assert proportion_variance(0.3, 0.1) == pytest.approx(0.35 * 0.65)


def test_ratio__is_what_the_method_finds():
    rng = np.random.default_rng(2)
    below = rng.poisson(5, 4_000) + 1.0
    above = rng.normal(2, 1, 4_000) * below
    cell = Moments.of(("outcome", "denominator"), np.column_stack([above, below]))

    found = ratio_variance(
        (above.mean(), below.mean()),
        (above.var(ddof=1), below.var(ddof=1)),
        float(np.cov(above, below)[0, 1]),
    )

    contrast = ratio.estimate(cell, cell)
    assert found / 4_000 == pytest.approx(contrast.variance, rel=1e-6)


@pytest.mark.parametrize("cv", [0.0, 0.6])
def test_team__simulated_teams__have_this_error(cv):
    rng = np.random.default_rng(3)
    n_teams, size, icc = 4_000, 12, 0.1
    sizes = np.full(n_teams, size)
    if cv:
        sizes = np.maximum(2, np.round(rng.gamma(1 / cv**2, size * cv**2, n_teams))).astype(int)
    level = rng.normal(0, icc**0.5, n_teams)
    sums = sizes * level + rng.normal(0, ((1 - icc) * sizes) ** 0.5)
    teams = ClusterSums(("outcome",), sizes, sums[:, None])

    found = cluster_robust.estimate(teams, teams)

    real_cv = sizes.std() / sizes.mean()
    planned = team_variance(1.0, sizes.mean(), icc, real_cv) / n_teams
    assert found.variance == pytest.approx(planned, rel=0.08)


def test_design_effect__one_learner_or_no_likeness__is_none():
    assert design_effect(1, 0.3) == pytest.approx(1)
    assert design_effect(25, 0.0) == pytest.approx(1)
    assert design_effect(25, 0.219) == pytest.approx(6.256)  # Project STAR's schools


def test_crossover__is_what_the_method_finds():
    rng = np.random.default_rng(4)
    rows = rng.multivariate_normal([0, 0], [[4, 3], [3, 4]], 3_000)
    cells = {
        order: Moments.of(("one", "two"), part)
        for order, part in ((("a", "b"), rows[:1_500]), (("b", "a"), rows[1_500:]))
    }

    found = crossover.estimate(cells, "a").treatments["b"]

    assert found.se**2 == pytest.approx(crossover_variance(2.0, 0.75) * 2 / 1_500, rel=0.08)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: mean_variance(-1), "sd"),
        (lambda: mean_variance(1, 1), "variance_reduction"),
        (lambda: proportion_variance(1.2), "share"),
        (lambda: proportion_variance(0.9, 0.4), "effect"),
        (lambda: ratio_variance((1, 0), (1, 1), 0), "denominator"),
        (lambda: team_variance(1, 0.5, 0.1), "team_size"),
        (lambda: team_variance(1, 5, 1.1), "icc"),
        (lambda: crossover_variance(1, 1), "correlation"),
    ],
)
def test_variance__impossible__is_refused_by_name(call, named):
    with pytest.raises(ValueError, match=named):
        call()
