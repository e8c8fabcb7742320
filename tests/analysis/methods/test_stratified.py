"""Against estimatr's blocked differences in means and saturated regressions by statsmodels."""

from functools import reduce
from operator import add

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.contrast import critical_t
from analysis.methods import compare, cuped, stratified, welch
from analysis.results import NotEstimable
from analysis.statistics.moments import Moments
from analysis.statistics.strata import Strata
from tests.oracles.rscript import values

COLUMNS = ("outcome", "covariate")
CASES = values("stratified")["cases"]


def by_stratum(stratum, rows, columns=COLUMNS):
    return {
        str(name): Moments.of(columns, rows[stratum == name][:, : len(columns)])
        for name in np.unique(stratum)
    }


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_stratified__blocks__is_estimatrs_difference_in_means(case):
    y, treated, block = (np.array(case[name], dtype=float) for name in ("y", "treated", "block"))
    parts = [
        by_stratum(block[treated == arm], y[treated == arm][:, None], ("outcome",))
        for arm in (0, 1)
    ]

    contrast = stratified.estimate(*parts)

    assert contrast.effect == pytest.approx(case["estimate"], rel=1e-9)
    assert contrast.se == pytest.approx(case["se"], rel=1e-9)


def draw(seed, n=240, n_strata=4, effect=1.0):
    """Strata of uneven sizes and shares; both outcome and covariate depend on them."""
    rng = np.random.default_rng(seed)
    stratum = np.r_[np.repeat(np.arange(n_strata), 6), rng.integers(0, n_strata, n - 6 * n_strata)]
    treated = rng.random(n) < 0.3 + 0.1 * stratum
    treated[: 6 * n_strata] = np.tile([True, False], 3 * n_strata)
    before = rng.normal(3.0 * stratum, 2)
    after = before + 2 * stratum + rng.normal(effect * treated, 1 + stratum)
    return stratum, treated, np.column_stack([after, before])


def parts_of(stratum, treated, rows):
    return [by_stratum(stratum[treated == arm], rows[treated == arm]) for arm in (False, True)]


def saturated(stratum, treated, rows, with_before):
    """OLS with one mean per stratum and variant; the contrast weighs strata by size."""
    names = np.unique(stratum)
    cells = [(name, arm) for name in names for arm in (False, True)]
    design = np.column_stack([(stratum == s) & (treated == arm) for s, arm in cells]).astype(float)
    weights = np.array([(stratum == s).mean() * (1 if arm else -1) for s, arm in cells])
    if with_before:
        design = np.column_stack([design, rows[:, 1]])
        weights = np.r_[weights, 0.0]
    return sm.OLS(rows[:, 0], design).fit(), weights


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_stratified__no_covariate__is_the_saturated_regression_with_hc2(seed):
    drawn = draw(seed)

    contrast = stratified.estimate(*parts_of(*drawn))

    fit, weights = saturated(*drawn, with_before=False)
    test = fit.get_robustcov_results("HC2").t_test(weights)
    assert contrast.effect == pytest.approx(test.effect[0], rel=1e-9)
    assert contrast.se == pytest.approx(test.sd[0, 0], rel=1e-9)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_stratified__covariate__is_the_saturated_regression_on_it(seed):
    drawn = draw(seed)

    contrast = stratified.estimate(*parts_of(*drawn), covariate="covariate")

    fit, weights = saturated(*drawn, with_before=True)
    test = fit.get_robustcov_results("HC2").t_test(weights)
    assert contrast.effect == pytest.approx(test.effect[0], rel=1e-9)
    assert contrast.se == pytest.approx(test.sd[0, 0], rel=0.05)
    assert contrast.variance_reduction > 0


