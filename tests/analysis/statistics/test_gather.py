import ibis
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.statistics.gather import (
    Wanted,
    fold,
    gather_all,
    gather_all_cluster_sums,
    gather_cluster_sums,
    gather_moments,
)
from analysis.statistics.moments import Moments


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


# --- every metric and segment in one query


def _counted(table, monkeypatch):
    """How many queries reach the engine."""
    queries = []
    original = type(table).to_pyarrow

    def to_pyarrow(self, *given, **named):
        queries.append(self)
        return original(self, *given, **named)

    monkeypatch.setattr(type(table), "to_pyarrow", to_pyarrow)
    return queries


def _drawn(seed, n=300):
    rng = np.random.default_rng(seed)
    return {
        "variant": rng.choice(["a", "b"], n),
        "role": rng.choice(["seller", "manager", "coach"], n, p=[0.6, 0.39, 0.01]),
        "region": rng.choice(["north", "south"], n),
        "mature": rng.random(n) < 0.8,
        "sales": rng.lognormal(2, 1, n) + 1e6 * (seed % 2),
        "before": rng.normal(3, 1, n),
        "days": rng.poisson(3, n).astype(float),
    }


WANTED = {"sales": {"outcome": "sales", "covariate": "before"}, "days": {"outcome": "days"}}


def _wanted(table):
    return {
        "sales": Wanted(WANTED["sales"], table.mature),
        "days": Wanted(WANTED["days"]),
    }


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_gather_all__folded__is_every_segment_and_the_total(seed):
    drawn = _drawn(seed)
    table = ibis.memtable(pa.table(drawn))

    found = gather_all(table, ["variant", "role", "region"], _wanted(table))

    for name, columns in WANTED.items():
        cells = {key: group[name] for key, group in found.items() if name in group}
        counts = drawn["mature"] if name == "sales" else np.full(300, True)
        rows = np.column_stack([drawn[column] for column in columns.values()])
        for keep, labels in (((0,), ["variant"]), ((0, 1), ["variant", "role"]), ((), [])):
            for key, merged in fold(cells, keep).items():
                at = counts.copy()
                for label, level in zip(labels, key, strict=True):
                    at &= drawn[label] == level
                whole = Moments.of(tuple(columns), rows[at])
                assert merged.n == whole.n
                assert merged.mean == pytest.approx(whole.mean, rel=1e-12)
                assert merged.m2 == pytest.approx(whole.m2, rel=1e-9, abs=1e-6)


def test_gather_all__several_metrics_and_segments__is_one_query(monkeypatch):
    table = ibis.memtable(pa.table(_drawn(1)))
    queries = _counted(table, monkeypatch)

    gather_all(table, ["variant", "role", "region"], _wanted(table))

    assert len(queries) == 1


def test_gather_all__segments_of_far_apart_means__keep_each_variance():
    rng = np.random.default_rng(5)
    near, far = rng.normal(0, 1, 50_000), rng.normal(1e8, 1, 50_000)
    table = ibis.memtable(
        pa.table({"role": np.repeat(["near", "far"], 50_000), "outcome": np.r_[near, far]})
    )

    found = gather_all(table, ["role"], {"m": Wanted({"outcome": "outcome"})})

    assert found[("far",)]["m"].variance("outcome") == pytest.approx(far.var(ddof=1), rel=1e-6)
    assert found[("near",)]["m"].variance("outcome") == pytest.approx(near.var(ddof=1), rel=1e-12)


def test_gather_all__a_group_without_rows_that_count__is_left_out():
    table = ibis.memtable(
        pa.table({"variant": ["a", "b"], "mature": [True, False], "outcome": [1.0, 2.0]})
    )

    found = gather_all(table, ["variant"], {"m": Wanted({"outcome": "outcome"}, table.mature)})

    assert list(found) == [("a",)]


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_gather__infinite_value__is_refused_by_name(value):
    table = ibis.memtable(pa.table({"team": ["x", "y", "y"], "sales": [1.0, value, 3.0]}))

    with pytest.raises(ValueError, match="sales: a value is infinite or not a number"):
        gather_moments(table, [], ["sales"])
    with pytest.raises(ValueError, match="sales: a value is infinite or not a number"):
        gather_cluster_sums(table, [], "team", ["sales"])


def test_gather_all_cluster_sums__several_metrics__are_those_gathered_alone():
    drawn = _drawn(7)
    table = ibis.memtable(pa.table({**drawn, "team": np.arange(300) % 9}))

    found = gather_all_cluster_sums(table, ["variant"], "team", _wanted(table))

    for variant in ("a", "b"):
        alone = gather_cluster_sums(table.filter(table.mature), ["variant"], "team", ["sales"])
        assert found[(variant,)]["sales"].n.tolist() == alone[(variant,)].n.tolist()
        assert found[(variant,)]["sales"].sum_of("outcome") == pytest.approx(
            alone[(variant,)].sum_of("sales"), rel=1e-12
        )
