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