def test_stratified__one_stratum__is_welch_and_cuped():
    _, treated, rows = draw(3)
    control, treatment = (Moments.of(COLUMNS, rows[treated == arm]) for arm in (False, True))

    plain = stratified.estimate({"": control}, {"": treatment})
    adjusted = stratified.estimate({"": control}, {"": treatment}, covariate="covariate")

    for found, expected in (
        (plain, welch.estimate(control, treatment)),
        (adjusted, cuped.estimate(control, treatment)),
    ):
        for name in ("effect", "mean", "variance", "variance_control", "covariance", "df"):
            assert getattr(found, name) == pytest.approx(getattr(expected, name), rel=1e-9)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_stratified__arms_swapped__flips_the_sign(seed):
    control, treatment = parts_of(*draw(seed))

    there = stratified.estimate(control, treatment, covariate="covariate")
    back = stratified.estimate(treatment, control, covariate="covariate")

    assert there.effect == pytest.approx(-back.effect, abs=1e-9)
    assert there.se == pytest.approx(back.se)


def test_stratified__a_stratum_with_one_unit__joins_the_other_small_ones():
    control, treatment = parts_of(*draw(5))
    lonely = Moments.of(COLUMNS, np.array([[9.0, 3.0]]))
    pair = Moments.of(COLUMNS, np.array([[7.0, 2.0], [8.0, 4.0]]))

    contrast = stratified.estimate(
        {**control, "x": lonely, "y": lonely}, {**treatment, "x": pair, "y": lonely}
    )

    together = stratified.estimate(
        {**control, "xy": lonely + lonely}, {**treatment, "xy": pair + lonely}
    )
    assert contrast.effect == pytest.approx(together.effect)
    assert (contrast.se, contrast.n) == (pytest.approx(together.se), together.n)
    alone = stratified.estimate({**control, "x": lonely}, {**treatment, "x": pair})
    assert alone.n == sum(part.n for part in treatment.values()) + 2


def test_stratified__fewer_than_two_units__is_refused():
    one = {"a": Moments.of(("outcome",), np.ones((1, 1)))}

    assert isinstance(stratified.estimate(one, one), NotEstimable)
    assert isinstance(stratified.estimate({}, {}), NotEstimable)


def test_stratified__constant_outcome_or_covariate__is_handled():
    control, treatment = parts_of(*draw(6))
    flat = {
        name: part.linear(COLUMNS, np.array([[1.0, 0], [0, 0]]), np.array([0, 5.0]))
        for name, part in control.items()
    }
    flat_treatment = {
        name: part.linear(COLUMNS, np.array([[1.0, 0], [0, 0]]), np.array([0, 5.0]))
        for name, part in treatment.items()
    }
    same = {"a": Moments.of(COLUMNS, np.full((5, 2), 3.0))}

    assert stratified.estimate(flat, flat_treatment, covariate="covariate") == stratified.estimate(
        flat, flat_treatment
    )
    assert isinstance(stratified.estimate(same, same), NotEstimable)


def test_strata__merged__are_the_total_and_their_parts():
    stratum, treated, rows = draw(8)
    first, second = parts_of(stratum, treated, rows)

    both = Strata.of_parts(COLUMNS, first) + Strata.of_parts(COLUMNS, second)

    whole = Moments.of(COLUMNS, rows)
    assert both.n == whole.n
    assert both.m2 == pytest.approx(whole.m2, rel=1e-9)
    assert both.parts["2"].n == int((stratum == 2).sum())
    assert reduce(add, both.parts.values()).mean == pytest.approx(whole.mean)


def test_compare__strata_collected__uses_them():
    parts = [Strata.of_parts(COLUMNS, each) for each in parts_of(*draw(9))]

    contrast = compare(*parts)

    assert contrast.method == "stratified"
    assert contrast == stratified.estimate(parts[0].parts, parts[1].parts, covariate="covariate")


def test_stratified__repeated_draws__covers_the_truth():
    hits = 0
    for seed in range(800):
        contrast = stratified.estimate(*parts_of(*draw(seed, n=60)), covariate="covariate")
        reach = critical_t(1.959963984540054, contrast.df) * contrast.se
        hits += abs(contrast.effect - 1.0) < reach

    # 95 % with a Monte-Carlo error of .8 %: four of them each way.
    assert 0.919 < hits / 800 < 0.981
