import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq

from analysis.contrast import Contrast
from analysis.methods.fieller import relative
from analysis.results import Relative


def contrast(mean, base, variance, variance_control, correlation=0.0):
    return Contrast(
        method="welch",
        n=100,
        n_control=100,
        n_learners=100,
        n_learners_control=100,
        mean=mean,
        mean_control=base,
        variance=variance,
        variance_control=variance_control,
        covariance=correlation * variance**0.5 * variance_control**0.5,
        df=198.0,
    )


def distance(found, ratio):
    """|t| of the hypothesis mean = ratio x mean_control."""
    variance = found.variance - 2 * ratio * found.covariance + ratio**2 * found.variance_control
    return abs(found.mean - ratio * found.mean_control) / variance**0.5


def test_fieller__bounded__is_the_inverted_test():
    found = contrast(12.0, 10.0, 0.3, 0.2, correlation=0.1)

    interval = relative(found, 1.96)

    low = brentq(lambda d: distance(found, 1 + d) - 1.96, -0.9, 0.2)
    high = brentq(lambda d: distance(found, 1 + d) - 1.96, 0.2, 5)
    assert interval.estimate == pytest.approx(0.2)
    assert (interval.low, interval.high) == pytest.approx((low, high), rel=1e-9)


@given(
    st.floats(-50, 50),
    st.floats(-50, 50).filter(lambda x: abs(x) > 0.01),
    st.floats(1e-3, 20),
    st.floats(1e-3, 20),
    st.floats(-0.9, 0.9),
    st.floats(1, 6),
)
def test_fieller__any_data__excludes_zero_exactly_when_the_test_rejects(
    mean, base, variance, variance_control, correlation, critical
):
    found = contrast(mean, base, variance, variance_control, correlation)

    interval = relative(found, critical)

    gap = abs(found.effect) / found.se - critical
    if interval.low is not None and abs(gap) > 1e-6:
        assert (interval.low > 0 or interval.high < 0) == (gap > 0)
        assert interval.low <= interval.estimate <= interval.high
        assert np.sign(interval.estimate) == np.sign(found.effect)


def test_fieller__control_mean_may_be_zero__has_no_bounds():
    interval = relative(contrast(5.0, 1.0, 1.0, 1.0), 1.96)

    assert interval == Relative(4.0, None, None)


def test_fieller__control_mean_is_zero__has_no_estimate():
    assert relative(contrast(5.0, 0.0, 1.0, 1.0), 1.96) == Relative(None, None, None)


def test_fieller__negative_control_mean__keeps_the_sign_of_the_effect():
    interval = relative(contrast(-8.0, -10.0, 0.01, 0.01), 1.96)

    assert interval.estimate == pytest.approx(0.2)
    assert interval.low < 0.2 < interval.high


@pytest.mark.parametrize("scale", [1e-150, 1e-80, 1e80, 1e100])
def test_fieller__very_small_or_large_outcomes__give_the_same_shares(scale):
    found = contrast(12.0 * scale, 10.0 * scale, 0.3 * scale**2, 0.2 * scale**2)

    interval = relative(found, 1.96)

    plain = relative(contrast(12.0, 10.0, 0.3, 0.2), 1.96)
    assert (interval.low, interval.high) == pytest.approx((plain.low, plain.high), rel=1e-9)


def test_fieller__millions_of_units__keeps_its_digits():
    tight = 1e-14

    interval = relative(contrast(10.0, 10.0, tight, tight), 1.96)

    assert interval.high == pytest.approx(1.96 * (2 * tight) ** 0.5 / 10, rel=1e-6)
