"""Against statsmodels' score and Newcombe methods for two independent proportions."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import optimize, stats
from statsmodels.stats.proportion import (
    confint_proportions_2indep,
    score_test_proportions_2indep,
)

from analysis.contrast import NO_VARIANCE, critical_t
from analysis.methods import compare, fieller, proportion, welch
from analysis.methods.proportion import (
    difference_interval,
    newcombe_interval,
    non_inferiority_p,
    ratio_interval,
    ratio_score,
    score,
)
from analysis.results import NotEstimable
from analysis.statistics.moments import Moments
from tests.oracles.rscript import values

Z = 1.959963984540054
SIZE = st.integers(2, 400)


@st.composite
def counts(draw):
    n = draw(SIZE)
    return draw(st.integers(0, n)), n


def of(k, n):
    return Moments.of(("outcome",), np.repeat([1.0, 0.0], [k, n - k])[:, None])


def varied(a, b):
    assume(0 < a[0] + b[0] < a[1] + b[1])


CASES = values("proportions")["cases"]


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_score__any_difference_or_ratio__is_rpacts(case):
    control, treatment = tuple(case["control"]), tuple(case["treatment"])
    n = control[1] + treatment[1]

    statistic = {"diff": score, "ratio": ratio_score}[case["method"]]

    # Farrington and Manning leave out Miettinen and Nurminen's n / (n - 1).
    expected = case["z"] * ((n - 1) / n) ** 0.5
    assert statistic(control, treatment, case["theta"]) == pytest.approx(expected, rel=1e-9)


@settings(max_examples=200)
@given(counts(), counts())
def test_estimate__no_difference__is_the_score_test_of_statsmodels(control, treatment):
    varied(control, treatment)

    contrast = proportion.estimate(of(*control), of(*treatment))

    expected = score_test_proportions_2indep(*treatment, *control, value=0, compare="diff")
    assert contrast.effect / contrast.se == pytest.approx(expected.statistic, rel=1e-9, abs=1e-9)
    assert contrast.p_value == pytest.approx(expected.pvalue, rel=1e-7)
    assert score(control, treatment) == pytest.approx(expected.statistic, rel=1e-6, abs=1e-7)


@settings(max_examples=200)
@given(counts(), counts(), st.floats(0.05, 20))
def test_ratio_score__any_ratio__is_statsmodels_score_test(control, treatment, ratio):
    varied(control, treatment)
    assume(abs(ratio - 1) > 1e-3)
    assume(abs(treatment[0] / treatment[1] - ratio * control[0] / control[1]) > 1e-6)

    expected = score_test_proportions_2indep(*treatment, *control, value=ratio, compare="ratio")

    assume(max(expected.prop1_null, expected.prop2_null) < 1 - 1e-6)
    assume(min(expected.prop1_null, expected.prop2_null) > 1e-9)
    assert ratio_score(control, treatment, ratio) == pytest.approx(expected.statistic, rel=1e-6)


@pytest.mark.parametrize(
    ("control", "treatment"),
    [((7, 50), (15, 60)), ((3, 200), (9, 190)), ((12, 40), (5, 35)), ((18, 300), (21, 310))],
)
@pytest.mark.parametrize("alpha", [0.1, 0.05, 0.01])
def test_intervals__counts_of_both_kinds__are_those_of_statsmodels(control, treatment, alpha):
    z = stats.norm.isf(alpha / 2)

    def expected(compare, method):
        return confint_proportions_2indep(
            *treatment, *control, method=method, compare=compare, alpha=alpha
        )

    found = difference_interval(control, treatment, z)
    ratios = ratio_interval(control, treatment, z)
    # statsmodels 0.15 has a count for a size in its cubic, so its own score interval is not used.
    assert [by_optimiser(control, treatment, d) for d in found] == pytest.approx([z, -z], rel=1e-6)
    assert newcombe_interval(control, treatment, z) == pytest.approx(
        expected("diff", "newcomb"), abs=1e-12
    )
    assert ratios == pytest.approx(expected("ratio", "score"), rel=1e-7)


@pytest.mark.parametrize("margin", [0.02, 0.1])
def test_non_inferiority__margin__is_a_score_test_of_the_likelihood_maximised_by_scipy(margin):
    assert non_inferiority_p((36, 210), (31, 200), margin) == pytest.approx(
        stats.norm.sf(by_optimiser((36, 210), (31, 200), -margin)), rel=1e-6
    )


def by_optimiser(control, treatment, difference):
    """The score with the constrained likelihood maximised numerically."""
    (k0, n0), (k1, n1) = control, treatment

    def unlikely(p):
        return -stats.binom.logpmf(k0, n0, p) - stats.binom.logpmf(k1, n1, p + difference)

    limits = (max(0, -difference) + 1e-9, min(1, 1 - difference) - 1e-9)
    p = optimize.minimize_scalar(unlikely, bounds=limits, options={"xatol": 1e-10}).x
    q = p + difference
    variance = (p * (1 - p) / n0 + q * (1 - q) / n1) * (n0 + n1) / (n0 + n1 - 1)
    return (k1 / n1 - k0 / n0 - difference) / variance**0.5


@settings(max_examples=100)
@given(counts(), counts(), st.floats(0.5, 5))
def test_bounds__any_counts__exclude_0_exactly_when_the_test_rejects(control, treatment, z):
    varied(control, treatment)
    contrast = proportion.estimate(of(*control), of(*treatment))
    statistic = abs(contrast.effect / contrast.se)
    assume(abs(statistic - z) > 1e-6)

    low, high = contrast.bounds(z)
    relative = fieller.relative(contrast, critical_t(z, contrast.df))

    assert -1 <= low <= contrast.effect <= high <= 1
    assert (low > 0 or high < 0) == (statistic > z)
    assert relative.low >= -1
    beyond = relative.high is not None and relative.high < 0
    assert (relative.low > 0 or beyond) == (statistic > z)


@settings(max_examples=50)
@given(counts(), counts())
def test_bounds__arms_swapped__flip_the_sign(control, treatment):
    varied(control, treatment)

    low, high = difference_interval(control, treatment, Z)
    back = difference_interval(treatment, control, Z)

    assert (low, high) == pytest.approx((-back[1], -back[0]), abs=1e-8)


def test_relative__nobody_in_the_control__has_no_upper_end():
    found = fieller.relative(proportion.estimate(of(0, 50), of(6, 50)), Z)

    assert found.estimate is None
    assert found.low > -1
    assert found.high is None


def test_compare__few_ones__takes_the_score_test_and_many_do_not():
    assert compare(of(5, 200), of(60, 200)).method == "proportion"
    assert compare(of(190, 200), of(100, 200)).method == "proportion"
    assert compare(of(60, 200), of(80, 200)).method == "welch"


def test_compare__other_numbers_that_add_up_to_a_whole__are_means():
    values = np.array([0.5, 0.5, 3.0, 0.0, 1.0])
    rows = Moments.of(("outcome",), values[:, None])

    assert compare(rows, of(2, 5)).method == "welch"
    with pytest.raises(ValueError, match="only 0 and 1"):
        proportion.estimate(rows, of(2, 5))


def test_estimate__nobody_at_all__has_nothing_to_compare():
    assert proportion.estimate(of(0, 20), of(0, 30)) == NO_VARIANCE
    assert isinstance(proportion.estimate(of(1, 1), of(0, 30)), NotEstimable)


def tails(method, n_control, n, p):
    """How often a 95 % interval lies wholly above and wholly below the truth: exact sums."""
    ks = [np.arange(int(stats.binom.ppf(1 - 1e-8, m, p)) + 1) for m in (n_control, n)]
    weights = [stats.binom.pmf(k, m, p) for k, m in zip(ks, (n_control, n), strict=True)]
    above = below = 0.0
    for k0, w0 in zip(ks[0], weights[0], strict=True):
        for k1, w1 in zip(ks[1], weights[1], strict=True):
            if w0 * w1 < 1e-9:
                continue
            low, high = method((int(k0), n_control), (int(k1), n))
            above += w0 * w1 * (low > 0)
            below += w0 * w1 * (high < 0)
    return above, below


def welch_interval(control, treatment):
    found = welch.estimate(of(*control), of(*treatment))
    return (0.0, 0.0) if isinstance(found, NotEstimable) else found.bounds(Z)


def test_difference_interval__small_uneven_counts__errs_less_to_one_side_than_a_t_interval():
    score_tails = tails(lambda a, b: difference_interval(a, b, Z), 600, 150, 0.02)
    welch_tails = tails(welch_interval, 600, 150, 0.02)

    assert max(score_tails) < 0.045
    assert max(welch_tails) > 0.06
