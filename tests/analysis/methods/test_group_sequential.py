import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal, norm

from analysis.contrast import FARTHEST_Z
from analysis.methods.group_sequential import boundaries, obrien_fleming_spending


def spending(times, alpha=0.05):
    return [obrien_fleming_spending(alpha, time) for time in times]


def test_boundaries__five_equal_looks__are_the_published_ones():
    """Lan-DeMets O'Brien-Fleming-type, two-sided .05 (R package ldbounds, and its vignette)."""
    times = [0.2, 0.4, 0.6, 0.8, 1.0]

    found = boundaries(times, spending(times))

    assert found == pytest.approx((4.877, 3.357, 2.680, 2.290, 2.031), abs=6e-4)


def test_boundaries__one_look__is_the_fixed_test():
    assert boundaries([1.0], [0.05]) == pytest.approx((norm.isf(0.025),))


@pytest.mark.parametrize(
    "times", [[0.3, 0.55, 1.0], [0.5, 0.52, 0.9, 1.0], [0.1, 0.2, 0.7, 0.95]], ids=str
)
def test_boundaries__uneven_looks__spend_what_they_should(times):
    found = boundaries(times, spending(times))

    correlation = np.sqrt(np.minimum.outer(times, times) / np.maximum.outer(times, times))
    stay = multivariate_normal.cdf(
        found,
        np.zeros(len(times)),
        correlation,
        lower_limit=-np.array(found),
        abseps=1e-7,
        maxpts=4_000_000,
        rng=np.random.default_rng(0),
    )
    assert 1 - stay == pytest.approx(obrien_fleming_spending(0.05, times[-1]), abs=3e-5)


def test_boundaries__more_information_than_planned__still_spend_alpha_exactly():
    information, spent = [0.9, 1.4, 2.0], [0.01, 0.03, 0.05]

    found = boundaries(information, spent)

    rng = np.random.default_rng(4)
    steps = rng.normal(size=(400_000, 3)) * np.sqrt(np.diff([0, *information]))
    z = np.abs(steps.cumsum(axis=1)) / np.sqrt(information)
    crossed = (z > np.array(found)).any(axis=1).mean()
    assert crossed == pytest.approx(0.05, abs=4 * (0.05 * 0.95 / 400_000) ** 0.5)


def test_boundaries__nothing_spent_yet__are_out_of_reach():
    found = boundaries([0.01, 1.0], [0.0, 0.05])

    assert found[0] == FARTHEST_Z
    assert found[1] == pytest.approx(norm.isf(0.025), abs=1e-4)


def test_boundaries__no_new_information_and_no_alpha__are_out_of_reach():
    assert boundaries([1.0, 1.0], [0.05, 0.05])[1] == FARTHEST_Z


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0.05, 1), min_size=1, max_size=6, unique=True))
def test_boundaries__any_looks__are_never_nearer_than_the_fixed_test(times):
    found = boundaries(sorted(times), spending(sorted(times)))

    assert all(z >= norm.isf(0.025) - 1e-6 for z in found)


def test_spending__whole_information__is_alpha():
    assert obrien_fleming_spending(0.05, 1.0) == 0.05
    assert obrien_fleming_spending(0.05, 0.999999) == pytest.approx(0.05, rel=1e-4)
    assert obrien_fleming_spending(0.05, 0.0) == 0.0


def test_boundaries__looks_close_together__are_integrated_as_finely_as_they_need():
    """The later look's step is narrow: coarse nodes once gave 1.9596, below the fixed test."""
    assert boundaries([0.125, 0.125], [4.6e-10, 0.05])[1] == pytest.approx(
        norm.isf(0.025), abs=1e-8
    )
