import numpy as np
import pytest
from scipy import stats
from scipy.optimize import least_squares

from analysis.across.surrogate import PairedEffect, slope
from analysis.results import NotEstimable


def world(seed, k=20, true=0.5, moved=2.0, elsewhere=0.0, together=0.3):
    """Experiments that moved the score by N(0, moved²) and the KPI by ``true`` for each point."""
    rng = np.random.default_rng(seed)
    found = []
    for i in range(k):
        sx, sy = rng.uniform(0.3, 0.8), rng.uniform(0.2, 0.6)
        shared = together * sx * sy
        x = rng.normal(0, moved)
        errors = rng.multivariate_normal([0, 0], [[sx**2, shared], [shared, sy**2]])
        y = true * x + rng.normal(0, elsewhere) if elsewhere else true * x
        found.append(PairedEffect(f"e{i}", x + errors[0], sx, y + errors[1], sy, shared))
    return found


def test_slope__agrees_with_a_fit_of_every_true_effect():
    """The same likelihood written out: the slope and each experiment's true effect are free."""
    effects = world(1)

    def residuals(values):
        b, true = values[0], values[1:]
        parts = []
        for effect, x in zip(effects, true, strict=True):
            errors = np.array(
                [
                    [effect.score_se**2, effect.covariance],
                    [effect.covariance, effect.kpi_se**2],
                ]
            )
            gap = np.array([effect.score - x, effect.kpi - b * x])
            parts.append(np.linalg.solve(np.linalg.cholesky(errors), gap))
        return np.concatenate(parts)

    start = [0.4, *(effect.score for effect in effects)]
    fit = least_squares(residuals, start, xtol=1e-14, ftol=1e-14, gtol=1e-14)

    found = slope(effects)
    assert found.slope == pytest.approx(fit.x[0], abs=1e-6)
    assert found.elsewhere == 0, "choose a seed whose experiments lie on one line"
    assert found.misfit == pytest.approx(2 * fit.cost, rel=1e-8)


@pytest.mark.parametrize("elsewhere", [0.0, 0.7])
def test_slope__interval__is_where_the_likelihood_falls_by_the_quantile(elsewhere):
    effects = world(2, elsewhere=elsewhere)
    found = slope(effects)

    def q(b):
        return sum(
            (e.kpi - b * e.score) ** 2
            / (e.kpi_se**2 - 2 * b * e.covariance + b**2 * e.score_se**2 + found.elsewhere**2)
            for e in effects
        )

    fall = stats.t.ppf(0.975, len(effects) - 1) ** 2
    assert q(found.low) - q(found.slope) == pytest.approx(fall, rel=1e-6)
    assert q(found.high) - q(found.slope) == pytest.approx(fall, rel=1e-6)


@pytest.mark.parametrize("elsewhere", [0.0, 0.5])
def test_slope__interval__covers_the_truth(elsewhere):
    covered = 0
    for seed in range(300):
        found = slope(world(seed, elsewhere=elsewhere))
        covered += found.low <= 0.5 <= found.high

    assert covered >= 270  # 95 % less four standard errors; wider than need be is allowed


def test_slope__is_not_flattened_by_errors_of_the_score():
    effects = world(3, k=400, moved=0.6)
    x, y = (np.array([getattr(e, name) for e in effects]) for name in ("score", "kpi"))

    naive = float(x @ y / (x @ x))

    assert naive < 0.48
    assert slope(effects).slope == pytest.approx(0.5, abs=0.05)


def test_slope__score_hardly_moved__is_weak_and_may_be_unbounded():
    found = slope(world(4, k=6, moved=0.05, together=0.0))

    assert found.is_strong is False
    assert found.low is None or found.high is None


def test_slope__other_ways_to_the_kpi__show_as_misfit():
    assert slope(world(5, elsewhere=2.0)).misfit_p_value < 0.001
    assert slope(world(5)).misfit_p_value > 0.01


def test_slope__four_experiments__is_refused():
    found = slope(world(6, k=4))

    assert isinstance(found, NotEstimable)
    assert "secondary metric" in found.remedy
