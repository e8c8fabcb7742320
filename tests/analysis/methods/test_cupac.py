"""Against statsmodels: OLS on several covariates, and ridge regression on rows."""

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.contrast import critical_t
from analysis.methods import cupac, cuped, welch
from analysis.results import NotEstimable
from analysis.statistics.moments import Moments

FEATURES = ("a", "b", "c")
COLUMNS = ("outcome", *FEATURES)


def draw(seed, n=400, effect=1.0, noise=1.0):
    rng = np.random.default_rng(seed)
    x = rng.normal(5, [1, 2, 3], (n, 3)) @ np.array([[1, 0.3, 0], [0, 1, 0.5], [0, 0, 1]])
    treated = np.arange(n) % 2 == 0
    y = x @ [0.8, -0.5, 0.3] + effect * treated + rng.normal(0, noise, n)
    return np.column_stack([y, x]), treated


def arms(rows, treated, columns=COLUMNS):
    return [Moments.of(columns, rows[treated == arm]) for arm in (False, True)]


def ols(rows, treated, covariates=slice(1, None)):
    x = rows[:, covariates]
    return sm.OLS(rows[:, 0], sm.add_constant(np.column_stack([treated, x - x.mean(axis=0)]))).fit()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([20, 60, 400]))
def test_cupac__equal_arms__is_the_regression_on_all_covariates(seed, n):
    rows, treated = draw(seed, n)

    contrast = cupac.estimate(*arms(rows, treated), "outcome", FEATURES)

    fit = ols(rows, treated)
    assert contrast.effect == pytest.approx(fit.params[1], rel=1e-9)
    assert contrast.se == pytest.approx(fit.bse[1], rel=1e-9)
    assert contrast.mean_control == pytest.approx(fit.params[0], rel=1e-9)


def test_cupac__unequal_arms_and_variances__is_near_robust_regression():
    rng = np.random.default_rng(1)
    rows, _ = draw(1, 3000)
    treated = rng.random(3000) < 0.25
    rows[treated, 0] += rng.normal(0, 3, treated.sum())

    contrast = cupac.estimate(*arms(rows, treated), "outcome", FEATURES)

    fit = ols(rows, treated).get_robustcov_results("HC2")
    assert contrast.effect == pytest.approx(fit.params[1], rel=1e-9)
    assert contrast.se == pytest.approx(fit.bse[1], rel=0.02)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_cupac__one_covariate__is_cuped(seed):
    control, treatment = arms(*draw(seed, 80))

    found = cupac.estimate(control, treatment, "outcome", ("a",))

    expected = cuped.estimate(control, treatment, "outcome", "a")
    for name in ("effect", "mean", "variance", "variance_control", "covariance", "df"):
        assert getattr(found, name) == pytest.approx(getattr(expected, name), rel=1e-9, abs=1e-15)
    assert found.variance_reduction == pytest.approx(expected.variance_reduction, abs=1e-9)


def test_cupac__constant_or_copied_covariates__change_nothing():
    rows, treated = draw(2)
    padded = np.column_stack([rows, np.full(len(rows), 1e9), 2 * rows[:, 1] + 7])
    columns = (*COLUMNS, "constant", "copy")

    found = cupac.estimate(
        *arms(padded, treated, columns), "outcome", (*FEATURES, "constant", "copy")
    )

    expected = cupac.estimate(*arms(rows, treated), "outcome", FEATURES)
    assert found.effect == pytest.approx(expected.effect, rel=1e-9)
    assert found.se == pytest.approx(expected.se, rel=1e-9)
    only_constant = cupac.estimate(*arms(padded, treated, columns), "outcome", ("constant",))
    assert only_constant == welch.estimate(*arms(rows, treated))


def test_cupac__covariates_explain_all__is_refused():
    rows, treated = draw(3, noise=0.0, effect=0.0)

    answer = cupac.estimate(*arms(rows, treated), "outcome", FEATURES)

    assert isinstance(answer, NotEstimable)
    assert "without remainder" in answer.reason


@pytest.mark.parametrize("penalty", [0.0, 1.0, 40.0])
def test_fit__moments__is_ridge_regression_on_scaled_rows(penalty):
    rows, _ = draw(4, 120)

    model = cupac.fit(Moments.of(COLUMNS, rows), "outcome", FEATURES, penalty)

    x = rows[:, 1:]
    scaled = (x - x.mean(axis=0)) / x.std(axis=0)
    # statsmodels minimises rss / 2n + alpha/2 |w|^2.
    fit = sm.OLS(rows[:, 0] - rows[:, 0].mean(), scaled)
    found = fit.fit_regularized(alpha=penalty / 120, L1_wt=0.0).params / x.std(axis=0)
    assert model.weights == pytest.approx(found, rel=1e-9)
    predicted = model.intercept + x @ np.array(model.weights)
    assert predicted.mean() == pytest.approx(rows[:, 0].mean())
    residual = rows[:, 0] - predicted
    assert model.explained == pytest.approx(1 - residual.var() / rows[:, 0].var(), rel=1e-9)


def test_predict__moments__are_those_of_predicted_rows():
    rows, _ = draw(5)
    model = cupac.fit(Moments.of(COLUMNS, rows), "outcome", FEATURES)

    found = cupac.predict(model, Moments.of(COLUMNS, rows))

    predicted = model.intercept + rows[:, 1:] @ np.array(model.weights)
    expected = Moments.of(("outcome", "covariate"), np.column_stack([rows[:, 0], predicted]))
    assert found.columns == expected.columns
    assert found.mean == pytest.approx(expected.mean)
    assert found.m2 == pytest.approx(expected.m2, rel=1e-9)


def test_fit__constant_feature__gets_no_weight():
    rows, _ = draw(6)
    rows[:, 2] = 3.0

    model = cupac.fit(Moments.of(COLUMNS, rows), "outcome", FEATURES)

    assert model.weights[1] == 0.0
    assert isinstance(cupac.fit(Moments.of(COLUMNS, rows[:3]), "outcome", FEATURES), NotEstimable)


def test_cupac__model_of_earlier_time__removes_variance_and_stays_honest():
    """Features of two windows ago predict the last; the last window's predict the outcome."""
    hits, gains = 0, []
    for seed in range(400):
        rng = np.random.default_rng(seed)
        level = rng.normal(0, 1, (120, 3))
        earlier, last = (level + rng.normal(0, 0.7, (120, 3)) for _ in range(2))
        weights = np.array([1.0, 0.7, -0.5])
        target = earlier @ weights + rng.normal(0, 0.7, 120)
        treated = rng.random(120) < 0.5
        outcome = last @ weights + 0.5 * treated + rng.normal(0, 0.7, 120)
        model = cupac.fit(
            Moments.of(COLUMNS, np.column_stack([target, earlier])), "outcome", FEATURES
        )
        now = np.column_stack([outcome, last])

        contrast = cuped.estimate(*(cupac.predict(model, arm) for arm in arms(now, treated)))

        gains.append(contrast.variance_reduction)
        hits += abs(contrast.effect - 0.5) < critical_t(1.96, contrast.df) * contrast.se

    # 95 % with a Monte-Carlo error of 1.1 %: four of them each way.
    assert 0.906 < hits / 400 < 0.99
    assert np.mean(gains) > 0.6
