"""Against tea-tasting's RatioOfMeans, and regressions of the linearised rows by statsmodels."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import tea_tasting as tt
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.contrast import critical_t
from analysis.estimate import compare_all
from analysis.methods import compare, fieller, ratio
from analysis.plan import MetricPlan
from analysis.results import NotEstimable
from analysis.statistics.clusters import ClusterSums
from analysis.statistics.moments import Moments

ABOVE_BELOW = ("outcome", "denominator")
ALL = ("outcome", "covariate", "denominator", "covariate_denominator")
Z = 1.959963984540054


def rows(seed, n, lift=0.0):
    """Learners: how much in how many, after and before; their level stays the same."""
    rng = np.random.default_rng(seed)
    level = rng.gamma(8, 1.0, n)
    times, times_before = rng.poisson(4, n) + 1.0, rng.poisson(4, n) + 1.0
    after = times * (level + lift) + rng.normal(0, 2, n)
    before = times_before * level + rng.normal(0, 2, n)
    return np.column_stack([after, before, times, times_before])


def of(matrix, columns=ALL):
    return Moments.of(ALL, matrix).only(columns)


def table(control, treatment):
    frame = pd.DataFrame(np.concatenate([control, treatment]), columns=list(ALL))
    return frame.assign(variant=np.repeat([0, 1], [len(control), len(treatment)]))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(30, 300), st.integers(30, 300))
def test_ratio__without_a_covariate__is_tea_tastings_ratio_of_means(seed, n_control, n):
    control, treatment = rows(seed, n_control), rows(seed + 1, n, lift=0.4)

    contrast = ratio.estimate(of(control, ABOVE_BELOW), of(treatment, ABOVE_BELOW))

    metric = tt.RatioOfMeans("outcome", "denominator")
    expected = metric.analyze(table(control, treatment), 0, 1, "variant")
    reach = critical_t(Z, contrast.df) * contrast.se
    assert contrast.mean == pytest.approx(expected.treatment, rel=1e-10)
    assert contrast.mean_control == pytest.approx(expected.control, rel=1e-10)
    assert contrast.effect / contrast.se == pytest.approx(expected.statistic, rel=1e-9, abs=1e-9)
    assert contrast.p_value == pytest.approx(expected.pvalue, rel=1e-9)
    assert contrast.effect - reach == pytest.approx(expected.effect_size_ci_lower, abs=1e-9)
    assert contrast.effect + reach == pytest.approx(expected.effect_size_ci_upper, abs=1e-9)


def test_ratio__covariate__is_the_regression_of_the_linearised_rows():
    control, treatment = rows(5, 400), rows(6, 400, lift=0.3)

    contrast = compare(of(control), of(treatment))

    y, x = [], []
    for arm in (control, treatment):
        for above, below, into in ((0, 2, y), (1, 3, x)):
            share = arm[:, above].sum() / arm[:, below].sum()
            into.append(share + (arm[:, above] - share * arm[:, below]) / arm[:, below].mean())
    treated = np.repeat([0.0, 1.0], 400)
    fit = sm.OLS(np.concatenate(y), sm.add_constant(np.column_stack([treated, np.concatenate(x)])))
    assert contrast.method == "ratio"
    assert contrast.effect == pytest.approx(fit.fit().params[1], rel=1e-9)
    assert contrast.se == pytest.approx(fit.fit().bse[1], rel=1e-9)


def test_ratio__covariate_in_a_large_sample__is_near_tea_tasting():
    # tea-tasting takes its slope over both variants together, so the two meet as n grows.
    control, treatment = rows(7, 20_000), rows(8, 20_000, lift=0.1)

    contrast = compare(of(control), of(treatment))

    metric = tt.RatioOfMeans("outcome", "denominator", "covariate", "covariate_denominator")
    expected = metric.analyze(table(control, treatment), 0, 1, "variant")
    half = (expected.effect_size_ci_upper - expected.effect_size_ci_lower) / 2
    assert contrast.effect == pytest.approx(expected.effect_size, abs=0.01 * contrast.se)
    assert contrast.se * Z == pytest.approx(half, rel=1e-3)
    assert contrast.variance_reduction > 0.5


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.floats(0.01, 100))
def test_ratio__denominator_all_the_same__is_the_mean_divided_by_it(seed, size):
    control, treatment = rows(seed, 50), rows(seed + 1, 60)
    control[:, 2] = treatment[:, 2] = size

    contrast = ratio.estimate(of(control, ABOVE_BELOW), of(treatment, ABOVE_BELOW))

    plain = compare(of(control, ("outcome",)), of(treatment, ("outcome",)))
    assert contrast.effect == pytest.approx(plain.effect / size, rel=1e-9, abs=1e-12)
    assert contrast.se == pytest.approx(plain.se / size, rel=1e-9)
    assert contrast.df == pytest.approx(plain.df, rel=1e-9)


def test_ratio__relative_interval__excludes_0_exactly_when_the_test_rejects():
    for seed in range(40):
        control, treatment = rows(seed, 60), rows(seed + 100, 60, lift=0.8)
        contrast = ratio.estimate(of(control, ABOVE_BELOW), of(treatment, ABOVE_BELOW))

        found = fieller.relative(contrast, critical_t(Z, contrast.df))

        assert (contrast.p_value < 0.05) == (not found.low <= 0 <= found.high)


def teams(seed, n_teams=20, with_before=True):
    rng = np.random.default_rng(seed)
    n = rng.integers(5, 30, n_teams)
    sums = np.array([rows(seed * 100 + k, size).sum(axis=0) for k, size in enumerate(n)])
    found = ClusterSums(ALL, n, sums)
    if with_before:
        return found
    return ClusterSums(ABOVE_BELOW, n, sums[:, [0, 2]])


def test_ratio__teams__is_the_weighted_regression_on_team_ratios_with_hc2():
    control, treatment = teams(1, with_before=False), teams(2, with_before=False)

    contrast = compare(control, treatment)

    below = np.concatenate([each.sum_of("denominator") for each in (control, treatment)])
    above = np.concatenate([each.sum_of("outcome") for each in (control, treatment)])
    treated = sm.add_constant(np.repeat([0.0, 1.0], 20))
    fit = sm.WLS(above / below, treated, weights=below).fit(cov_type="HC2")
    assert contrast.effect == pytest.approx(fit.params[1], rel=1e-9)
    assert contrast.se == pytest.approx(fit.bse[1], rel=1e-9)
    assert contrast.n == 20
    assert contrast.n_learners == treatment.n_learners


def test_ratio__teams_with_a_past__are_compared_at_equal_pasts():
    plain = compare(teams(3, with_before=False), teams(4, with_before=False))
    adjusted = compare(teams(3), teams(4))

    assert adjusted.method == "ratio"
    assert adjusted.variance_reduction == pytest.approx(1 - (adjusted.se / plain.se) ** 2)


def test_ratio__a_team_without_denominator__takes_teams_as_units():
    control, treatment = teams(5, 200, with_before=False), teams(6, 200, with_before=False)
    whole = compare(control, treatment)
    treatment.sums[0] = 0.0

    contrast = compare(control, treatment)

    without = treatment.sums[1:]
    expected = without[:, 0].sum() / without[:, 1].sum()
    assert contrast.mean == pytest.approx(expected, rel=1e-12)
    assert contrast.se == pytest.approx(whole.se, rel=0.05)


def test_ratio__a_constant_past__changes_nothing():
    control, treatment = rows(9, 80), rows(10, 90)
    for arm in (control, treatment):
        arm[:, 1], arm[:, 3] = 6.0, 2.0

    adjusted, plain = (
        ratio.estimate(of(control, columns), of(treatment, columns))
        for columns in (ALL, ABOVE_BELOW)
    )

    assert adjusted == plain


@pytest.mark.parametrize(
    ("below", "reason"),
    [
        (np.zeros(30), "nobody in a variant has anything below"),
        (np.r_[1.0, np.zeros(29)], "too near 0"),
        (np.full(30, -2.0), "too near 0"),
        (np.r_[np.full(15, 2.0), np.full(15, -2.0)], "too near 0"),
    ],
)
def test_ratio__denominator_that_cannot_divide__is_refused(below, reason):
    control, treatment = rows(11, 30), rows(12, 30)
    treatment[:, 2] = below

    answer = ratio.estimate(of(control), of(treatment))

    assert isinstance(answer, NotEstimable)
    assert reason in answer.reason


@pytest.mark.parametrize(("times", "reason"), [(0.7, "the same outcome"), (0.9, "not within one")])
def test_ratio__the_same_for_every_unit__is_refused_for_want_of_variance(times, reason):
    for seed in range(40):
        control, treatment = rows(seed, 300)[:, [2, 2]], rows(seed + 1, 300)[:, [2, 2]]
        control[:, 0] *= 0.7
        treatment[:, 0] *= times
        constant = MetricPlan("done", "Done", "rate")
        both = {"a": Moments.of(ABOVE_BELOW, control), "b": Moments.of(ABOVE_BELOW, treatment)}

        compared = compare_all(constant, ("a", "b"), both)

        assert reason in compared.contrasts["b"].reason
        assert compared.spread == 0.0


def test_ratio__one_unit__is_refused():
    assert isinstance(ratio.estimate(of(rows(1, 1)), of(rows(2, 9))), NotEstimable)


def test_linearised__another_statistic__comes_back_as_it_is():
    plain = of(rows(1, 9), ("outcome",))

    assert ratio.linearised(plain) is plain
