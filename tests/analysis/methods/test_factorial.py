import numpy as np
import pytest
import statsmodels.api as sm

from analysis.methods import cluster_robust, factorial, welch
from analysis.results import NotEstimable
from analysis.statistics.clusters import ClusterSums
from analysis.statistics.moments import Moments

LEVELS = ("off", "on")


def world(seed, sizes=(40, 70, 55, 90), bonus=2.0, weekly=1.0, together=3.0):
    rng = np.random.default_rng(seed)
    rows, at = [], []
    for n, (a, b) in zip(sizes, [(0, 0), (0, 1), (1, 0), (1, 1)], strict=True):
        noise = rng.normal(0, 2 + a + b, n)
        rows.append(50 + bonus * a + weekly * b + together * a * b + noise)
        at += [(a, b)] * n
    return np.concatenate(rows), np.array(at, dtype=float)


def cells_of(outcome, at):
    return {
        (LEVELS[a], LEVELS[b]): Moments.of(
            ("outcome",), outcome[(at[:, 0] == a) & (at[:, 1] == b), None]
        )
        for a in (0, 1)
        for b in (0, 1)
    }


def regression(outcome, at):
    """Effect-coded, so that each coefficient is half a main effect; HC2 is Welch per cell."""
    coded = 2 * at - 1
    design = sm.add_constant(np.column_stack([coded, coded.prod(axis=1)]))
    return sm.OLS(outcome, design).fit(cov_type="HC2")


@pytest.mark.parametrize("factor", [0, 1])
def test_main_effect__unequal_cells__agrees_with_the_effect_coded_regression(factor):
    outcome, at = world(1)

    found = factorial.main_effect(cells_of(outcome, at), factor, LEVELS)

    fit = regression(outcome, at)
    assert found.effect == pytest.approx(2 * fit.params[1 + factor], rel=1e-10)
    assert found.se == pytest.approx(2 * fit.bse[1 + factor], rel=1e-10)


def test_interaction__unequal_cells__agrees_with_the_effect_coded_regression():
    outcome, at = world(2)

    found = factorial.interaction(cells_of(outcome, at), (0, 1), (LEVELS, LEVELS))

    fit = regression(outcome, at)
    assert found.effect == pytest.approx(4 * fit.params[3], rel=1e-10)
    assert found.se == pytest.approx(4 * fit.bse[3], rel=1e-10)


def test_main_effect__one_level_of_the_other_factor__is_welch():
    outcome, at = world(3)
    cells = {key: cell for key, cell in cells_of(outcome, at).items() if key[1] == "off"}

    found = factorial.main_effect(cells, 0, LEVELS)

    plain = welch.estimate(cells["off", "off"], cells["on", "off"])
    assert (found.effect, found.se, found.df) == pytest.approx((plain.effect, plain.se, plain.df))


def test_effects__add_up_to_the_cells():
    outcome, at = world(4)
    cells = cells_of(outcome, at)

    bonus, weekly = (factorial.main_effect(cells, factor, LEVELS) for factor in (0, 1))

    both = cells["on", "on"].mean_of("outcome") - cells["off", "off"].mean_of("outcome")
    assert bonus.effect + weekly.effect == pytest.approx(both)


def test_interaction__factors_that_add_up__is_found_as_often_as_chance_says():
    rng = np.random.default_rng(5)
    rejected = 0
    for _ in range(1_000):
        outcome, at = world(int(rng.integers(1 << 31)), sizes=(12, 9, 15, 10), together=0.0)
        found = factorial.interaction(cells_of(outcome, at), (0, 1), (LEVELS, LEVELS))
        rejected += found.p_value < 0.05

    assert 22 <= rejected <= 78  # 50 expected, four standard errors either way


def test_main_effect__a_level_without_units__is_refused():
    outcome, at = world(6)
    cells = cells_of(outcome, at)

    assert isinstance(factorial.main_effect(cells, 0, ("off", "never")), NotEstimable)


def test_main_effect__constant_outcomes__are_refused():
    flat = Moments.of(("outcome",), np.full((5, 1), 3.0))

    found = factorial.main_effect({("off",): flat, ("on",): flat}, 0, LEVELS)

    assert isinstance(found, NotEstimable)


def teams(seed, n_teams=9):
    rng = np.random.default_rng(seed)
    n = rng.integers(3, 30, n_teams)
    return ClusterSums(("outcome",), n, (n * rng.normal(50, 4, n_teams))[:, None])


def test_main_effect__teams_at_two_levels__is_cr2():
    cells = {("off",): teams(8), ("on",): teams(9)}

    found = factorial.main_effect(cells, 0, LEVELS)

    plain = cluster_robust.estimate(cells["off",], cells["on",])
    assert (found.effect, found.se, found.df) == pytest.approx((plain.effect, plain.se, plain.df))
    assert (found.n, found.n_learners) == (plain.n, plain.n_learners)


def test_interaction__teams__adds_the_variances_of_the_cells():
    cells = {
        (a, b): teams(10 + 2 * i + j) for i, a in enumerate(LEVELS) for j, b in enumerate(LEVELS)
    }

    found = factorial.interaction(cells, (0, 1), (LEVELS, LEVELS))

    by_other = [cluster_robust.estimate(cells["off", b], cells["on", b]) for b in LEVELS]
    assert found.effect == pytest.approx(by_other[1].effect - by_other[0].effect)
    assert found.se**2 == pytest.approx(sum(one.se**2 for one in by_other))
    assert min(one.df for one in by_other) < found.df < sum(one.df for one in by_other) + 1


def test_main_effect__one_team_in_a_cell__is_refused():
    assert isinstance(
        factorial.main_effect({("off",): teams(1, 1), ("on",): teams(2)}, 0, LEVELS), NotEstimable
    )
