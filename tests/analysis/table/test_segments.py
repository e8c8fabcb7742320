"""Effects by segment from a file."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.table.request import TableError
from analysis.table.segments import SegmentRequest, pool_table

REQUEST = SegmentRequest("variant", "plain", "bonus", "score", ("role", "region"))


@pytest.fixture
def learners(tmp_path):
    rng = np.random.default_rng(5)
    n = 3_000
    role = rng.choice(["nurse", "seller"], n)
    region = rng.choice(["north", "south", "west"], n)
    variant = rng.choice(["plain", "bonus"], n)
    effect = np.where(role == "nurse", 6.0, 0.0) * (variant == "bonus")
    score = np.clip(rng.normal(50 + effect, 15), 0, 100).round(2)
    rows = pd.DataFrame({"variant": variant, "role": role, "region": region, "score": score})
    path = tmp_path / "learners.csv"
    rows.to_csv(path, index=False)
    return path, rows


def test_pool_table__raw_effects__are_welchs_in_each_cell(learners):
    path, rows = learners

    found = pool_table(path, REQUEST)

    assert len(found.raw) == 6
    cell = rows[(rows.role == "nurse") & (rows.region == "west")]
    bonus, plain = (cell[cell.variant == each].score for each in ("bonus", "plain"))
    theirs = stats.ttest_ind(bonus, plain, equal_var=False)
    ours = found.raw["nurse, west"]
    assert ours.effect == pytest.approx(bonus.mean() - plain.mean())
    assert ours.p_value == pytest.approx(theirs.pvalue)


def test_pool_table__two_factors__finds_for_whom_it_worked(learners):
    found = pool_table(learners[0], REQUEST)

    by_name = {each.name: each for each in found.pooling.segments}
    for name, each in by_name.items():
        truth = 6.0 if name.startswith("nurse") else 0.0
        assert each.low < truth < each.high
        assert each.sd < found.raw[name].se
    assert by_name["nurse, north"].p_better > 0.99
    assert set(found.pooling.taus) == {"segment", "role", "region"}


def test_pool_table__one_column__pools_its_values(learners):
    request = SegmentRequest("variant", "plain", "bonus", "score", ("region",))

    found = pool_table(learners[0], request)

    assert [each.name for each in found.pooling.segments] == ["north", "south", "west"]
    assert set(found.pooling.taus) == {"segment"}


def test_pool_table__asked_twice__answers_the_same(learners):
    first, again = (pool_table(learners[0], REQUEST) for _ in range(2))

    assert np.array_equal(first.pooling.draws, again.pooling.draws)


def test_pool_table__segment_without_a_control__is_left_out_with_its_reason(learners, tmp_path):
    _, rows = learners
    rows = rows[~((rows.region == "west") & (rows.variant == "plain"))]
    path = tmp_path / "thin.csv"
    rows.to_csv(path, index=False)

    found = pool_table(path, REQUEST)

    assert set(found.left_out) == {"nurse, west", "seller, west"}
    assert "fewer than two units" in found.left_out["nurse, west"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"outcome": "points"}, "no column 'points'"),
        ({"by": ("team",)}, "no column 'team'"),
        ({"treatment": "gold"}, "has no 'gold'; it has bonus, plain"),
        ({"outcome": "role"}, "expected a number"),
    ],
)
def test_pool_table__bad_request__says_what_is_right(learners, change, words):
    request = SegmentRequest(**{**vars(REQUEST), **change})

    with pytest.raises(TableError, match=words):
        pool_table(learners[0], request)


def test_pool_table__one_segment__is_refused(learners, tmp_path):
    _, rows = learners
    path = tmp_path / "one.csv"
    rows[rows.region == "west"].to_csv(path, index=False)

    with pytest.raises(TableError, match="two are needed"):
        pool_table(path, SegmentRequest("variant", "plain", "bonus", "score", ("region",)))
