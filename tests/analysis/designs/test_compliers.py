import json
from datetime import timedelta

import numpy as np
import pytest
from statsmodels.sandbox.regression.gmm import IV2SLS

from analysis.collect import collect
from analysis.plan import AnalysisPlan, MetricPlan
from analysis.read import read
from analysis.results import Readout
from tests.analysis.collecting import plan
from tests.analysis.lakes import START, day, event, exposure, write_lake

SALES = MetricPlan(
    "sales", "Sales", kind="sum", role="primary", event_kinds=("sale",), window_days=7
)
PLAN = plan(
    (SALES,),
    started_at=START,
    as_of=START + timedelta(days=30),
    take_up_kinds=("challenge_completed",),
)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Of those who are offered it, the eager take it up, and they sell more anyway."""
    rng = np.random.default_rng(1)
    events, exposures, rows = [], [], []
    for number in range(160):
        learner, offered = f"l{number}", number % 2
        eager = rng.normal()
        taken = int(offered and eager > 0)
        sold = 50 + 5 * eager + 8 * taken + rng.normal(0, 2)
        exposures.append(exposure(learner, ("control", "double")[offered], day(1)))
        events.append(event(learner, "sale", day(3), sold))
        events += [event(learner, "challenge_completed", day(2))] * taken
        # Before the exposure, and after the window: no take-up.
        events.append(event(learner, "challenge_completed", day((0.5, 9)[number % 3 == 0])))
        rows.append((offered, taken, sold))
    lake = write_lake(tmp_path_factory.mktemp("lake"), events=events, exposures=exposures)
    return lake, np.array(rows, dtype=float)


def test_compliers__lake__is_two_stage_least_squares(world):
    lake, rows = world

    found = read(PLAN, collect(PLAN, lake)).on_compliers[0]

    offered, taken, sold = rows.T
    ones = np.ones(len(rows))
    fit = IV2SLS(sold, np.column_stack([ones, taken]), np.column_stack([ones, offered])).fit()
    assert found.effect == pytest.approx(fit.params[1], rel=1e-7)  # theirs goes through pinv
    assert found.low < 8 < found.high
    assert (found.take_up_control, found.take_up) == (0.0, taken[offered == 1].mean())


def test_compliers__effect_of_the_offer__stays_what_the_decision_is_about(world):
    lake, rows = world

    found = read(PLAN, collect(PLAN, lake))

    offered, _, sold = rows.T
    gap = sold[offered == 1].mean() - sold[offered == 0].mean()
    assert found.primary.estimates[0].effect == pytest.approx(gap, abs=1.0)
    assert found.on_compliers[0].effect > 1.5 * found.primary.estimates[0].effect


def test_compliers__nobody_took_it_up__says_so(world):
    lake, _ = world
    never = plan(
        (SALES,), started_at=START, as_of=START + timedelta(days=30), take_up_kinds=("peer_post",)
    )

    found = read(never, collect(never, lake)).on_compliers[0]

    assert found.effect is None
    assert "how many took it up" in found.why_not


def test_compliers__plan_without_take_up__has_none(world):
    lake, _ = world
    silent = plan((SALES,), started_at=START, as_of=START + timedelta(days=30))

    assert read(silent, collect(silent, lake)).on_compliers == ()


def test_compliers__plan_and_readout__go_to_json_and_back(world):
    lake, _ = world
    found = read(PLAN, collect(PLAN, lake))

    assert AnalysisPlan.from_json(json.loads(json.dumps(PLAN.to_json()))) == PLAN
    assert Readout.from_json(json.loads(json.dumps(found.to_json()))) == found
