import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis.contrast import Contrast
from analysis.methods.dunnett import adjusted_p_value, chance_within, critical, loadings
from tests.oracles import rscript

EQUAL = 0.5**0.5
KEPT = rscript.values("dunnett")
LOADINGS = st.lists(st.floats(0.05, 0.98), min_size=2, max_size=5)


def pooled(arms):
    """Loadings and degrees of freedom as a classical analysis of variance has them."""
    control, *treatments = [np.asarray(arm) for arm in arms]
    shared = [(len(arm) / (len(arm) + len(control))) ** 0.5 for arm in treatments]
    return shared, len(control) + sum(map(len, treatments)) - 1 - len(treatments)


@pytest.mark.parametrize("number", range(len(KEPT["data"])))
@pytest.mark.parametrize("sides", ["two", "one"])
def test_dunnett__data__agrees_with_multcomp(number, sides):
    case = KEPT["data"][number]
    shared, df = pooled(case["y"].values())

    found = [adjusted_p_value(t, shared, df, sides) for t in case[sides]["t"]]

    # multcomp simulates its integrals, to an error that it states as below 1e-4.
    assert found == pytest.approx(case[sides]["p"], abs=2e-4)


@pytest.mark.parametrize("number", range(len(KEPT["chances"])))
@pytest.mark.parametrize("sides", ["two", "one"])
def test_dunnett__any_correlation__has_the_chance_of_mvtnorm(number, sides):
    case = KEPT["chances"][number]

    found = chance_within(case["value"], case["loadings"], case["df"] or np.inf, sides)

    # mvtnorm stops at an error of 1e-5.
    assert found == pytest.approx(case[sides], abs=2e-5)


def test_dunnett__where_r_is__the_kept_values_still_hold():
    again = rscript.regenerated("dunnett")
    if again is None:
        pytest.skip("R with multcomp, mvtnorm and jsonlite is not here")

    for kept, made in zip(KEPT["chances"], again["chances"], strict=True):
        assert made["two"] == pytest.approx(kept["two"], abs=3e-5)
    for kept, made in zip(KEPT["data"], again["data"], strict=True):
        assert made["two"]["p"] == pytest.approx(kept["two"]["p"], abs=2e-4)


@pytest.mark.parametrize(
    ("n_treatments", "df", "value"),
    [
        (2, 5, 3.03),
        (2, 10, 2.57),
        (3, 10, 2.76),
        (9, 20, 2.95),
        (2, np.inf, 2.21),
        (3, np.inf, 2.35),
        (4, np.inf, 2.44),
        (5, np.inf, 2.51),
    ],
)
def test_dunnett__equal_sizes__is_the_published_table(n_treatments, df, value):
    """Dunnett (1964), Biometrics 20, 482: two-sided, 5 %."""
    assert critical([EQUAL] * n_treatments, df) == pytest.approx(value, abs=0.006)


def test_dunnett__unequal_arms__agrees_with_scipy():
    rng = np.random.default_rng(4)
    arms = [rng.normal(0, 1, 15), rng.normal(0.9, 1, 25), rng.normal(0.2, 1, 10)]
    shared, df = pooled(arms)

    expected = stats.dunnett(*arms[1:], control=arms[0], rng=np.random.default_rng(1))
    found = [adjusted_p_value(t, shared, df) for t in expected.statistic]

    assert found == pytest.approx(expected.pvalue, abs=1e-3)


@pytest.mark.parametrize("df", [3, 40, np.inf])
@pytest.mark.parametrize(("sides", "tail"), [("two", 0.025), ("one", 0.05)])
def test_dunnett__one_treatment__is_the_plain_test(df, sides, tail):
    expected = stats.norm.isf(tail) if df == np.inf else stats.t.isf(tail, df)

    assert critical([0.6], df, 0.05, sides) == pytest.approx(expected, abs=1e-9)
    assert adjusted_p_value(expected, [0.6], df, sides) == pytest.approx(0.05, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(shared=LOADINGS, df=st.floats(2, 1e6), alpha=st.floats(0.001, 0.2))
def test_dunnett__any_case__lies_between_one_comparison_and_bonferroni(shared, df, alpha):
    found = critical(shared, df, alpha)

    assert stats.t.isf(alpha / 2, df) * (1 - 1e-9) <= found
    assert found <= stats.t.isf(alpha / 2 / len(shared), df) * (1 + 1e-9)
    assert adjusted_p_value(found, shared, df) == pytest.approx(alpha, rel=1e-5)


@settings(max_examples=40, deadline=None)
@given(shared=LOADINGS, df=st.floats(2, 1e6), t=st.floats(0, 12))
def test_dunnett__any_t__adjusted_p_is_between_plain_and_bonferroni(shared, df, t):
    plain = 2 * stats.t.sf(t, df)

    found = adjusted_p_value(t, shared, df)

    assert plain - 1e-7 <= found <= len(shared) * plain + 1e-7


def test_loadings__equal_arms__are_the_root_of_one_half():
    contrast = Contrast("welch", 10, 10, 10, 10, 1.0, 0.0, 0.3, 0.3, 0.0, 18.0)

    assert loadings([contrast]) == pytest.approx([EQUAL])
    assert loadings([Contrast("welch", 10, 10, 10, 10, 1.0, 0.0, 0.0, 0.3, 0.0, 18.0)])[0] < 1
