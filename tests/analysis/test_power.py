import pytest
from scipy.stats import norm
from statsmodels.stats.power import TTestIndPower

from analysis.power import design_se, detectable_effect, power_of
from analysis.sizing.design import PlannedDesign
from analysis.sizing.sizes import units_needed
from analysis.sizing.variance import mean_variance, team_variance


def learners_needed(effect, sd, power=0.8, variance_reduction=0.0):
    variance = mean_variance(sd, variance_reduction)
    return units_needed(effect, variance, PlannedDesign(power=power)).by_variant[0]


def teams_needed(effect, sd, team_size, icc):
    variance = team_variance(mean_variance(sd), team_size, icc)
    return units_needed(effect, variance, PlannedDesign()).by_variant[0]


def test_design_se__then_the_test__has_the_power_asked_for():
    se = design_se(2.0, alpha=0.05, power=0.8)

    assert norm.sf(norm.isf(0.025) - 2.0 / se) == pytest.approx(0.8)
    assert detectable_effect(se) == pytest.approx(2.0)


@pytest.mark.parametrize(("effect", "n"), [(0.2, 100), (0.5, 30), (0.8, 8)])
def test_power_of__two_equal_arms__agrees_with_statsmodels(effect, n):
    found = power_of(effect, (2 / n) ** 0.5, 2 * n - 2)

    assert found == pytest.approx(TTestIndPower().power(effect, n, 0.05), rel=1e-6)


@pytest.mark.parametrize(("effect", "power"), [(0.1, 0.8), (0.3, 0.9), (1.5, 0.8)])
def test_learners_needed__agrees_with_statsmodels(effect, power):
    exact = TTestIndPower().solve_power(effect, power=power, alpha=0.05)

    assert learners_needed(effect * 20, 20, power=power) == pytest.approx(exact, abs=1)
    assert learners_needed(effect * 20, 20, power=power) >= exact


def test_learners_needed__covariate_halves_the_variance__halves_the_learners():
    assert learners_needed(2, 20, variance_reduction=0.5) == pytest.approx(
        learners_needed(2, 20) / 2, rel=0.01
    )


def test_teams_needed__is_the_t_test_on_team_means():
    variance = 20**2 * (1 + 14 * 0.1) / 15
    exact = TTestIndPower().solve_power(4 / variance**0.5, power=0.8, alpha=0.05)

    assert teams_needed(4, 20, team_size=15, icc=0.1) - 1 < exact <= teams_needed(4, 20, 15, 0.1)
