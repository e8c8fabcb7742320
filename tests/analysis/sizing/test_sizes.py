import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.power import TTestIndPower
from statsmodels.stats.proportion import samplesize_proportions_2indep_onetail

from analysis.methods.group_sequential import boundaries
from analysis.plan import MetricPlan
from analysis.sizing.design import PlannedDesign
from analysis.sizing.sizes import days_to_enrol, detectable_with, power_with, units_needed
from analysis.sizing.variance import proportion_variance
from analysis.spending import spent_by
from tests.analysis.collecting import SCORE, plan
from tests.oracles import rscript

DESIGNS = rscript.values("sizing")["designs"]


@pytest.mark.parametrize(
    "theirs", DESIGNS, ids=[f"{d['spending']}-{d['looks']}-{d['power']}" for d in DESIGNS]
)
def test_inflation_and_size__several_looks__agree_with_rpact(theirs):
    """rpact sizes one side of .025; two sides of .05 differ by the wrong side alone."""
    design = PlannedDesign(
        alpha=0.025,
        sides=1,
        power=theirs["power"],
        looks=theirs["looks"],
        spending=theirs["spending"],
    )

    assert design.inflation == pytest.approx(theirs["inflation"], rel=1e-5)
    assert units_needed(0.2, 1.0, design).units == pytest.approx(theirs["units"], rel=0.004)


@pytest.mark.parametrize("ratio", [1.0, 3.0])
@pytest.mark.parametrize("effect", [0.15, 0.6])
def test_units__one_look__agree_with_statsmodels(effect, ratio):
    n_control = TTestIndPower().solve_power(effect, alpha=0.05, power=0.9, ratio=ratio)

    design = PlannedDesign(shares=(1 / (1 + ratio), ratio / (1 + ratio)), power=0.9)
    assert units_needed(effect, 1.0, design).units == pytest.approx(
        n_control * (1 + ratio), abs=1.1
    )


@pytest.mark.parametrize("arms", [2, 3])
@pytest.mark.parametrize("co_primaries", [0, 1, 2])
def test_units__co_primaries__agree_with_statsmodels_at_each_tests_alpha(arms, co_primaries):
    design = PlannedDesign(shares=(1 / arms,) * arms, co_primaries=co_primaries)

    found = units_needed(0.3, 1.0, design)

    alpha = 0.05 / ((arms - 1) * (1 + co_primaries))
    each = TTestIndPower().solve_power(0.3, alpha=alpha, power=0.8)
    assert found.units == pytest.approx(arms * each, abs=arms)


def test_design__co_primaries__are_counted_as_a_plan_counts_its_tests():
    metrics = [MetricPlan(key, key, "sum", role="co_primary") for key in ("sales", "calls")]

    asked = plan(metrics=(SCORE, *metrics), variants=("control", "double", "triple"))

    assert PlannedDesign(shares=(1 / 3,) * 3, co_primaries=2).n_tests == asked.n_tests


def test_units__proportions__agree_with_statsmodels():
    n = samplesize_proportions_2indep_onetail(0.05, 0.3, 0.8, ratio=1, alpha=0.05)

    found = units_needed(0.05, proportion_variance(0.3, 0.05), PlannedDesign())

    assert found.units / 2 == pytest.approx(n, rel=0.01)


def test_units__three_treatments__split_alpha_and_wait_for_the_smallest():
    three = units_needed(1.0, 25.0, PlannedDesign(shares=(0.4, 0.3, 0.2, 0.1)))

    pair = units_needed(1.0, 25.0, PlannedDesign(shares=(0.8, 0.2), alpha=0.05 / 3))
    assert three.units * 0.5 == pytest.approx(pair.units, rel=0.01)
    assert sum(three.by_variant) == pytest.approx(three.units, abs=3)


def test_power__five_looks__is_what_simulated_experiments_have():
    design = PlannedDesign(looks=5, power=0.8)
    units = units_needed(0.3, 1.0, design).units
    times = np.arange(1, 6) / 5
    z = boundaries(times, [spent_by("obrien_fleming", 0.05, t) for t in times])
    rng = np.random.default_rng(1)

    steps = rng.normal(0.3 / (4 / units) ** 0.5 / 5, 5**-0.5, (40_000, 5))
    walks = np.cumsum(steps, axis=1) / np.sqrt(times)
    found = (walks > z).any(axis=1).mean()

    assert found == pytest.approx(0.8, abs=0.01)


@given(
    effect=st.floats(0.01, 10),
    variance=st.floats(0.01, 1e4),
    share=st.floats(0.05, 0.95),
    looks=st.integers(1, 5),
)
def test_units__any_design__are_just_enough_and_invert_the_detectable_effect(
    effect, variance, share, looks
):
    design = PlannedDesign(shares=(1 - share, share), looks=looks)

    units = units_needed(effect, variance, design).units

    assert power_with(units, effect, variance, design) >= design.power
    if units > 4:
        assert power_with(units - 1, effect, variance, design) < design.power
    if units > 60:
        assert detectable_with(units, variance, design) == pytest.approx(effect, rel=0.05)
        assert detectable_with(units, variance, design) <= effect * (1 + 1e-6)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"shares": (0.5, 0.4)}, "shares"),
        ({"shares": (1.0,)}, "shares"),
        ({"alpha": 0.0}, "alpha"),
        ({"power": 0.01}, "power"),
        ({"sides": 3}, "sides"),
        ({"looks": 0}, "looks"),
    ],
)
def test_design__impossible__is_refused_by_name(change, named):
    with pytest.raises(ValueError, match=named):
        PlannedDesign(**change)


@pytest.mark.parametrize(
    ("effect", "variance"), [(0, 1), (-1, 1), (1, 0), (float("nan"), 1), (1e-9, 1)]
)
def test_units__impossible__is_refused(effect, variance):
    with pytest.raises(ValueError, match=r"effect|unit_variance"):
        units_needed(effect, variance, PlannedDesign())


def test_days__steady_pace__are_the_missing_over_the_pace_and_the_window():
    found = days_to_enrol(1_000, [50] * 14, window_days=7)

    assert found.days == 27
    assert found.low < 27 < found.high
    assert found.high < 30


def test_days__interval__holds_what_comes_to_pass():
    rng = np.random.default_rng(2)
    held = 0
    for _ in range(500):
        daily = rng.poisson(rng.gamma(5, 4, 14))
        found = days_to_enrol(4_000, daily)
        ahead = np.cumsum(rng.poisson(rng.gamma(5, 4, 1_000)))
        held += found.low <= np.argmax(ahead >= 4_000) + 1 <= (found.high or np.inf)

    assert held >= 420  # 90 % less 27, four standard errors


def test_days__nobody_came__is_not_known():
    assert days_to_enrol(10, [0, 0, 0]) is None
    assert days_to_enrol(10, []) is None
    assert days_to_enrol(0, []).days == 0


def test_days__one_visitor__may_take_for_ever():
    assert days_to_enrol(10, [0, 0, 1, 0]).high is None
