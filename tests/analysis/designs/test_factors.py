import json

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from analysis.designs.factors import factor_effects
from analysis.plan import AnalysisPlan, FactorPlan
from analysis.read import read
from analysis.results import Readout
from analysis.statistics.clusters import ClusterSums
from tests.analysis.collecting import SCORE, collected, moments, plan

FACTORS = (
    FactorPlan("reward", "Reward", ("none", "points"), ("No reward", "Points")),
    FactorPlan("rhythm", "Rhythm", ("daily", "weekly")),
)
CELLS = {f"{a}:{b}": (a, b) for a in ("none", "points") for b in ("daily", "weekly")}
PLAN = plan(variants=tuple(CELLS), factors=FACTORS, cells=CELLS)
Z95 = float(stats.norm.isf(0.025))


def world(seed, reward=3.0, weekly=0.0, together=0.0, n=400):
    """Outcome and covariate of the learners of each cell."""
    rng = np.random.default_rng(seed)
    found = {}
    for key, (a, b) in CELLS.items():
        before = rng.normal(50, 20, n)
        one, other = a == "points", b == "weekly"
        lift = reward * one + weekly * other + together * one * other
        found[key] = (20 + 0.6 * before + lift + rng.normal(0, 16, n), before)
    return found


def effects(arrays, with_covariate=True):
    statistics = {
        key: moments(outcome, before if with_covariate else None)
        for key, (outcome, before) in arrays.items()
    }
    return factor_effects(PLAN, collected({"energize": statistics}), Z95)


def regression(arrays, with_covariate):
    """Effect-coded, by statsmodels."""
    rows = [
        (y, 2 * (CELLS[key][0] == "points") - 1, 2 * (CELLS[key][1] == "weekly") - 1, x)
        for key, (outcome, before) in arrays.items()
        for y, x in zip(outcome, before, strict=True)
    ]
    y, a, b, x = np.array(rows).T
    columns = [a, b, a * b, x] if with_covariate else [a, b, a * b]
    return sm.OLS(y, sm.add_constant(np.column_stack(columns))).fit(cov_type="HC2")


@pytest.mark.parametrize("with_covariate", [False, True])
def test_factor_effects__main_effects_and_interaction__are_the_regressions(with_covariate):
    arrays = world(1, weekly=1.0, together=2.0)

    found = effects(arrays, with_covariate)

    fit = regression(arrays, with_covariate)
    scale = np.array([2.0, 2.0, 4.0])
    # Without a covariate the two are the same to the last digit; with one, HC2 also counts the
    # slope's own error, which 1,600 learners make small.
    close = 5e-3 if with_covariate else 1e-9
    assert [one.effect for one in found] == pytest.approx(scale * fit.params[1:4], rel=1e-9)
    assert [one.se for one in found] == pytest.approx(scale * fit.bse[1:4], rel=close)


def test_factor_effects__say_what_is_compared_with_what():
    reward, rhythm, both = effects(world(2))

    assert (reward.factors, reward.levels, reward.references) == (
        ("Reward",),
        ("Points",),
        ("No reward",),
    )
    assert (rhythm.levels, rhythm.references) == (("weekly",), ("daily",))
    assert both.factors == ("Reward", "Rhythm")
    assert both.levels == ("Points", "weekly")


def test_factor_effects__interval__holds_zero_exactly_when_the_test_does():
    for seed in range(60):
        for one in effects(world(seed, reward=2.0, weekly=1.0)):
            assert (one.low <= 0 <= one.high) == (one.p_value >= 0.05)


def test_factor_effects__main_effect__is_twice_as_precise_as_a_cell_alone():
    found = read(PLAN, collected({"energize": {k: moments(*v) for k, v in world(3).items()}}))

    cell = next(e for e in found.primary.estimates if e.variant == "points:daily")
    assert found.factor_effects[0].se == pytest.approx(cell.se / 2**0.5, rel=0.03)


def test_factor_effects__factors_that_do_nothing__are_called_rarely():
    clear = [
        not one.low <= 0 <= one.high
        for seed in range(300)
        for one in effects(world(1000 + seed, reward=0.0, n=40))
    ]

    assert 10 <= sum(clear) <= 80  # 45 of 900 expected, four standard errors and a half


def test_factor_effects__teams__are_compared_cell_by_cell():
    rng = np.random.default_rng(4)
    n = np.full(12, 10)
    statistics = {
        key: ClusterSums(
            ("outcome",), n, (10 * rng.normal(50 + 9 * (a == "points"), 3, 12))[:, None]
        )
        for key, (a, _) in CELLS.items()
    }

    reward, *_ = factor_effects(PLAN, collected({"energize": statistics}), Z95)

    assert reward.low > 0
    assert reward.df == pytest.approx(44)


def test_factor_effects__a_cell_without_learners__is_left_out():
    statistics = {key: moments(*both) for key, both in world(5).items()}
    del statistics["none:weekly"]

    assert factor_effects(PLAN, collected({"energize": statistics}), Z95) == ()


def test_factor_effects__one_learner_in_a_cell__says_why_not():
    statistics = {key: moments(*both) for key, both in world(6, n=50).items()}
    statistics["none:weekly"] = moments([1.0], [2.0])

    found = factor_effects(PLAN, collected({"energize": statistics}), Z95)

    assert {one.effect for one in found} == {None}
    assert "fewer than two units" in found[0].why_not


def test_readout__factorial__goes_to_json_and_back():
    found = read(PLAN, collected({"energize": {k: moments(*v) for k, v in world(7).items()}}))

    assert len(found.factor_effects) == 3
    assert Readout.from_json(json.loads(json.dumps(found.to_json()))) == found
    assert AnalysisPlan.from_json(json.loads(json.dumps(PLAN.to_json()))) == PLAN


def test_factor_effects__variants_side_by_side__are_none():
    assert factor_effects(plan((SCORE,)), collected({"energize": {}, "x": {}}), Z95) == ()
