import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from analysis.contrast import FARTHEST_Z, critical_t
from analysis.methods.always_valid import one_sided_z, two_sided_z
from tests.oracles import rscript


def robbins(t, alpha):
    """Robbins (1970): the normal mixture crosses 1/alpha; solved for z by bisection on its log."""
    low, high = 0.0, 50.0
    for _ in range(200):
        z = (low + high) / 2
        log_mixture = -0.5 * np.log(t + 1) + z**2 * t / (2 * (t + 1))
        low, high = (z, high) if log_mixture < -np.log(alpha) else (low, z)
    return z


@pytest.mark.parametrize("fraction", [0.05, 0.5, 1.0, 3.0])
def test_two_sided__any_time__is_where_the_normal_mixture_reaches_one_over_alpha(fraction):
    best = minimize_scalar(lambda t: robbins(t, 0.05), bounds=(0.5, 60), method="bounded").x

    assert two_sided_z(fraction) == pytest.approx(robbins(best * fraction, 0.05), rel=1e-6)


@pytest.mark.parametrize("bound", [two_sided_z, one_sided_z])
def test_always_valid__full_information__is_about_where_the_bound_is_tightest(bound):
    assert bound(1.0) < bound(0.5) < bound(0.1)
    assert bound(1.0) < bound(5.0)


def test_always_valid__one_moment__costs_more_than_the_fixed_test():
    assert two_sided_z(1.0) > 1.96
    assert one_sided_z(1.0) > 1.96


@pytest.mark.parametrize(("bound", "sides"), [(two_sided_z, 2), (one_sided_z, 1)])
def test_always_valid__read_at_250_moments__is_wrong_less_often_than_alpha(bound, sides):
    rng = np.random.default_rng(9)
    times = np.geomspace(0.02, 2, 250)
    steps = rng.normal(size=(8_000, 250)) * np.sqrt(np.diff([0, *times]))
    z = steps.cumsum(axis=1) / np.sqrt(times)
    z = np.abs(z) if sides == 2 else z

    wrong = (z > np.array([bound(t, 0.05) for t in times])).any(axis=1).mean()

    assert 0.002 < wrong <= 0.05


@pytest.mark.parametrize("bound", [two_sided_z, one_sided_z])
@pytest.mark.parametrize("fraction", [1e-9, 1e-4, 1e-2])
def test_always_valid__next_to_no_information__stays_finite_in_a_t_test(bound, fraction):
    assert bound(fraction) == FARTHEST_Z
    assert np.isfinite(critical_t(bound(fraction), 1.0))


def test_two_sided__any_time__is_the_mixture_integrated_and_solved_by_r():
    rows = [row for row in rscript.values("always_valid")["bounds"] if row["sides"] == 2]

    assert len(rows) == 24
    for row in rows:
        # The search for the tightest tuning is good to 1e-7 where the bound is steep.
        found = two_sided_z(row["fraction"], row["alpha"])
        assert found == pytest.approx(row["z"], abs=2e-7)


def test_one_sided__any_time__is_hardly_above_the_exact_half_normal_mixture():
    """Proposition B.1 bounds the mixture: never below it, and close where it is used."""
    rows = [row for row in rscript.values("always_valid")["bounds"] if row["sides"] == 1]

    assert len(rows) == 24
    for row in rows:
        excess = one_sided_z(row["fraction"], row["alpha"]) / row["z"] - 1
        assert 0 < excess < (0.015 if row["alpha"] > 0.025 else 0.006)


def test_two_sided__tuning_of_growthbook_and_eppo__is_no_tighter_at_full_information():
    """They approximate the tightest tuning; the bound itself is the same."""
    for row in rscript.values("always_valid")["published"]:
        ours = two_sided_z(row["fraction"], row["alpha"])

        assert ours == pytest.approx(row["z"], rel=0.012)
        if row["fraction"] == 1:
            assert row["z"] * (1 - 1e-4) < ours <= row["z"]
