import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis.methods import compare, cuped, welch
from analysis.results import NotEstimable
from analysis.statistics.moments import Moments

COLUMNS = ("outcome", "covariate")


def arms(seed, n_control=150, n=150, rho=0.7, gap=0.3):
    rng = np.random.default_rng(seed)
    before = rng.normal(50, 10, n_control + n)
    before[n_control:] += gap
    after = rho * before + rng.normal(0, 10 * (1 - rho**2) ** 0.5, n_control + n)
    rows = np.column_stack([after, before])
    rows[n_control:, 0] += 2
    return rows[:n_control], rows[n_control:]


def of(rows):
    return Moments.of(COLUMNS, rows)


def ols(control, treatment):
    rows = np.concatenate([control, treatment])
    treated = np.repeat([0.0, 1.0], [len(control), len(treatment)])
    design = sm.add_constant(np.column_stack([treated, rows[:, 1] - rows[:, 1].mean()]))
    return sm.OLS(rows[:, 0], design).fit()


def test_cuped__equal_arms__agrees_with_the_regression_on_the_covariate():
    control, treatment = arms(1)

    contrast = cuped.estimate(of(control), of(treatment))

    fit = ols(control, treatment)
    assert contrast.effect == pytest.approx(fit.params[1], rel=1e-10)
    assert contrast.se == pytest.approx(fit.bse[1], rel=1e-10)
    assert contrast.mean_control == pytest.approx(fit.params[0], rel=1e-10)
    assert contrast.df == pytest.approx(fit.df_resid, rel=0.03)


def test_cuped__unequal_arms_and_variances__agrees_with_robust_regression():
    control, treatment = arms(2, n_control=300, n=900)
    treatment[:, 0] += np.random.default_rng(5).normal(0, 12, len(treatment))

    contrast = cuped.estimate(of(control), of(treatment))

    fit = ols(control, treatment).get_robustcov_results("HC2")
    assert contrast.effect == pytest.approx(fit.params[1], rel=1e-10)
    assert contrast.se == pytest.approx(fit.bse[1], rel=0.01)


def test_cuped__large_sample__is_welch_on_the_adjusted_outcomes():
    control, treatment = arms(3, 4000, 4000)

    contrast = cuped.estimate(of(control), of(treatment))

    slope = ols(control, treatment).params[2]
    expected = stats.ttest_ind(
        treatment[:, 0] - slope * treatment[:, 1],
        control[:, 0] - slope * control[:, 1],
        equal_var=False,
    )
    assert contrast.effect / contrast.se == pytest.approx(expected.statistic, rel=1e-3)


def test_cuped__correlated_covariate__removes_the_squared_correlation_of_the_variance():
    control, treatment = arms(4, 5000, 5000, rho=0.6)

    contrast = cuped.estimate(of(control), of(treatment))

    assert contrast.variance_reduction == pytest.approx(0.36, abs=0.03)


@pytest.mark.parametrize("value", [0.0, 7.3, 1e9])
def test_cuped__constant_covariate__leaves_the_unadjusted_estimate(value):
    control, treatment = arms(5)
    control[:, 1] = treatment[:, 1] = value

    contrast = cuped.estimate(of(control), of(treatment))

    assert contrast == welch.estimate(of(control), of(treatment))


@settings(max_examples=50)
@given(st.integers(0, 10_000), st.integers(3, 60), st.integers(3, 60))
def test_cuped__arms_swapped__flips_the_sign(seed, n_control, n):
    control, treatment = arms(seed, n_control, n)

    there = cuped.estimate(of(control), of(treatment))
    back = cuped.estimate(of(treatment), of(control))

    assert there.effect == pytest.approx(-back.effect, abs=1e-9)
    assert there.se == pytest.approx(back.se)


def test_cuped__outcome_wholly_explained__says_that_the_covariate_is_the_outcome():
    control, treatment = arms(7)
    control[:, 1], treatment[:, 1] = 2 * control[:, 0], 2 * treatment[:, 0]

    answer = cuped.estimate(of(control), of(treatment))

    assert isinstance(answer, NotEstimable)
    assert "without remainder" in answer.reason


def test_compare__covariate_collected__uses_it():
    control, treatment = arms(6)

    assert compare(of(control), of(treatment)).method == "cuped"
