import numpy as np
import pytest
from scipy import stats
from scipy.optimize import brentq

from analysis.across.cost import cost_per_unit
from analysis.contrast import Contrast
from analysis.methods import welch
from analysis.results import NotEstimable
from analysis.statistics.moments import Moments

Z95 = float(stats.norm.isf(0.025))


def contrast(effect, se, df=1e6):
    return Contrast("welch", 100, 100, 100, 100, 50 + effect, 50.0, se**2 / 2, se**2 / 2, 0.0, df)


def test_cost__known_price__inverts_the_interval_of_the_effect():
    found = cost_per_unit(contrast(2.0, 0.5), 10.0, Z95)

    assert found.per_unit == pytest.approx(5.0)
    assert found.low == pytest.approx(10 / (2 + Z95 * 0.5), rel=1e-5)
    assert found.high == pytest.approx(10 / (2 - Z95 * 0.5), rel=1e-5)


def test_cost__measured__is_where_the_net_effect_stops_being_significant():
    rng = np.random.default_rng(1)
    rows = [rng.normal([50 + 2 * arm, 3 + 4 * arm], [6, 2], (300, 2)) for arm in (0, 1)]
    arms = [Moments.of(("outcome", "cost"), one) for one in rows]
    effect, cost = (welch.estimate(*arms, outcome=name) for name in ("outcome", "cost"))
    covariance = sum(arm.covariance("outcome", "cost") / arm.n for arm in arms)

    found = cost_per_unit(effect, cost, Z95, covariance=covariance)

    def distance(price):
        left = [one[:, 1] - price * one[:, 0] for one in rows]
        se = np.sqrt(sum(x.var(ddof=1) / len(x) for x in left))
        return abs(left[1].mean() - left[0].mean()) / se - stats.t.isf(0.025, effect.df) * (
            stats.norm.isf(0.025) / Z95
        )

    assert found.low == pytest.approx(brentq(distance, 0, found.per_unit), rel=1e-6)
    assert found.high == pytest.approx(brentq(distance, found.per_unit, 50), rel=1e-6)


def test_cost__effect_that_may_be_zero__has_no_bound():
    found = cost_per_unit(contrast(0.5, 0.5), 10.0, Z95)

    assert (found.low, found.high) == (None, None)


@pytest.mark.parametrize(("value", "pays"), [(20.0, True), (1.0, False), (5.5, None)])
def test_cost__value_per_unit__says_whether_it_pays(value, pays):
    found = cost_per_unit(contrast(2.0, 0.5), 10.0, Z95, value_per_unit=value)

    assert found.pays is pays
    assert found.net_value == pytest.approx(value * 2 - 10)
    assert found.net_low < found.net_value < found.net_high


def test_cost__less_is_better__counts_the_decrease():
    found = cost_per_unit(contrast(-2.0, 0.5), 10.0, Z95, sign=-1)

    assert found.per_unit == pytest.approx(5.0)


def test_cost__same_price__is_refused():
    assert isinstance(cost_per_unit(contrast(2.0, 0.5), 0.0, Z95), NotEstimable)
