import ibis
import numpy as np
import pyarrow as pa
import pytest

from analysis.statistics.gather import gather_cluster_sums, gather_moments


@pytest.fixture(scope="module")
def learners():
    rng = np.random.default_rng(3)
    n = 4000
    before = rng.normal(1e8, 1.0, n)
    return pa.table(
        {
            "variant": rng.choice(["a", "b"], n),
            "team": rng.choice([f"t{i}" for i in range(12)], n),
            "covariate": before,
            "outcome": 0.5 * before + rng.normal(0, 2, n),
        }
    )


def _rows(learners, variant):
    kept = learners.filter(pa.compute.equal(learners["variant"], variant))
    return np.column_stack([kept["outcome"].to_numpy(), kept["covariate"].to_numpy()]), kept


def test_gather_moments__large_mean__keeps_the_digits_of_the_variance(learners):
    table = ibis.memtable(learners)

    moments = gather_moments(table, ["variant"], ["outcome", "covariate"])

    for variant in ("a", "b"):
        rows, _ = _rows(learners, variant)
        found = moments[(variant,)]
        assert found.n == len(rows)
        assert found.mean == pytest.approx(rows.mean(axis=0), rel=1e-14)
        assert found.m2 / (found.n - 1) == pytest.approx(np.cov(rows.T), rel=1e-6)


def test_gather_moments__no_grouping__gives_one_entry(learners):
    moments = gather_moments(ibis.memtable(learners), [], ["outcome"])

    assert list(moments) == [()]
    assert moments[()].n == learners.num_rows


def test_gather_moments__empty_table__gives_nothing(learners):
    assert gather_moments(ibis.memtable(learners.slice(0, 0)), [], ["outcome"]) == {}


def test_gather_moments__missing_value__says_which_column():
    table = ibis.memtable(pa.table({"outcome": pa.array([1.0, None, 3.0])}))

    with pytest.raises(ValueError, match=r"outcome: 1 of 3 values are missing"):
        gather_moments(table, [], ["outcome"])


def test_gather_cluster_sums__teams__match_sums_in_memory(learners):
    sums = gather_cluster_sums(ibis.memtable(learners), ["variant"], "team", ["outcome"])

    rows, kept = _rows(learners, "a")
    teams = kept["team"].to_numpy(zero_copy_only=False)
    names = sorted(set(teams))
    assert sums[("a",)].n.tolist() == [int((teams == name).sum()) for name in names]
    expected = [rows[teams == name, 0].sum() for name in names]
    assert sums[("a",)].sum_of("outcome") == pytest.approx(expected, rel=1e-12)
