import numpy as np
import pytest
from statsmodels.stats.proportion import proportion_confint

from analysis.learning.reading.intervals import Stratum, difference_of_shares, share


@pytest.mark.parametrize(("k", "n"), [(0, 10), (3, 10), (10, 10), (57, 200)])
def test_share__interval__is_wilsons(k, n):
    low, high = proportion_confint(k, n, method="wilson")

    found = share(k, n)

    assert (found.estimate, found.low, found.high) == pytest.approx((k / n, low, high), abs=1e-12)


def test_difference_of_shares__one_stratum__is_the_plain_difference():
    found = difference_of_shares([Stratum(40, 30, 60, 30)])

    assert found.estimate == pytest.approx(30 / 40 - 30 / 60)
    half = 1.959964 * np.sqrt(0.75 * 0.25 / 40 + 0.5 * 0.5 / 60)
    assert (found.high - found.low) / 2 == pytest.approx(half, rel=1e-6)


def test_difference_of_shares__only_the_strata_differ__is_zero():
    """Doers come from the engaged stratum: a raw comparison would see 30 points."""
    found = difference_of_shares([Stratum(90, 81, 10, 9), Stratum(10, 4, 90, 36)])

    assert found.estimate == pytest.approx(0.0)


def test_difference_of_shares__nobody_to_compare_with__is_none():
    assert difference_of_shares([Stratum(5, 3, 0, 0), Stratum(0, 0, 7, 2)]) is None


def test_difference_of_shares__many_small_strata__covers_the_truth():
    """2,000 programs of 60 strata of about six learners: 95 % must cover, give or take 1.5 %."""
    rng = np.random.default_rng(3)
    covered = 0
    for _ in range(2000):
        base = rng.uniform(0.2, 0.7, 60)
        n_did, n_not = rng.integers(1, 5, 60), rng.integers(1, 6, 60)
        back_did, back_not = rng.binomial(n_did, base + 0.1), rng.binomial(n_not, base)
        strata = [
            Stratum(*map(int, row)) for row in zip(n_did, back_did, n_not, back_not, strict=True)
        ]
        found = difference_of_shares(strata)
        covered += found.low <= 0.1 <= found.high
    assert covered / 2000 == pytest.approx(0.95, abs=0.015)
