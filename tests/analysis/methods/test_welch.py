import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from analysis.contrast import critical_t, t_to_z
from analysis.methods import compare, welch
from analysis.results import NotEstimable
from analysis.statistics.moments import Moments

ARM = arrays(np.float64, st.integers(3, 40), elements=st.floats(-100, 100, width=32))


def moments(values):
    return Moments.of(("outcome",), np.asarray(values, dtype=float)[:, None])


def varied(*arms):
    assume(all(arm.std() > 1e-3 for arm in arms))


def test_welch__unequal_variances__agrees_with_scipy_and_statsmodels():
    rng = np.random.default_rng(0)
    a, b = rng.normal(10, 2, 37), rng.normal(11, 5, 61)

    contrast = welch.estimate(moments(a), moments(b))

    expected = stats.ttest_ind(b, a, equal_var=False)
    interval = CompareMeans(DescrStatsW(b), DescrStatsW(a)).tconfint_diff(usevar="unequal")
    reach = critical_t(stats.norm.isf(0.025), contrast.df) * contrast.se
    assert contrast.effect / contrast.se == pytest.approx(expected.statistic, rel=1e-12)
    assert contrast.p_value == pytest.approx(expected.pvalue, rel=1e-10)
    assert contrast.df == pytest.approx(expected.df, rel=1e-12)
    assert (contrast.effect - reach, contrast.effect + reach) == pytest.approx(interval, rel=1e-10)


def test_welch__far_tail__keeps_the_digits_of_a_tiny_p_value():
    a, b = np.arange(50.0), np.arange(50.0) + 60

    contrast = welch.estimate(moments(a), moments(b))

    expected = stats.ttest_ind_from_stats(
        b.mean(), b.std(ddof=1), 50, a.mean(), a.std(ddof=1), 50, equal_var=False
    )
    assert contrast.p_value == pytest.approx(expected.pvalue, rel=1e-9)
    assert contrast.p_value < 1e-20


@given(ARM, ARM)
def test_welch__arms_swapped__flips_the_sign_and_nothing_else(a, b):
    varied(a, b)

    there, back = welch.estimate(moments(a), moments(b)), welch.estimate(moments(b), moments(a))

    assert there.effect == -back.effect
    assert (there.se, there.p_value) == pytest.approx((back.se, back.p_value))
    assert there.df == pytest.approx(back.df)


@given(ARM, ARM, st.floats(1e-3, 1e3))
def test_welch__another_scale__scales_effect_and_error_alike(a, b, scale):
    varied(a, b)

    plain = welch.estimate(moments(a), moments(b))
    scaled = welch.estimate(moments(a * scale), moments(b * scale))

    assert scaled.effect == pytest.approx(plain.effect * scale, rel=1e-6, abs=1e-9 * scale)
    assert scaled.se == pytest.approx(plain.se * scale, rel=1e-9)
    assert scaled.p_value == pytest.approx(plain.p_value, rel=1e-6)


def test_welch__one_unit_in_a_variant__is_not_estimable():
    assert isinstance(welch.estimate(moments([1.0]), moments([1.0, 2.0])), NotEstimable)


def test_welch__no_variance_at_all__is_not_estimable():
    answer = welch.estimate(moments([3.0, 3.0]), moments([3.0, 3.0, 3.0]))

    assert isinstance(answer, NotEstimable)
    assert "same outcome" in answer.reason


@pytest.mark.parametrize("value", [0.1, 1e8 / 3, -7e-5])
def test_welch__constant_that_binary_cannot_hold__is_not_estimable(value):
    answer = welch.estimate(moments([value] * 1000), moments([value] * 999))

    assert isinstance(answer, NotEstimable)


def test_critical_t__few_degrees_of_freedom__is_the_t_quantile():
    assert critical_t(stats.norm.isf(0.025), 6) == pytest.approx(stats.t.isf(0.025, 6))
    assert critical_t(4.877, 3) == pytest.approx(stats.t.isf(stats.norm.sf(4.877), 3))


@given(st.floats(-30, 30), st.floats(1.5, 500))
def test_t_to_z__then_back__returns_the_t(t, df):
    assume(abs(t) > 1e-6)

    z = t_to_z(t, df)

    assert critical_t(abs(z), df) * np.sign(z) == pytest.approx(t, rel=1e-6)


def test_compare__mixed_statistics__is_refused():
    from analysis.statistics.clusters import ClusterSums

    with pytest.raises(TypeError, match="by team and one by learner"):
        compare(moments([1.0, 2.0]), ClusterSums.empty(("outcome",)))
