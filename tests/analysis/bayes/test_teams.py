import numpy as np
import pytest
from scipy import stats
from scipy.integrate import dblquad

from analysis.bayes.prior import Prior
from analysis.bayes.teams import NO_SPREAD, TOO_FEW_TEAMS, estimate
from analysis.statistics.clusters import ClusterSums

VAGUE = Prior(sd=1e6)


def teams(means, sizes):
    sizes = np.array(sizes, dtype=np.int64)
    return ClusterSums(("outcome",), sizes, (np.array(means, dtype=float) * sizes)[:, None])


def draw(rng, n_teams, effect=0.0, icc=0.2, largest=25):
    sizes = rng.integers(5, largest, n_teams)
    means = effect + rng.normal(0, np.sqrt(icc + (1 - icc) / sizes))
    return teams(10 + 4 * means, sizes)


def test_estimate__equal_teams_and_flat_prior__is_the_t_test_on_team_means():
    control, treatment = [1.0, 3.0, 2.5, 1.8, 2.2], [3.2, 2.9, 4.1, 3.9, 3.0]

    found = estimate(teams(control, [9] * 5), teams(treatment, [9] * 5), VAGUE)

    t = stats.ttest_ind(treatment, control)
    low, high = t.confidence_interval(0.95)
    assert found.effect.interval() == pytest.approx((low, high), abs=2e-3)
    assert found.effect.above(0) == pytest.approx(stats.t.cdf(t.statistic, 8), abs=1e-4)


def test_estimate__uneven_teams_and_prior__agrees_with_numerical_integration():
    y = np.array([1.0, 3.0, 2.5, 4.0, 3.0, 5.0])
    n = np.array([3, 30, 8, 5, 12, 40])
    treated = np.array([0, 0, 0, 1, 1, 1])
    x = np.column_stack([np.ones(6), treated])

    def density(log_s, icc):
        cov = np.diag(np.exp(2 * log_s) * (icc + (1 - icc) / n))
        # A flat mean is a very wide one.
        wide = cov + x @ np.diag([1e4, 2.0**2]) @ x.T
        return float(
            np.exp(stats.multivariate_normal.logpdf(y, np.zeros(6), wide) + 20)
            * stats.beta.pdf(icc, 2, 8)
        )

    def mean(log_s, icc):
        cov = np.diag(np.exp(2 * log_s) * (icc + (1 - icc) / n))
        inverse = np.linalg.inv(cov)
        precision = x.T @ inverse @ x + np.diag([1e-4, 0.25])
        return float(np.linalg.solve(precision, x.T @ inverse @ y)[1])

    def integral(f):
        return dblquad(f, 0, 1, -2.5, 4, epsabs=1e-9, epsrel=1e-4)[0]

    expected = integral(lambda a, b: density(a, b) * mean(a, b)) / integral(density)

    found = estimate(teams(y[:3], n[:3]), teams(y[3:], n[3:]), Prior(sd=2.0))

    assert found.effect.mean == pytest.approx(expected, rel=2e-3)


def test_estimate__arms_swapped__turns_around():
    rng = np.random.default_rng(0)
    a, b = draw(rng, 5), draw(rng, 6, 0.5)

    there, back = estimate(a, b, Prior(3.0)), estimate(b, a, Prior(3.0))

    assert back.effect.mean == pytest.approx(-there.effect.mean)
    assert back.icc == pytest.approx(there.icc)


# 93.0 and 95.2 % in 3,000 rounds: s has an improper prior and cannot be drawn from it, which
# three teams a variant still notice.
@pytest.mark.parametrize(("n_teams", "expected"), [(3, 0.93), (6, 0.952)])
def test_estimate__few_teams__interval_covers_the_truth(n_teams, expected):
    rng = np.random.default_rng(n_teams)
    covered, rounds = 0, 250
    for _ in range(rounds):
        icc = rng.beta(2, 8)
        effect = float(rng.normal(0, 0.5))
        found = estimate(draw(rng, n_teams, 0, icc), draw(rng, n_teams, effect, icc), Prior(2.0))
        low, high = found.effect.interval()
        covered += low <= 4 * effect <= high

    assert covered / rounds == pytest.approx(expected, abs=0.065)  # four standard errors


def test_estimate__many_teams__finds_the_icc():
    rng = np.random.default_rng(2)

    found = estimate(
        draw(rng, 300, icc=0.5, largest=60), draw(rng, 300, icc=0.5, largest=60), VAGUE
    )

    assert found.icc_low < 0.5 < found.icc_high


@pytest.mark.parametrize(
    ("control", "treatment", "why"),
    [
        (teams([1.0], [5]), teams([1.0, 2, 3, 4], [5] * 4), TOO_FEW_TEAMS),
        (teams([1.0, 2], [5] * 2), teams([1.0, 2], [5] * 2), TOO_FEW_TEAMS),
        (teams([1.0] * 3, [5] * 3), teams([2.0] * 3, [5] * 3), NO_SPREAD),
    ],
)
def test_estimate__too_little__says_so(control, treatment, why):
    assert estimate(control, treatment, VAGUE) == why
