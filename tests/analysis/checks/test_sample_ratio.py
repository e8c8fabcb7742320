from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare, dirichlet_multinomial, multinomial

from analysis.checks import sample_ratio
from analysis.checks.sample_ratio import (
    CONCENTRATIONS,
    count_segments,
    log_e_value,
    sequential_p,
)
from analysis.checks.trust import Trust
from analysis.statistics.clusters import ClusterSums
from analysis.statistics.moments import Moments

HALVES = (0.5, 0.5)


def found(control, double, **changes):
    values = {
        "variants": ("control", "double"),
        "weights": HALVES,
        "unit_kind": "learner",
        "n_exposed": {"control": control, "double": double},
        "n_crossed": 0,
        "primary": {},
        "final": False,
        "window_days": 28,
    }
    return sample_ratio.run(Trust(**{**values, **changes}))


@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.9, 0.1), (0.2, 0.3, 0.5)], ids=str)
@pytest.mark.parametrize("concentration", CONCENTRATIONS)
def test_e_value__any_counts__is_the_ratio_of_the_likelihoods_of_scipy(shares, concentration):
    rng = np.random.default_rng(3)
    for n in (7, 200, 30_000):
        counts = rng.multinomial(n, rng.dirichlet(50 * np.array(shares)))
        prior = concentration * np.array(shares)

        ours = log_e_value(counts, shares, (concentration,))

        theirs = dirichlet_multinomial.logpmf(counts, prior, n) - multinomial.logpmf(
            counts, n, shares
        )
        assert ours == pytest.approx(theirs, rel=1e-8, abs=1e-7)


@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.7, 0.2, 0.1)], ids=str)
def test_e_value__all_that_can_happen_under_the_plan__averages_to_one(shares):
    """The very definition of an e value, summed over every outcome of twelve units."""
    n = 12
    outcomes = [c for c in product(range(n + 1), repeat=len(shares)) if sum(c) == n]

    mean = sum(multinomial.pmf(c, n, shares) * np.exp(log_e_value(c, shares)) for c in outcomes)

    assert mean == pytest.approx(1, rel=1e-9)


def test_sequential_p__read_after_every_unit__raises_the_alarm_less_often_than_it_says():
    rng = np.random.default_rng(4)
    alarms, n = 0, 200
    for _ in range(n):
        seen = np.cumsum(rng.random(400) < 0.5)
        alarms += any(
            sequential_p((int(k), i - int(k)), HALVES) < 0.1 for i, k in enumerate(seen, start=1)
        )

    assert alarms / n <= 0.1


@given(st.lists(st.integers(0, 5_000), min_size=2, max_size=5))
def test_sequential_p__any_counts__is_a_chance_and_knows_no_order(counts):
    shares = [1.0] * len(counts)

    p_value = sequential_p(counts, shares)

    assert 0 <= p_value <= 1
    assert sequential_p(counts[::-1], shares) == pytest.approx(p_value, rel=1e-6)


def test_sample_ratio__healthy__passes_and_shows_both():
    check = found(500, 510)

    assert check.passed
    assert check.p_value == check.details["sequential_p"] == 1.0
    assert check.details["chi_square_p"] == pytest.approx(chisquare([500, 510]).pvalue)


def test_sample_ratio__lopsided__stops():
    check = found(500, 680)

    assert not check.passed
    assert check.severity is None  # the check's own: stop
    assert check.p_value == check.details["sequential_p"] < 0.001


@pytest.mark.parametrize(
    ("changes", "severity"),
    [({}, "warn"), ({"final": True}, None), ({"final": True, "window_days": None}, None)],
    ids=["interim", "last look", "table"],
)
def test_sample_ratio__only_the_chi_square_alarms__warns_and_stops_where_it_is_read_once(
    changes, severity
):
    check = found(500, 620, **changes)

    assert not check.passed
    assert check.severity == severity
    assert check.p_value == pytest.approx(chisquare([500, 620]).pvalue, rel=1e-10)
    assert check.details["sequential_p"] > 0.01


def test_sample_ratio__planned_nine_to_one__passes():
    check = found(905, 95, weights=(0.9, 0.1))

    assert check.passed
    assert check.details["chi_square_p"] == pytest.approx(chisquare([905, 95], [900, 100]).pvalue)


def test_sample_ratio__six_teams__cannot_be_checked():
    check = found(6, 0, unit_kind="team")

    assert check.passed
    assert check.p_value is None
    assert "6 teams" in check.sentence


@pytest.mark.parametrize("met", [20, 400, 100_000])
def test_sample_ratio__a_variant_that_nobody_met__stops_early(met):
    assert not found(met, 0).passed
    assert found(met, 0).severity is None


def test_sample_ratio__one_unit_in_a_hundred_lost__is_found_in_large_experiments():
    assert not found(500_500, 496_000).passed


def test_sample_ratio__a_segment_that_loses_units__is_named():
    segments = {f"region {i}": {"control": 100, "double": 101} for i in range(9)}
    segments["region west"] = {"control": 40, "double": 130}

    check = found(10_000, 10_010, segments=segments)

    assert not check.passed
    assert "region west" in check.sentence
    assert check.p_value == pytest.approx(10 * sequential_p((40, 130), HALVES))
    assert next(iter(check.details["segments"])) == "region west"


def test_sample_ratio__many_segments__count_all_of_them():
    """What would be an alarm for one segment is none among a thousand."""
    uneven = {"control": 40, "double": 85}
    even = {f"team {i}": {"control": 50, "double": 50} for i in range(999)}

    assert not found(500, 510, segments={"west": uneven}).passed
    assert found(500, 510, segments={"west": uneven, **even}).passed


def test_sample_ratio__segment_without_a_variant__counts_it_as_nobody():
    assert not found(5_000, 5_010, segments={"west": {"control": 60}}).passed


def units(n):
    return Moments(("outcome",), n, np.zeros(1), np.zeros((1, 1)))


def test_count_segments__metric_of_every_unit__counts_each_level():
    region = {
        "west": {"control": units(40), "double": units(30)},
        "east": {"control": units(60), "double": units(71)},
    }

    found = count_segments({"region": region}, {"control": 100, "double": 101})

    assert found == {
        "region west": {"control": 40, "double": 30},
        "region east": {"control": 60, "double": 71},
    }


def test_count_segments__metric_that_leaves_units_out__counts_none():
    region = {"west": {"control": units(40), "double": units(30)}}

    assert count_segments({"region": region}, {"control": 40, "double": 55}) == {}


def test_count_segments__prior_engagement__is_named_in_words():
    bands = {"none": {"control": units(40), "double": units(30)}}

    found = count_segments({"prior_engagement": bands}, {"control": 40, "double": 30})

    assert list(found) == ["prior engagement none"]


def test_count_segments__teams__counts_none():
    sums = ClusterSums(("outcome",), np.array([3, 4]), np.zeros((2, 1)))

    assert count_segments({"role": {"nurse": {"control": sums}}}, {"control": 2}) == {}
