import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats
from scipy.integrate import dblquad

from analysis.bayes import novelty
from analysis.bayes.novelty import Daily, trend

DAYS = np.arange(21.0)


def fading(seed, level=1.0, extra=4.0, pace=4.0, se=0.6):
    rng = np.random.default_rng(seed)
    truth = level + extra * np.exp(-DAYS / pace)
    return Daily.independent(DAYS, rng.normal(truth, se), np.full(len(DAYS), se))


def test_posterior__pace_and_spread_given__is_generalised_least_squares():
    rng = np.random.default_rng(1)
    common = 0.3 * np.ones((21, 21)) + np.diag(rng.uniform(0.2, 0.6, 21))
    daily = Daily(DAYS, rng.normal(1, 1, 21), common)

    weights, means, covariances = novelty._posterior(daily, 1e4, np.array([5.0]))

    at = 3
    spread = 0.25e4 * novelty._FARTHEST_SPREAD * ((at + 0.5) / novelty._SPREADS) ** 2
    x = np.column_stack([np.ones(21), np.exp(-DAYS / 5)])
    theirs = sm.GLS(daily.effects, x, sigma=common + spread**2 * np.eye(21))
    fit = theirs.fit()
    assert means[at] == pytest.approx(fit.params, abs=1e-3 * fit.params[0])
    assert np.sqrt(np.diag(covariances[at])) == pytest.approx(
        np.sqrt(np.diag(fit.normalized_cov_params)), rel=1e-2
    )
    assert weights.sum() == pytest.approx(1)


def test_trend__fades__agrees_with_numerical_integration():
    daily = fading(2)

    def density(spread, log_pace):
        x = np.column_stack([np.ones(21), np.exp(-DAYS / np.exp(log_pace))])
        cov = daily.covariance + spread**2 * np.eye(21) + 9 * x @ x.T
        log = stats.multivariate_normal.logpdf(daily.effects, np.zeros(21), cov)
        return float(np.exp(log + 20 - 0.5 * (spread / 0.75) ** 2))

    def level(spread, log_pace):
        x = np.column_stack([np.ones(21), np.exp(-DAYS / np.exp(log_pace))])
        inverse = np.linalg.inv(daily.covariance + spread**2 * np.eye(21))
        precision = x.T @ inverse @ x + np.eye(2) / 9
        return float(np.linalg.solve(precision, x.T @ inverse @ daily.effects)[0])

    def integral(f):
        return dblquad(f, np.log(0.7), np.log(30), 0, 2.25, epsabs=1e-9, epsrel=1e-4)[0]

    expected = integral(lambda a, b: density(a, b) * level(a, b)) / integral(density)

    assert trend(daily, 3.0).long_run.mean == pytest.approx(expected, abs=0.01)


def test_trend__fades__says_so_and_finds_what_is_left():
    found = trend(fading(5), 3.0)

    assert found.p_fades > 0.99
    assert found.slope.interval()[1] < 0
    low, high = found.long_run.interval()
    assert low < 1.0 < high
    assert found.first_day.mean == pytest.approx(5, abs=1.5)
    assert 1 < found.half_life < 8


def test_trend__steady__does_not_claim_a_change():
    found = trend(fading(6, level=2.0, extra=0.0), 3.0)

    low, high = found.slope.interval()
    assert low < 0 < high
    assert 0.02 < found.p_fades < 0.98


def test_trend__many_worlds_drawn_from_the_prior__covers():
    rng = np.random.default_rng(9)
    covered, rounds = 0, 200
    for seed in range(rounds):
        level, extra = rng.normal(0, 3.0, 2)
        pace = float(np.exp(rng.uniform(np.log(0.7), np.log(30))))
        low, high = trend(fading(seed, level, extra, pace), 3.0).long_run.interval()
        covered += low <= level <= high

    assert covered / rounds > 0.89  # 95 % less four standard errors; days add none of their own


def test_trend__less_is_better__turns_the_chance_around():
    more, less = trend(fading(5), 3.0), trend(fading(5), 3.0, sign=-1)

    assert less.p_fades == pytest.approx(1 - more.p_fades)


@pytest.mark.parametrize(
    ("days", "effects", "ses"),
    [(3, 3, 1.0), (5, 4, 1.0), (5, 5, 0.0)],
)
def test_daily__bad_input__is_refused(days, effects, ses):
    with pytest.raises(ValueError, match="days"):
        Daily.independent(np.arange(float(days)), np.zeros(effects), np.full(days, ses))


def test_trend__prior_without_spread__is_refused():
    with pytest.raises(ValueError, match="effect_sd"):
        trend(fading(1), 0.0)
