"""Rare events: no interval of a readout leaves what a difference of proportions can be."""

from json import dumps, loads
from pathlib import Path

import numpy as np

from analysis.plan import MetricPlan
from analysis.read import read
from analysis.results import Readout, Verdict
from analysis.statistics.moments import Moments
from analysis.statistics.quantiles import Quantile
from analysis.teams import teams_of
from tests.analysis.collecting import collected, plan

BOUGHT = MetricPlan("bought", "Bought", kind="proportion", role="primary", minimum_effect=0.2)
STORED = Path(__file__).with_name("readout_format_1.json")


def share(k, n):
    return Moments.of(("outcome",), np.r_[np.ones(k), np.zeros(n - k)][:, None])


def test_trend__few_events__stays_between_minus_one_and_one():
    day = {"control": share(1, 6), "double": share(5, 6)}
    found = read(
        plan(metrics=(BOUGHT,), final=False, looks_planned=4),
        collected({"bought": day}, trend={"2026-02-01": day}),
    )

    (point,) = found.trend
    assert -1 <= point.low <= point.effect <= point.high <= 1
    assert point.high < 1 or point.low > -1


def test_teams_of__quantile_of_four_teams__is_known_to_be_few():
    counts = Moments.of(("below", "values"), np.array([[5.0, 10], [6, 11], [4, 9], [5, 10]]))
    of_teams = Quantile(0.5, 1.0, 0.5, 1.5, counts, n_learners=40)
    of_learners = Quantile(0.5, 1.0, 0.5, 1.5, counts, n_learners=4)

    assert teams_of(of_teams, of_teams, 1.96).n_fewest == 4
    assert teams_of(of_learners, of_learners, 1.96) is None


def test_from_json__readout_stored_by_an_earlier_version__is_read_and_kept():
    found = Readout.from_json(loads(STORED.read_text()))

    assert found.decision.verdict is Verdict.SHIP
    assert found.primary.estimates[0].teams is None
    assert Readout.from_json(loads(dumps(found.to_json()))) == found
