"""Tallies: what can be put together from parts."""

import ibis
import pytest

from analysis.tallies import MERGES, merge_of, merges
from tests.analysis.rollups.streams import learner_plan, plan_with
from tests.analysis.test_collect import METRICS, plan_of


@pytest.mark.parametrize(
    "plan", [learner_plan(), plan_with(unit_kind="team"), plan_of(metrics=METRICS)]
)
def test_merges__every_kind_of_metric__has_tallies_that_can_be_put_together(plan):
    assert {merge.name for merge in merges(plan).values()} <= {m.name for m in MERGES.values()}


@pytest.mark.parametrize("reduction", ["mean", "nunique", "max"])
def test_merge_of__another_reduction__is_refused_by_name(reduction):
    table = ibis.table({"value": "float64"}, name="events")

    with pytest.raises(ValueError, match=r"tally m0_mean: found \w+, expected one of Count, Sum"):
        merge_of("m0_mean", getattr(table.value, reduction)())


def test_merge_of__something_done_to_a_reduction__is_refused():
    table = ibis.table({"value": "float64"}, name="events")

    with pytest.raises(ValueError, match="do everything else where tallies become values"):
        merge_of("m0_sum", table.value.sum() / 2)
