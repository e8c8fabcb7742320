"""What an effect costs: in the readout, from the plan's prices."""

import json
from dataclasses import replace

import numpy as np
import pytest

from analysis.plan import AnalysisPlan
from analysis.read import read
from analysis.results import Readout
from tests.analysis.collecting import SCORE, collected, learners, moments, plan


def readout(effect=5.0, costs=(1.0, 4.0), worth=None, **changes):
    metric = replace(SCORE, value_per_unit=worth, currency="EUR", **changes)
    data = {key: moments(*rows) for key, rows in learners(n=4000, effects=(effect,)).items()}
    return read(plan(metrics=(metric,), costs=costs), collected({"energize": data}))


def test_cost__clear_effect__is_the_extra_price_over_the_effect():
    (estimate,) = readout().primary.estimates

    assert estimate.cost.extra == 3.0
    assert estimate.cost.per_unit == pytest.approx(3.0 / estimate.effect)
    assert (estimate.cost.low, estimate.cost.high) == pytest.approx(
        (3.0 / estimate.high, 3.0 / estimate.low)
    )
    assert estimate.cost.net_value is None


@pytest.mark.parametrize(("worth", "pays"), [(3.0, True), (0.1, False), (0.6, None)])
def test_cost__value_of_a_unit__says_whether_it_pays(worth, pays):
    (estimate,) = readout(worth=worth).primary.estimates

    assert estimate.cost.net_value == pytest.approx(worth * estimate.effect - 3.0)
    assert estimate.cost.pays is pays
    assert (estimate.cost.net_low > 0, estimate.cost.net_high < 0) == (pays is True, pays is False)


def test_cost__effect_that_may_be_nothing__has_no_bound():
    (estimate,) = readout(effect=0.0).primary.estimates

    assert (estimate.cost.low, estimate.cost.high) == (None, None)


@pytest.mark.parametrize("costs", [(), (2.0, 2.0)], ids=["unknown", "the same"])
def test_cost__nothing_to_say__is_none(costs):
    assert readout(costs=costs).primary.estimates[0].cost is None


def test_cost__interval__covers_the_true_price():
    runs, held = 300, 0
    for seed in range(runs):
        data = {k: moments(*rows) for k, rows in learners(seed, 400, effects=(6.0,)).items()}
        found = read(plan(costs=(0.0, 3.0)), collected({"energize": data}))
        cost = found.primary.estimates[0].cost
        held += cost.low is None or cost.low <= 0.5 <= cost.high

    assert held / runs > 0.95 - 4 * (0.95 * 0.05 / runs) ** 0.5


def test_cost__secondary_metric_without_a_value__has_none():
    rng = np.random.default_rng(1)
    data = {key: moments(rng.normal(5, 1, 500)) for key in ("control", "double")}
    other = replace(SCORE, key="sales", role="secondary")
    found = read(
        plan(metrics=(SCORE, other, replace(other, key="calls", value_per_unit=2.0)), costs=(0, 1)),
        collected({"energize": data, "sales": data, "calls": data}),
    )

    assert [metric.estimates[0].cost is None for metric in found.metrics] == [False, True, False]


def test_cost__readout_and_plan__go_to_json_and_back():
    found = readout(worth=2.0)
    wanted = plan(costs=(0.0, 2.5))

    assert Readout.from_json(json.loads(json.dumps(found.to_json(), allow_nan=False))) == found
    assert AnalysisPlan.from_json(json.loads(json.dumps(wanted.to_json()))) == wanted


def test_cost__stored_before_there_were_any__is_none():
    plain = readout().to_json()
    for estimate in plain["metrics"][0]["estimates"]:
        del estimate["cost"]
    old_plan = plan().to_json()
    del old_plan["costs"]

    assert Readout.from_json(plain).primary.estimates[0].cost is None
    assert AnalysisPlan.from_json(old_plan).costs == ()


@pytest.mark.parametrize("spread", [1e-150, 1e140])
def test_cost__error_that_cannot_be_squared__is_none(spread):
    rng = np.random.default_rng(1)
    data = {
        key: moments(spread * rng.normal(at, 1, 50)) for key, at in (("control", 0), ("double", 1))
    }
    with np.errstate(all="ignore"):
        found = read(plan(costs=(0, 1)), collected({"energize": data}))

    json.dumps(found.to_json(), allow_nan=False)
    assert getattr(found.primary.estimates[0], "cost", None) is None
