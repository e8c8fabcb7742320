import numpy as np
import pytest
from scipy import stats
from scipy.optimize import brentq
from statsmodels.sandbox.regression.gmm import IV2SLS

from analysis.methods import complier, welch
from analysis.results import NotEstimable
from analysis.statistics.moments import Moments

COLUMNS = ("outcome", "taken")
Z95 = float(stats.norm.isf(0.025))


def world(seed, n=400, uptake=0.6, effect=4.0):
    """Eager learners take the offer up and do better anyway: comparing takers would mislead."""
    rng = np.random.default_rng(seed)
    eager = rng.normal(0, 1, 2 * n)
    offered = np.repeat([0.0, 1.0], n)
    taken = offered * (eager > stats.norm.ppf(1 - uptake))
    outcome = 50 + 5 * eager + effect * taken + rng.normal(0, 3, 2 * n)
    return offered, taken, outcome


def arms(offered, taken, outcome):
    rows = np.column_stack([outcome, taken])
    return Moments.of(COLUMNS, rows[offered == 0]), Moments.of(COLUMNS, rows[offered == 1])


def test_complier__agrees_with_two_stage_least_squares():
    offered, taken, outcome = world(1)

    found = complier.estimate(*arms(offered, taken, outcome), Z95)

    ones = np.ones_like(taken)
    fit = IV2SLS(outcome, np.column_stack([ones, taken]), np.column_stack([ones, offered])).fit()
    assert found.effect == pytest.approx(fit.params[1], rel=1e-10)
    assert found.se == pytest.approx(fit.bse[1], rel=0.05)  # that one pools the variances


def test_complier__interval__is_where_the_test_of_the_offer_stops_rejecting():
    offered, taken, outcome = world(2, n=120)
    control, treatment = arms(offered, taken, outcome)
    found = complier.estimate(control, treatment, Z95)

    def distance(effect):
        left = outcome - effect * taken
        a, b = left[offered == 1], left[offered == 0]
        t = (a.mean() - b.mean()) / np.sqrt(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b))
        return abs(t) - stats.t.isf(0.025, found.df)

    assert found.low == pytest.approx(brentq(distance, found.effect - 50, found.effect))
    assert found.high == pytest.approx(brentq(distance, found.effect, found.effect + 50))


def test_complier__excludes_zero_exactly_when_the_offer_does():
    rng = np.random.default_rng(3)
    seen = set()
    for _ in range(200):
        control, treatment = arms(*world(int(rng.integers(1 << 31)), n=60, effect=2.0))
        found = complier.estimate(control, treatment, Z95)
        rejects = welch.estimate(control, treatment).p_value < 0.05
        excludes = found.low is not None and (found.low > 0 or found.high < 0)
        seen.add(rejects)
        if found.low is not None:
            assert excludes == rejects

    assert seen == {True, False}


def test_complier__interval__covers_the_compliers_effect():
    rng = np.random.default_rng(4)
    covered = 0
    for _ in range(1_000):
        found = complier.estimate(*arms(*world(int(rng.integers(1 << 31)), n=80)), Z95)
        covered += found.low is None or found.low <= 4.0 <= found.high

    assert 922 <= covered <= 978


def test_complier__hardly_anybody_moved__is_unbounded():
    offered, taken, outcome = world(5, n=50, uptake=0.04)

    found = complier.estimate(*arms(offered, taken, outcome), Z95)

    assert (found.low, found.high) == (None, None)


def test_complier__everybody_took_it_up__is_the_effect_of_the_offer():
    offered, _, outcome = world(6, uptake=0.5)
    found = complier.estimate(*arms(offered, offered, outcome), Z95)

    plain = welch.estimate(*arms(offered, offered, outcome))
    assert (found.effect, found.se) == pytest.approx((plain.effect, plain.se))
    assert found.offered == found.effect


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_complier__nobody_moved__is_refused(share):
    offered, _, outcome = world(7, n=20)

    found = complier.estimate(*arms(offered, np.full_like(offered, share), outcome), Z95)

    assert isinstance(found, NotEstimable)
    assert "took it up" in found.reason


def test_complier__one_unit__is_refused():
    offered, taken, outcome = world(8, n=1)

    assert isinstance(complier.estimate(*arms(offered, taken, outcome), Z95), NotEstimable)
