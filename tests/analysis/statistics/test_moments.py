import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from analysis.statistics.clusters import ClusterSums
from analysis.statistics.moments import Moments

COLUMNS = ("outcome", "covariate")
ROWS = arrays(
    np.float64,
    st.tuples(st.integers(0, 30), st.just(2)),
    elements=st.floats(-1e3, 1e3, allow_nan=False, width=32),
)


@given(ROWS, ROWS, ROWS)
def test_moments__merged_in_any_grouping__equal_the_whole(a, b, c):
    whole = Moments.of(COLUMNS, np.concatenate([a, b, c]))
    parts = [Moments.of(COLUMNS, rows) for rows in (a, b, c)]

    for merged in ((parts[0] + parts[1]) + parts[2], parts[2] + (parts[1] + parts[0])):
        assert merged.n == whole.n
        assert merged.mean == pytest.approx(whole.mean, abs=1e-9)
        assert merged.m2 == pytest.approx(whole.m2, rel=1e-9, abs=1e-5)


@given(ROWS, ROWS, ROWS)
def test_moments_total__parts__equals_the_whole(a, b, c):
    whole = Moments.of(COLUMNS, np.concatenate([a, b, c]))

    total = Moments.total([Moments.of(COLUMNS, rows) for rows in (a, b, c)])

    assert total.n == whole.n
    assert total.mean == pytest.approx(whole.mean, abs=1e-9)
    assert total.m2 == pytest.approx(whole.m2, rel=1e-9, abs=1e-5)


def test_moments_total__large_mean_beside_nobody__keeps_its_variance():
    rows = 1e8 + np.random.default_rng(3).normal(size=(4_000, 2))
    parts = [Moments.empty(COLUMNS), *(Moments.of(COLUMNS, part) for part in np.split(rows, 40))]

    total = Moments.total(parts)

    assert total.variance("outcome") == pytest.approx(rows[:, 0].var(ddof=1), rel=1e-7)


@pytest.mark.parametrize("parts", [[], [Moments.empty(("outcome",)), Moments.empty(COLUMNS)]])
def test_moments_total__nothing_or_other_columns__is_refused(parts):
    with pytest.raises(ValueError, match="expected the same ones in each"):
        Moments.total(parts)


def test_moments__variance_and_covariance__match_numpy():
    rows = np.random.default_rng(1).normal(size=(50, 2))

    moments = Moments.of(COLUMNS, rows)

    assert moments.variance("covariate") == pytest.approx(rows[:, 1].var(ddof=1))
    assert moments.covariance("outcome", "covariate") == pytest.approx(np.cov(rows.T)[0, 1])
    assert moments.mean_of("outcome") == pytest.approx(rows[:, 0].mean())


@pytest.mark.parametrize("times", [0.1, 1.0, 2.5, 1e9])
def test_moments__linear_whose_terms_cancel__does_not_vary_at_all(times):
    for seed in range(50):
        below = np.random.default_rng(seed).poisson(3, 300).astype(float)
        moments = Moments.of(COLUMNS, np.column_stack([times * below, below]))

        left = moments.linear(("left",), np.array([[1.0, -times]]))

        assert left.variance("left") == 0.0


def test_moments__linear_with_a_small_rest__keeps_it():
    rng = np.random.default_rng(3)
    below = rng.poisson(3, 300).astype(float)
    rest = 1e-4 * rng.standard_normal(300)
    moments = Moments.of(COLUMNS, np.column_stack([2.5 * below + rest, below]))

    left = moments.linear(("left",), np.array([[1.0, -2.5]]))

    assert left.variance("left") == pytest.approx(rest.var(ddof=1), rel=1e-6)


def test_moments__variance_that_rounding_took_below_0__is_0():
    moments = Moments(("outcome",), 9, np.array([1.0]), np.array([[-1e-17]]))

    assert moments.variance("outcome") == 0.0


def test_moments__other_columns__cannot_join():
    with pytest.raises(ValueError, match="cannot join"):
        Moments.empty(("outcome",)) + Moments.empty(COLUMNS)


def test_cluster_sums__joined__keep_every_cluster():
    a = ClusterSums(("outcome",), np.array([2, 3]), np.array([[4.0], [9.0]]))
    b = ClusterSums(("outcome",), np.array([5]), np.array([[7.0]]))

    both = a + b + ClusterSums.empty(("outcome",))

    assert both.n_clusters == 3
    assert both.n_learners == 10
    assert both.mean_of("outcome") == pytest.approx(2.0)
